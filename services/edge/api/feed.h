//  feed — connections that watch how the sessions of their app change (GET /feed): event streams,
//  and what they are told.
//
//  All watchers of an app at this edge share one WATCH at each postoffice. A new watcher is told
//  `ready` when every postoffice that is up has confirmed it: from then on it is told every change.
//  What may have been missed makes `resync`: a postoffice is lost, or back, or says that there is a
//  gap, or the watcher reads too slowly (feed_queue.h).
//
//  A postoffice that cannot be reached from here may serve other edges. So as long as one that
//  there should be is away, or does not know WATCH, all watchers are told `resync` from time to
//  time.

#ifndef FEED_H
#define FEED_H

#include "api/api_request.h"
#include "bus/bus_client.h"
#include "client/door.h"
#include "net/http_request.h"

#include <uv.h>

typedef struct feed feed_t;

typedef struct {
    bus_client_t *bus;
    const door_t *door;
    uint64_t watchers_most;
    uint64_t sign_every_ms; //  a sign of life for who has heard nothing else
    void (*gone) (void *owner); //  one of them has ended
    void *owner;
} feed_config_t;

feed_t *feed_new (uv_loop_t *loop, const feed_config_t *config);
//  The streams are gone already. The loop must turn until its handles are closed.
void feed_destroy (feed_t **self_p);

//  GET /feed: an api_asked_fn, of which the feed is the owner.
void feed_asked (void *owner, request_t *request, const http_head_t *head,
                 const api_request_t *asked, const door_pass_t *pass, text_t fields);

void feed_postoffice_up (feed_t *self, unsigned postoffice);
void feed_postoffice_down (feed_t *self, unsigned postoffice);
void feed_watching (feed_t *self, unsigned postoffice, const bus_watching_t *watching);
void feed_summary (feed_t *self, const bus_summary_t *summary);

//  How many watch.
uint64_t feed_count (const feed_t *self);
//  Ends all, soon.
void feed_drain (feed_t *self);

#endif
