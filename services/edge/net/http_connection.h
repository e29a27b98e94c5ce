//  http_connection — a connection that speaks HTTP, and the request on it: what its two halves
//  share, http_request (what is said) and http_server (what is heard). The bodies of the structs
//  stand here for those two; nobody else looks inside.

#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "address/callers.h"
#include "address/forwarded.h"
#include "base/buffer.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "base/token_bucket.h"
#include "net/http_body.h"
#include "net/stream.h"

//  Of all connections together; a page and every 16 KiB of its body count as one.
#define STATIC_FILES_PER_SECOND 5000
#define STATIC_FILES_BURST 5000
#define BYTES_OF_A_PAGE (16u << 10)

typedef struct http_server http_server_t;
//  A connection, and the request on it that is being answered.
typedef struct request request_t;
struct request_events; //  http_request.h

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
    //  Is what begins so, the target of a request, refused with problems (RFC 9457)? NULL: nothing.
    bool (*has_problems) (void *owner, text_t target);
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

struct http_server {
    uv_loop_t *loop;
    loop_timer_t *throttle; //  runs while any are throttled
    callers_t *callers;
    const trusted_proxies_t *trusted;
    const http_server_events_t *events;
    void *owner;
    text_t lines; //  of every answer's head
    buffer_t gathered;
    list_t throttled; //  requests beyond the rate limit, in order
    token_bucket_t rate;
    uint64_t busy; //  connections with a request that is being answered
    bool is_draining;
};

//  A body that is being read.
typedef struct {
    http_body_reader_t reader;
    buffer_t bytes;
    http_fault_t fault; //  of its announcement
    bool keep_alive;    //  behind it
} body_t;

struct request {
    http_server_t *requests;
    stream_t *stream;
    caller_t caller;                //  of a proxy's connection: of the request on it
    ip_address_t peer;              //  the socket's own address
    const struct request_events *events; //  NULL: no answerer
    void *answerer;
    text_t fields;
    body_t *body;
    list_t throttled;
    uint64_t left;   //  of the body that was announced
    uint32_t seen;   //  bytes of a head that is not whole
    bool has_begun;  //  the head that is not whole has its limit
    bool is_answered; //  but for what is still to be taken
    bool is_busy;    //  a request is being answered
    bool is_within;  //  the call that answers it is not over
    bool keep_alive;
    bool is_head;
    bool is_old;     //  of HTTP/1.0
    bool is_chunked; //  the answer that was begun
    bool has_ended;
    bool is_proxy; //  a trusted one's connection
    bool is_handed; //  its stream has another owner now
    bool has_problems; //  with which it is refused; else in words
};

//  So much of the rate limit of all is used up.
void connection_charge (request_t *self, uint64_t tokens);
//  A request is being answered, or none is.
void connection_set_busy (request_t *self, bool is_busy);
//  The answer has left: the next request, or the end.
void connection_go_on (request_t *self);
void connection_forget_body (request_t *self);

#endif
