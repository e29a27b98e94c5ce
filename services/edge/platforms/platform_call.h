//  platform_call — what a platform's webhook asks of postoffices, while it is under way.
//
//      SAYS    PLACE ─ stored before ──────────────────────────┐
//                │   ─ the offer is not decided yet: again     │
//                │   ─ it has no control, no such session ─────┤
//                └─► SAY ─ stored, or refused ─────────────────┴─► RECEIPT ──► answered
//      TYPING  PLACE ──► TYPE ───────────────────────────────────────────────► answered
//      FAILED  FAIL ─────────────────────────────────────────────────────────► answered
//
//  A receipt, Delivered or Failed, is stored before the answer: it is sent by the connector. All of
//  them may be asked twice (questions.h), and the platform may send its webhook again: each is done
//  once, by its id. What cannot be stored within the time limit is answered 503, and comes again.

#ifndef PLATFORM_CALL_H
#define PLATFORM_CALL_H

#include "platforms/genesys_in.h"
#include "webhooks/questions.h"

typedef struct platform_call platform_call_t;

//  What became of it.
typedef enum {
    PLATFORM_DONE,   //  stored now, shown, or noted
    PLATFORM_BEFORE, //  it was stored before
    PLATFORM_UNSHOWN, //  the visitor is not shown it, which the platform is told by a receipt
    PLATFORM_LATER,  //  it could not be stored in time
    PLATFORM_EARLY,  //  what FAILED is not known here, or not yet
} platform_outcome_t;
typedef void platform_done_fn (void *owner, platform_outcome_t outcome);

typedef struct {
    text_t app;
    text_t topic;          //  a literal, such as "platform.genesys"
    uint64_t window_ms;    //  what is said is put into the platform's order so long
    bool says_delivered;   //  receipts of success are wanted
    const platform_word_t *word; //  borrowed until it is done; not PLATFORM_NOTHING
} platform_ask_t;

//  Later, from the loop, `done` is called once, unless it is cancelled before.
platform_call_t *platform_call_begin (questions_t *questions, const platform_ask_t *ask,
                                      platform_done_fn *done, void *owner);
void platform_call_cancel (platform_call_t **self_p);

#endif
