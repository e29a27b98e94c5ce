//  http_request — a request that is being answered, for who answers: whole answers, answers in
//  pieces and without an end, and the bodies of requests. Where it comes from: http_server.h.

#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "address/callers.h"
#include "model/problem.h"
#include "net/http_head.h"
#include "net/stream.h"

typedef struct http_server http_server_t;
typedef struct request request_t;

//  A connection's place among all: what was handed over has it until it ends.
typedef struct {
    http_server_t *server;
    caller_t caller;
} http_stay_t;

//  What whoever answers later is told meanwhile; any may be NULL.
typedef struct request_events {
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
#define HTTP_ANSWER_MOST (HTTP_PIECE_MOST + (64u << 10)) //  with its head
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
//  As request_answer, and the connection ends: with these words, or those of the status.
void request_say (request_t *self, unsigned status, text_t fields, const char *words);
void request_refuse (request_t *self, unsigned status);
//  The same as a problem (RFC 9457), as the HTTP API answers.
void request_refuse_problem (request_t *self, problem_t problem, const char *detail);
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
