//  attempt — one attempt at an item of platform.genesys: what all steps of a conversation share.
//
//  It stands in the item's own memory. One thing of it is under way at a time: a call to Genesys, a
//  request to a postoffice, or what is asked about a person. All ends give its memory back and end
//  the item; nothing of the attempt may be used behind them.

#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "base/loop_timer.h"
#include "conversation/conversation_means.h"
#include "conversation/open_conversations.h"
#include "translation/genesys_item.h"
#include "translation/posted.h"
#include "translation/said.h"
#include "translation/step_memory.h"
#include "translation/transcript.h"
#include "translation/watch_decision.h"
#include "worker/worker.h"
#include "worker/worker_requests.h"

typedef struct attempt attempt_t;
typedef void attempt_outcome_fn (attempt_t *self, const genesys_outcome_t *outcome);
typedef void attempt_answer_fn (attempt_t *self, unsigned status, text_t body);

struct conversations {
    conversation_means_t means;
    worker_t *worker;
    open_conversations_t *open;
    loop_timer_t *sweeps;
};

//  What a look has said (docs/bus.md, "look").
typedef struct {
    bool controls;
    uint64_t tenancy, last_seq, open;
    bool visitor_present;
    char conversation[CONVERSATION_ID_SIZE]; //  as the lane knows it; "": it does not
} look_t;

struct attempt {
    conversations_t *owner;
    worker_item_t *item;
    genesys_item_t body;
    item_memory_t memory;
    lane_memory_t lane;
    bool lane_is_new; //  to be remembered
    bool is_watcher;  //  the item's memory is of another kind, and stays as it is
    uint64_t began_ms;
    //  Under way:
    genesys_call_t *call;
    worker_request_t *request;
    genesys_person_ask_t *person;
    attempt_outcome_fn *on_outcome;
    attempt_answer_fn *on_answer;
    //  Of messages:
    said_t said;
    bool is_plain;        //  the choice is told in words, as it was refused
    buffer_t attributes;  //  of the first one
    text_t name;          //  beside each; empty: none
    void (*then) (attempt_t *self); //  all is posted, or the look is there
    attempt_outcome_fn *refused;    //  what to do about what did not go
    unsigned status;      //  of what is dead once the visitor is given back
    char why[300];
    transcript_t transcript;
    //  Of a watcher, and of looks:
    look_t look;
    watch_memory_t watch;
    watch_decision_t decision;
    conversation_facts_t facts;
    uint64_t after_ms;    //  not before that
    unsigned looks;
    //  What an attempt that is overdue leaves behind.
    char left_behind[STEP_MEMORY_SIZE], left_behind_in_lane[STEP_MEMORY_SIZE];
};

//  False: the body cannot be read, and the item is over.
bool attempt_begin (attempt_t *self, conversations_t *owner, worker_item_t *item);
//  It is overdue: the report says what it has done (worker.h, `remember`).
void attempt_remember (attempt_t *self, worker_report_t *report);
//  Stops what is under way, and gives the memory back.
void attempt_free (attempt_t *self);

//  The app's section; NULL: this process knows of none.
const app_genesys_t *attempt_find_section (const attempt_t *self);
//  Likewise; without one the item is over.
const app_genesys_t *attempt_section (attempt_t *self);

//  Begins it; its function ends the item or begins the next.
void attempt_call (attempt_t *self, genesys_use_t use, const char *method, text_t path,
                   text_t body, attempt_outcome_fn *then);

//  What is asked of the session's postoffice in the platform's name.
typedef struct {
    api_operation_t operation;
    text_t query, body, key; //  empty, or all zeros: none
    uint64_t if_match;       //  0: any
} attempt_ask_t;
void attempt_ask (attempt_t *self, const attempt_ask_t *ask, attempt_answer_fn *then);
//  Asks how the session stands. `looked` is called when that is known in self->look; else the item
//  is over.
void attempt_look (attempt_t *self, void (*looked) (attempt_t *self));

//  ------------------------------------------------------------------------------------------------
//  Ends

void attempt_done (attempt_t *self, const char *detail);
void attempt_dead (attempt_t *self, unsigned status, const char *detail);
//  It goes on in another attempt: no failure.
void attempt_again (attempt_t *self, uint64_t after_ms, const char *detail);
//  Of a call that was not OK: dead, or again by the schedule.
void attempt_failed (attempt_t *self, const genesys_outcome_t *outcome);
//  Likewise, of what a person may mend meanwhile: again for as long as of what passes.
void attempt_failed_for_now (attempt_t *self, const genesys_outcome_t *outcome);
//  The postoffice did not answer, or cannot at the moment.
void attempt_unanswered (attempt_t *self, unsigned status);
//  As it is said; the memories are added.
void attempt_end (attempt_t *self, worker_report_t *report);

#endif
