//  work_model — the rows of the table work_item, as types: what an append makes and finishes, and
//  what a load finds.

#ifndef WORK_MODEL_H
#define WORK_MODEL_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

//  Stand in rows, as do the states.
typedef enum {
    WORK_TURN = 1,     //  a question to a bot: its answer becomes an entry; leased from the first
    WORK_DELIVERY = 2, //  tells the outside something
    WORK_TIMER = 3,    //  of topic `timer`: run by a postoffice; one that is set again is moved
} work_kind_t;

typedef struct {
    text_t item; //  unique for ever; a timer's follows from its session and purpose
    work_kind_t kind;
    text_t topic;
    text_t lane;  //  items of one lane go in order, one at a time; empty: in none
    uint64_t seq; //  of the entry that caused it
    text_t user;
    text_t body;       //  JSON object
    text_t secret;     //  deleted when the item is finished
    //  Of a delivery: what its attempts depend on, such as `email:demo`, and whom it is for there;
    //  empty: not known (docs/work-items.md).
    text_t destination, address;
    //  This process sees to it at once; false: it is ready after after_ms. Of one append only the
    //  first item of a lane may be leased, and it is not when an earlier one of the lane is open.
    bool is_leased;
    uint64_t after_ms;
} store_work_t;

typedef enum {
    WORK_READY = 0,  //  waits for its time and a worker
    WORK_LEASED = 1, //  a postoffice sees to it: every turn from its first moment on
    WORK_DONE = 2,
    WORK_DEAD = 3, //  given up
    WORK_CANCELLED = 4,
    //  Of no row: a store_finish_t of a lane, whose items that are ready are cancelled.
    WORK_CLEARED = 5
} work_state_t;

//  The end of a platform's tenancy is the last item of its lane, and is not cancelled with it. The
//  names are in the statements, too (schema/).
#define WORK_OVER_PREFIX ":over:"
//  Of one that was asked only: it is made if somebody may have begun with what it was asked.
#define WORK_OVER_ASKED_PREFIX ":over:asked:"
//  Looks at the far side again and again: each time is an attempt, and none of them is a failure.
#define WORK_WATCH_PREFIX ":watch:"
static inline bool
work_has_prefix (text_t item, const char *prefix, size_t size)
{
    return item.size > size && memcmp (item.data, prefix, size) == 0;
}
static inline bool
work_is_over (text_t item)
{
    return work_has_prefix (item, WORK_OVER_PREFIX, sizeof WORK_OVER_PREFIX - 1);
}
static inline bool
work_is_watch (text_t item)
{
    return work_has_prefix (item, WORK_WATCH_PREFIX, sizeof WORK_WATCH_PREFIX - 1);
}

typedef struct {
    text_t item;
    work_state_t state; //  WORK_DONE or higher
    uint64_t attempt;   //  of a turn: how many there were; of a timer: the one that was leased
    uint64_t status;    //  of a turn: the far side's last answer; 0: none
    uint64_t took_ms;   //  of a turn: its last attempt; 0: not known
    text_t detail;      //  for the operator; may be empty
} store_finish_t;

//  Numbers that a worker says, and nobody has checked: 0 when they cannot be.
#define WORK_TRIES_MOST 1000000
#define WORK_STATUS_MOST 32767
#define WORK_TOOK_MOST_MS (366ull * 24 * 3600 * 1000)
static inline uint64_t
work_number (uint64_t said, uint64_t most)
{
    return said <= most ? said : 0;
}

//  A turn that is not finished.
typedef struct {
    text_t item;
    text_t topic;
    uint64_t seq;
    text_t user;
    text_t body;
    text_t secret;
} stored_work_t;

#endif
