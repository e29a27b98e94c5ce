//  desk — one database link of the store and what waits for it. A session always comes to the same
//  desk, so what is asked for it is done in the order in which it was asked.
//
//  Chunks go through the appender. Questions are sent at once (up to the link's limit), but for
//  those of a session whose chunks have not been sent yet: they go right behind them.
//
//  While the server cannot write no batch is sent, until a probe was written.

#ifndef DESK_H
#define DESK_H

#include "chunk.h"
#include "query.h"

typedef struct desk desk_t;

//  `changed` is called when desk_is_usable may have another answer.
typedef void desk_changed_fn (void *owner);

desk_t *desk_new (uv_loop_t *loop, const store_config_t *config, desk_changed_fn *changed,
                  void *owner);
void desk_destroy (desk_t **self_p);

//  Begins to connect: the schema is the right one now.
void desk_open (desk_t *self);
bool desk_is_usable (const desk_t *self);
//  Requests that are not answered, and their bytes.
uint64_t desk_pending (const desk_t *self);
uint64_t desk_bytes (const desk_t *self);

//  Both take what they are given.
void desk_append (desk_t *self, chunk_t **chunk_p);
void desk_ask (desk_t *self, query_t **query_p);
void desk_seen (desk_t *self, text_t session, uint64_t role, text_t user, uint64_t seq);

#endif
