//  work_store — the durable half of deliveries: items that are leased, finished and released in the
//  table work_item, over a link of its own, so that no delivery stands before a commit.
//
//  A lease is the row's `holder`: the postoffice that took it. It holds while that postoffice lives
//  (its beat in the table node); how long a worker may take for an item is the postoffice's own to
//  watch. Items of a dead postoffice, and those that this one has lost sight of, are released.
//
//  An append leases items, too, over another link. One of them may be stored after a list of what
//  is known was made, and before the database reads the list. So a release only says which items
//  are not known; an item is released when it is still not known at the next one. What is leased
//  in the table is known here by then, or never will be.
//
//  Every call is answered once, from the loop. While the database is away, or when too much is
//  under way, calls fail at once: their owner says them again later, and nothing is lost by that.

#ifndef WORK_STORE_H
#define WORK_STORE_H

#include "store/store_model.h"

#include <uv.h>

typedef struct work_store work_store_t;

//  How many items of a topic are wanted.
typedef struct {
    text_t topic;
    uint64_t most;
} work_wish_t;

//  A destination, or a kind of them ("slack:"), that gets one item in so long, from all postoffices
//  together; after a rest as many more at once as the burst has gaps.
typedef struct {
    text_t name;
    uint64_t gap_ms, burst_ms;
    bool is_single; //  one item in hand at a time; there is no burst
} work_pace_t;
typedef struct {
    work_pace_t *rows;
    size_t count;
} work_paces_t;

//  A leased item. The texts live as long as the callback.
typedef struct {
    text_t item;
    text_t app;
    text_t session; //  empty: of none
    text_t topic;
    uint64_t seq;
    text_t user;
    text_t body;
    text_t secret;
    uint64_t attempt; //  from 1
    //  Of a delivery: what reports have remembered of it and of its lane; how often it was handed
    //  out without a report, and replayed by hand; its address wants nothing any more.
    text_t memory, lane_memory;
    uint64_t lost, replays;
    bool is_suppressed;
} work_taken_t;

//  What came of an attempt.
typedef struct {
    text_t item;
    text_t topic;
    uint64_t attempt;
    work_state_t state; //  WORK_READY: again, after so long; WORK_DONE or WORK_DEAD
    uint64_t after_ms;
    uint64_t status;  //  the far side's answer, as its protocol's number; 0: none
    uint64_t took_ms; //  0: not known
    text_t detail;
    int64_t lost; //  how often the item was handed out in this attempt, and nothing was reported;
                  //  below 0: so many of those that were counted before are this attempt
    text_t memory, lane_memory; //  what is to be remembered; empty: it stays as it is
    destination_word_t destination;
    uint64_t pause_ms; //  the destination is left alone for so long
    bool suppresses;   //  the item's address wants nothing any more
} work_report_t;

typedef struct {
    //  NULL when the database did not say: what was leased, if anything, is released by and by.
    //  `took_ms`: how long the database had it.
    void (*taken) (void *owner, const work_taken_t *items, size_t count, uint64_t took_ms);
    //  The report is stored, or counts no more, as a later attempt has begun. Not called when the
    //  database did not say: report again.
    void (*finished) (void *owner, text_t item, bool counts);
    //  Reports under way are lost or stored, nobody knows.
    void (*lost) (void *owner);
    //  The database is away: others may release the leases meanwhile.
    void (*down) (void *owner);
    //  The items that this process knows to have, or will have when an append is stored; asked for
    //  before each release.
    void (*known) (void *owner, void *list, void (*add) (void *list, text_t item));
    //  Is the item one of them?
    bool (*knows) (void *owner, text_t item);
} work_store_events_t;

//  `kept_ms`: how long finished items stay; config->kept may make it shorter.
work_store_t *work_store_new (uv_loop_t *loop, const store_config_t *config, uint64_t kept_ms,
                              const work_store_events_t *events, void *owner);
//  The schema is the right one now; safe to call again.
void work_store_open (work_store_t *self);
void work_store_destroy (work_store_t **self_p);

//  The database can be asked just now.
bool work_store_is_up (const work_store_t *self);

//  One at a time: −1 while another is under way or a release is due, or the database is away. Of
//  several paces the one of a destination's own name counts.
__attribute__ ((warn_unused_result)) int
work_store_take (work_store_t *self, const work_wish_t *wishes, size_t count,
                 const work_paces_t *paces);
//  Several at once; −1 when they must be said again later.
__attribute__ ((warn_unused_result)) int
work_store_finish (work_store_t *self, const work_report_t *reports, size_t count);

#endif
