//  matches — what the matcher asks of the database (schema/agents.sql), over a link of its own:
//  who waits, who is found for whom, and who is to be told its place.
//
//  Each call is answered once, from the loop: with what there is, or with is_good false when the
//  database did not say. What it found then all the same is a reservation that ends by itself.

#ifndef MATCHES_H
#define MATCHES_H

#include "store/store_model.h"

#include <uv.h>

typedef struct matches matches_t;

//  Texts of the rows live as long as the callback.
typedef struct {
    text_t app;
    uint64_t count;     //  of sessions that wait
    uint64_t oldest_ms; //  for so long, by the database's clock
} waiting_app_t;

typedef struct {
    text_t session;   //  its key
    text_t agent;     //  empty: nobody of its target can take it now
    uint64_t version; //  of control, when that was found
} found_agent_t;

typedef struct {
    text_t session;
    uint64_t version;
    uint64_t place;       //  from 1
    uint64_t expected_ms; //  0: not known
} queue_notice_t;

typedef struct {
    void (*waiting) (void *owner, bool is_good, const waiting_app_t *apps, size_t count);
    void (*found) (void *owner, bool is_good, const found_agent_t *agents, size_t count);
    void (*notices) (void *owner, bool is_good, const queue_notice_t *notices, size_t count);
} matches_events_t;

//  Rows of one answer at most; what is left comes with the next one.
#define MATCHES_AT_ONCE 200

matches_t *matches_new (uv_loop_t *loop, const store_config_t *config,
                        const matches_events_t *events, void *owner);
//  The schema is the right one now; safe to call again.
void matches_open (matches_t *self);
//  Answers nobody.
void matches_destroy (matches_t **self_p);

//  Each returns 0; −1 while the database is away.
__attribute__ ((warn_unused_result)) int matches_look (matches_t *self);
//  For the visitors of the app who wait: by turns, or whoever has least to do; first the agent who
//  answered a visitor within that time.
__attribute__ ((warn_unused_result)) int
matches_find (matches_t *self, text_t app, bool is_least_busy, uint64_t last_agent_ms);
//  `is_timed`: only those of whom it is known how long it will take.
__attribute__ ((warn_unused_result)) int
matches_tell (matches_t *self, text_t app, uint64_t every_ms, bool is_timed);

#endif
