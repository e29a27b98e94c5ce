//  webhook_call — what a webhook asks of postoffices, while it is under way.
//
//      PLACE ──► stored before? ─yes──────────────────────────────► answered
//        │                      ─no──► STOP or START? ► SUPPRESS ─┐
//        │◄──── the session was closed meanwhile ── SAY ◄─────────┘
//                                                   └─────────────► answered
//
//  PLACE asks any postoffice in which session the person writes; SAY goes to that session's, which
//  stores it. All of them may be asked twice (questions.h); the sender gets 503 only when there is
//  none within the deadline.

#ifndef WEBHOOK_CALL_H
#define WEBHOOK_CALL_H

#include "webhooks/questions.h"
#include "webhooks/visit.h"

typedef struct webhook_call webhook_call_t;

//  What became of it: a status of HTTP. Below 300: the body is the postoffice's, or "{}"; else it
//  is a problem.
typedef struct {
    unsigned status;
    text_t body;
    bool is_stored; //  anew
} webhook_outcome_t;
typedef void webhook_done_fn (void *owner, const webhook_outcome_t *outcome);

typedef struct {
    text_t app, channel;
    text_t topic;      //  a literal
    uint64_t text_limit;
    visit_t *visit;    //  borrowed until it is done; not NOTHING or HANDSHAKE
} webhook_ask_t;

//  Later, from the loop, `done` is called once, unless it is cancelled before.
webhook_call_t *webhook_call_begin (questions_t *questions, const webhook_ask_t *ask,
                                    webhook_done_fn *done, void *owner);
void webhook_call_cancel (webhook_call_t **self_p);

#endif
