//  http_server — the connections that speak HTTP: one request after the other is read, handed
//  over to who answers, and answered in order; what is not a request of RFC 9112 is refused, and
//  the connection ends. A rightly asked WebSocket takes its connection away.
//
//  All of them together have a rate limit: fetching pages in a loop must not take the time of the
//  chats. A request beyond it waits, and its connection is not read meanwhile.
//
//  And each address has its limits (address/callers.h). Behind a trusted proxy the address of each
//  request is the one that the proxy names. A request beyond them is told so (429) before it counts
//  at the rate limit of all. Then the connection ends, but for a proxy's, which is not the
//  client's.
//
//  A body is read when whoever answers wants it, up to a limit, before it is answered. Without that
//  the request is answered at once, and the connection ends behind the answer: where the next
//  request would begin is not looked for.
//
//  An answer without an end (an event stream) takes its connection away, as a WebSocket does. What
//  is said to a client is http_request.h's.

#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "address/forwarded.h"
#include "net/http_connection.h"
#include "net/http_request.h"

//  The time of a body that was begun: STREAM_BODY of the streams. Borrows all but the loop's time.
http_server_t *http_server_new (uv_loop_t *loop, callers_t *callers,
                                const trusted_proxies_t *trusted,
                                const http_server_events_t *events, void *owner);
//  Lines of every answer's head, each with its end; borrowed.
void http_server_say_always (http_server_t *self, text_t lines);
//  Its streams are closed already. The loop must turn until its handles are gone.
void http_server_destroy (http_server_t **self_p);

//  It is to end: each connection ends behind its next answer.
void http_server_drain (http_server_t *self);
//  No request is being answered: none waits for its answer, and no answer for its client.
bool http_server_is_quiet (const http_server_t *self);

//  Takes a new connection in, and who is at its other end.
int http_server_take (http_server_t *self, streams_t *streams, int descriptor,
                      const caller_t *caller);

#endif
