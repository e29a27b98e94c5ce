//  send_window — which posts of an endpoint are refused because one before them was: of what a
//  client says in one go, nothing may be stored that overtakes a message that it is to say again.
//
//  Each POST names the one that was under way before it (`after`). When that one, or one before
//  it, was refused for now, so is this one. The run ends with a later POST that follows none of
//  them: the client has begun again. Tickets of one edge only rise. A post whose client would not
//  say it again names itself and is of no run.
//
//  One row for an endpoint, until its run ends or it is gone, at most for SEND_WINDOW_KEPT_MS:
//  longer than any post is under way. There are at most SEND_WINDOW_MOST; the oldest go first.

#ifndef SEND_WINDOW_H
#define SEND_WINDOW_H

#include "bus/bus_server.h"

#define SEND_WINDOW_KEPT_MS 60000
#define SEND_WINDOW_MOST 100000

typedef struct send_window send_window_t;

send_window_t *send_window_new (void);
void send_window_destroy (send_window_t **self_p);

//  This post was refused, and may be said again.
void send_window_note (send_window_t *self, peer_t peer, const bus_post_t *post, uint64_t now_ms);
//  Must it be refused because it follows one that was? Ends the run when it begins a new one.
bool send_window_include (send_window_t *self, peer_t peer, const bus_post_t *post);

void send_window_forget (send_window_t *self, peer_t peer, uint64_t endpoint);
void send_window_forget_peer (send_window_t *self, peer_t peer);
//  To be called now and then: forgets what is too old.
void send_window_expire (send_window_t *self, uint64_t now_ms);
size_t send_window_count (const send_window_t *self);

#endif
