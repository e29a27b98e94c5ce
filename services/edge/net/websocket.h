//  websocket — the front door: the sockets of clients, the HTTP that they begin with, and the
//  WebSockets that they become: whole text frames in, frames, pings and closes out.
//
//  The server owns the sockets; what a WebSocket means is its guest's business (a connection_t),
//  which comes into being with `opened` and is told with `closed` that the socket is gone. Writing
//  is by asking: websocket_want_write, and before the loop sleeps `next` is called until it has
//  nothing more or a turn's share is reached; a socket that could not take that is left alone until
//  it has.

#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "net/client_url.h"
#include "net/frame.h"

#include <uv.h>

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
    //  May it come in? 0, or the HTTP status that it is refused with.
    int (*upgrade) (void *owner, const client_url_t *url, text_t origin);
    //  NULL: there is no room; the socket is closed.
    connection_t *(*opened) (void *owner, websocket_t *socket, const client_url_t *url);
    //  A whole text frame, however many fragments it came in. Not checked in any way but its size.
    void (*text) (void *owner, connection_t *guest, text_t frame);
    //  Something else that shows that it lives: a part of one that is still coming in (not for
    //  ever: see message_within_ms), or a ping.
    void (*piece) (void *owner, connection_t *guest);
    //  So many frames came that are no whole text, and count at its pace like one.
    void (*strays) (void *owner, connection_t *guest, unsigned frames);
    //  May a frame that is still coming in become a large one?
    bool (*growing) (void *owner);
    void (*pong) (void *owner, connection_t *guest, text_t payload);
    //  Something that is answered by closing. Nothing more is read.
    void (*fault) (void *owner, connection_t *guest, close_reason_t reason);
    //  What to write now; false: nothing.
    bool (*next) (void *owner, connection_t *guest, websocket_write_t *write);
    void (*closed) (void *owner, connection_t *guest);
} websocket_events_t;

//  What /config.json says is written in one piece.
#define CONFIG_JSON_MAX 4096

typedef struct {
    const char *address;
    uint16_t port;
    const char *web_root;    //  "": no pages
    text_t config_json;      //  what /config.json says, at most CONFIG_JSON_MAX; copied
    uint64_t frame_limit;
    uint64_t message_within_ms; //  a message must come whole
    uint64_t connection_limit;
    uint64_t socket_limit;   //  with those that are not WebSockets (yet); more are closed at once
    uint64_t sockets_per_second; //  that come in, in the long run
    uint64_t sockets_burst;      //  and so many at once
    uint64_t page_limit;     //  while more are no WebSockets, no page is served
} websocket_config_t;

//  NULL when it cannot listen; errno says why.
websocket_server_t *websocket_server_new (uv_loop_t *loop, const websocket_config_t *config,
                                          const websocket_events_t *events, void *owner);
//  Takes nobody in any more.
void websocket_server_stop (websocket_server_t *self);
//  Ends what is open: `closed` is called for each within. The loop must turn until its handles are
//  gone.
void websocket_server_destroy (websocket_server_t **self_p);
uint16_t websocket_server_port (const websocket_server_t *self);

//  The socket has not taken all that was written to it.
bool websocket_is_full (const websocket_t *self);

//  These may be called from anywhere in the loop.
void websocket_want_write (websocket_t *self);
//  Stops or goes on reading; what was read already may still come.
void websocket_read (websocket_t *self, bool on);
//  Ends it soon without a word, whether the peer reads or not.
void websocket_kill (websocket_t *self);

#endif
