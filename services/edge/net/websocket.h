//  websocket — the front door: the sockets of clients, the HTTP that they begin with, and the
//  WebSockets that they become: whole text frames in, frames, pings and closes out.
//
//  The server owns the sockets. What is said on a WebSocket concerns its connection_t: `opened`
//  makes it, `closed` tells it that the socket is gone. The connection asks to write with
//  websocket_want_write; before the loop sleeps `next` is called until nothing is left or a turn's
//  share is reached. A full socket is not written to until the kernel has taken what it was given.

#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "net/client_url.h"
#include "net/frame.h"
#include "net/http_server.h"
#include "net/stream.h"

#include <uv.h>

//  A message that is larger than this is refused when too much waits on this edge.
#define WEBSOCKET_LARGE (16 << 10)

//  The one that is chosen when a client offers protocols; a token may stand among them (door.h).
#define WEBSOCKET_PROTOCOL "stentor.chat"

typedef struct websocket_server websocket_server_t;
typedef struct websocket websocket_t;
typedef struct connection connection_t;

typedef struct {
    enum { WRITE_TEXT, WRITE_PING, WRITE_CLOSE } what;
    frame_t *frame;        //  of a text: the socket's now
    uint64_t ping;         //  its payload
    close_reason_t reason; //  of a close
} websocket_write_t;

typedef struct {
    //  Is the upgrade allowed? 0, or the HTTP status that refuses it.
    int (*upgrade) (void *owner, const client_url_t *url, text_t origin);
    //  The head of its request does not live longer than this call.
    connection_t *(*opened) (void *owner, websocket_t *socket, const client_url_t *url,
                             const http_head_t *head);
    void (*closed) (void *owner, connection_t *connection);
    //  May a message that is not whole yet become a large one?
    bool (*may_grow) (void *owner);
    //  So many bytes more (or less) wait there, of all sockets together.
    void (*memory) (void *owner, net_memory_t what, int64_t change);

    //  A whole text frame, however many fragments it came in. Not checked in any way but its size.
    void (*text) (connection_t *connection, text_t frame);
    //  Another sign of life: a fragment of a message that is not whole yet (message_within_ms
    //  limits that), or a ping. A costly one counts at the client's rate limit like a text.
    void (*fragment) (connection_t *connection, bool is_costly);
    void (*pong) (connection_t *connection, text_t payload);
    //  A fault that closes the connection. Nothing more is read.
    void (*fault) (connection_t *connection, close_reason_t reason);
    //  What to write now; false: nothing.
    bool (*next) (connection_t *connection, websocket_write_t *write);
} websocket_events_t;

//  Who answers the requests that are no WebSockets.
typedef struct {
    //  As http_server_events_t.
    void (*asked) (void *owner, request_t *request, const http_head_t *head);
    void (*too_many) (void *owner, request_t *request, const http_head_t *head, unsigned seconds);
    bool (*has_problems) (void *owner, text_t target); //  NULL: nothing has
    void (*quiet) (void *owner);
    void *owner;
} http_site_t;

typedef struct {
    const char *address;
    uint16_t port;
    http_site_t site;
    uint64_t frame_limit;
    uint64_t message_within_ms; //  a message must come whole
    uint64_t connection_limit;
    uint64_t socket_limit;   //  with those that are not WebSockets (yet); more are closed at once
    uint64_t sockets_per_second; //  accepted in the long run
    uint64_t sockets_burst;      //  accepted at once
    uint64_t page_limit;     //  while more are no WebSockets, no page is served
    callers_config_t callers; //  limits of each address; of page_limit one gets half at most
    const trusted_proxies_t *trusted; //  borrowed
    tls_server_t *tls;       //  NULL: in clear; borrowed
    text_t lines;            //  of every answer's head, each with its end; borrowed
} websocket_config_t;

//  Logs where it listens. NULL when it cannot; errno says why.
websocket_server_t *websocket_server_new (uv_loop_t *loop, const websocket_config_t *config,
                                          const websocket_events_t *events, void *owner);
//  Stops listening, and http_server_drain.
void websocket_server_stop (websocket_server_t *self);
//  As http_server_is_quiet.
bool websocket_server_is_quiet (const websocket_server_t *self);
//  Ends what is open: `closed` is called for each within. The loop must turn until its handles are
//  gone.
void websocket_server_destroy (websocket_server_t **self_p);

//  Where the client comes from; the socket's own.
const client_address_t *websocket_address (const websocket_t *self);

//  The kernel has not taken all that was written to the socket.
bool websocket_is_full (const websocket_t *self);

//  These may be called from anywhere in the loop.
void websocket_want_write (websocket_t *self);
//  Stops or goes on reading; what was read already may still come.
void websocket_read (websocket_t *self, bool on);
//  Closes the socket soon, without a close frame.
void websocket_abort (websocket_t *self);

#endif
