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
//  An answer without an end (an event stream) takes its connection away, as a WebSocket does.

#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "address/callers.h"
#include "address/forwarded.h"
#include "net/http_head.h"
#include "net/stream.h"

typedef struct http_server http_server_t;
//  A connection, and the request on it that is being answered.
typedef struct request request_t;

typedef struct {
    //  Returns 0: somebody else owns the stream now, and the caller, who stays in; else the status
    //  that it is refused with.
    unsigned (*upgrade) (void *owner, stream_t *stream, const http_head_t *head, text_t key,
                         const caller_t *caller);
    //  Are there so few connections that each may fill the memory with a large head?
    bool (*has_room) (void *owner);
    //  Is to be answered, now or later. The head does not live longer than this call.
    void (*asked) (void *owner, request_t *request, const http_head_t *head);
    //  Is to be refused at once: its address may ask again after so many seconds.
    void (*too_many) (void *owner, request_t *request, const http_head_t *head, unsigned seconds);
    //  May a body that is not whole yet become a large one?
    bool (*may_grow) (void *owner);
    //  So many bytes more (or less) of bodies wait, of all requests together.
    void (*memory) (void *owner, int64_t change);
    //  May one more answer have no end? 0, or the status that refuses it.
    unsigned (*may_stay) (void *owner);
    //  One more (or less) has none.
    void (*stays) (void *owner, int change);
    //  It is to end, and no request is being answered any more.
    void (*quiet) (void *owner);
} http_server_events_t;

//  The time of a body that was begun: STREAM_BODY of the streams. Borrows all but the loop's time.
http_server_t *http_server_new (uv_loop_t *loop, callers_t *callers,
                                const trusted_proxies_t *trusted,
                                const http_server_events_t *events, void *owner);
//  Its streams are closed already. The loop must turn until its handles are gone.
void http_server_destroy (http_server_t **self_p);

//  It is to end: each connection ends behind its next answer.
void http_server_drain (http_server_t *self);
//  No request is being answered: none waits for its answer, and no answer for its client.
bool http_server_is_quiet (const http_server_t *self);

//  Takes a new connection in, and who is at its other end.
int http_server_take (http_server_t *self, streams_t *streams, int descriptor,
                      const caller_t *caller);

// ---------------------------------------------------------------------------------------------
//  For who answers

//  A connection's place among all: what was handed over has it until it ends.
typedef struct {
    http_server_t *server;
    caller_t caller;
} http_stay_t;

//  What whoever answers later is told meanwhile; any may be NULL.
typedef struct {
    //  The body that was wanted is whole; it lives until the callback returns.
    void (*body) (void *answerer, text_t body);
    //  There is room for more of the answer's body that was begun.
    void (*room) (void *answerer);
    //  The one who asked has gone, or has sent a body that is refused: it is answered already.
    void (*gone) (void *answerer);
} request_events_t;

//  From now on, until the answer is whole, these are called; NULL, NULL: nobody is.
void request_set_answerer (request_t *self, const request_events_t *events, void *answerer);
//  Within `asked`: the body is to be read, at most so many bytes, and given to the answerer. The
//  answerer is told `gone` when it cannot be had.
void request_want_body (request_t *self, const http_head_t *head, uint64_t most);
//  Within `asked`: lines of this request's answer, whatever it is, each with its "\r\n"; borrowed.
void request_set_fields (request_t *self, text_t fields);

//  Where it comes from; the request's own.
const client_address_t *request_address (const request_t *self);

//  One of these, once:

//  A whole answer. `fields` are lines, each with its "\r\n". The body has at most HTTP_PIECE_MOST
//  bytes.
#define HTTP_PIECE_MOST (4u << 20)
void request_answer (request_t *self, unsigned status, text_t fields, text_t body);
//  The head of one whose body follows in pieces, as long as there is room. False: none is wanted.
//  Of an unknown size it comes in chunks; to a client of HTTP/1.0, up to the connection's end.
#define HTTP_UNKNOWN_SIZE UINT64_MAX
bool request_begin (request_t *self, unsigned status, text_t fields, uint64_t size);
//  Has it no room now? Then `room` is called.
bool request_is_full (const request_t *self);
//  All that was announced is answered, and the request over, when the last piece is given.
//  An empty piece: it cannot be given, and the connection ends. A piece has at most
//  HTTP_PIECE_MOST bytes, too.
void request_body (request_t *self, text_t piece);
//  One of an unknown size is whole, and the request over.
void request_end (request_t *self);
//  As request_answer, and the connection ends.
void request_refuse (request_t *self, unsigned status);
//  429, within `too_many`.
void request_too_many (request_t *self, unsigned seconds);
//  Within `asked`, the head of an answer (200) whose body has no length, and ends with its
//  connection: the stream is the caller's from now on. NULL: the request is a HEAD, and answered.
//  Only when request_may_stay says 0; else it is the status to refuse it with, and with 429 the
//  seconds.
unsigned request_may_stay (const request_t *self, unsigned *seconds);
stream_t *request_hand_over (request_t *self, text_t fields, http_stay_t *stay);

//  What was handed over is closed.
void http_stay_end (http_stay_t *self);

#endif
