//  http_server — the connections that speak HTTP: one request after the other is read, handed
//  over to who answers, and answered in order; what is not a request of RFC 9112 is refused, and
//  the connection ends. A rightly asked WebSocket takes its connection away.
//
//  All of them together have a rate limit: fetching pages in a loop must not take the time of the
//  chats. A request beyond it waits, and its connection is not read meanwhile.

#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "net/http_head.h"
#include "net/stream.h"

typedef struct http_server http_server_t;
//  A connection, and the request on it that is being answered.
typedef struct request request_t;

typedef struct {
    //  Returns 0: somebody else owns the stream now; else the status that it is refused with.
    unsigned (*upgrade) (void *owner, stream_t *stream, const http_head_t *head, text_t key);
    //  Are there so few connections that each may fill the memory with a large head?
    bool (*has_room) (void *owner);
    //  Is to be answered, now or later. The head does not live longer than this call.
    void (*asked) (void *owner, request_t *request, const http_head_t *head);
    //  There is room for more of the body that was begun.
    void (*room) (request_t *request);
    //  The one who asked has gone before the answer was whole.
    void (*gone) (request_t *request);
} http_server_events_t;

//  `fields` are lines of every answer, each with its "\r\n"; borrowed.
http_server_t *http_server_new (uv_loop_t *loop, text_t fields,
                                const http_server_events_t *events, void *owner);
//  Its streams are closed already. The loop must turn until its handles are gone.
void http_server_destroy (http_server_t **self_p);

//  Takes a new connection in.
int http_server_take (http_server_t *self, streams_t *streams, int descriptor);

// ---------------------------------------------------------------------------------------------
//  For who answers: one of these, once

//  A whole answer. `fields` are lines as above.
void request_answer (request_t *self, unsigned status, text_t fields, text_t body);
//  The head of one whose body follows in pieces, as long as there is room. False: none is wanted.
bool request_begin (request_t *self, unsigned status, text_t fields, uint64_t size);
//  Has it no room now? Then `room` is called.
bool request_is_full (const request_t *self);
//  All that was announced is answered, and the request over, when the last piece is given.
//  An empty piece: it cannot be given, and the connection ends.
void request_body (request_t *self, text_t piece);
//  As request_answer, and the connection ends.
void request_refuse (request_t *self, unsigned status);

void request_set_answerer (request_t *self, void *answerer);
void *request_answerer (const request_t *self);

#endif
