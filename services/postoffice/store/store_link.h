//  store_link — one database link of the store and what waits for it.
//
//  Appends go through group_commit. Questions are sent at once, up to the link's limit. While the
//  server cannot write no batch is sent, until a probe was written.

#ifndef STORE_LINK_H
#define STORE_LINK_H

#include "store/batch.h"
#include "store/query.h"

#include <uv.h>

typedef struct store_link store_link_t;

//  `changed` is called when store_link_state may have another answer.
typedef void store_link_changed_fn (void *owner);

//  Counts its requests in the queue.
store_link_t *store_link_new (uv_loop_t *loop, const store_config_t *config, store_queue_t *queue,
                              store_link_changed_fn *changed, void *owner);
void store_link_destroy (store_link_t **self_p);

//  Begins to connect: the schema is the right one now.
void store_link_open (store_link_t *self);

typedef struct {
    bool is_alive;  //  see pg_link.h
    bool is_usable; //  it is up and the server can write
} store_link_state_t;

store_link_state_t store_link_state (const store_link_t *self);

//  Both take what they are given.
void store_link_append (store_link_t *self, append_t **append_p);
void store_link_ask (store_link_t *self, query_t **query_p);
void store_link_receipt (store_link_t *self, text_t session, uint64_t role, text_t user,
                         const store_receipt_t *receipt);

#endif
