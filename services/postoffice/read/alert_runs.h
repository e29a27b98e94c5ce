//  alert_runs — what the alert engine asks of the database (schema/alerts.sql), over a link of its
//  own: which alerts are due, how things stand with one, to carry out what was decided, and what
//  happens to an app in no session.
//
//  Each call is answered once, from the loop; is_good is false when the database did not say. What
//  it did then all the same is found out by the next look: nothing is done twice.

#ifndef ALERT_RUNS_H
#define ALERT_RUNS_H

#include "store/store_model.h"

#include <uv.h>

typedef struct alert_runs alert_runs_t;

//  An alert that is due. Texts live as long as the callback.
typedef struct {
    text_t item; //  its name
    text_t app;
    text_t session; //  key; empty: it is about the app
    uint64_t attempt;
    uint64_t step; //  steps that are done
    text_t body;   //  triggers/alerts.h
} due_alert_t;

//  Of its rule, what the database has to know.
typedef struct {
    text_t item;
    uint64_t attempt;
    uint64_t once_ms, most_per_hour; //  0: the rule has none
    bool sees;                       //  the console shows what it is about
} alert_question_t;

//  How things stand.
typedef struct {
    bool is_acknowledged, is_seen, is_over, is_double, is_full;
    uint64_t suppressed, step;
    text_t transcript;
    text_t said;  //  data of what the visitor had said last by then; empty: nothing yet
    text_t facts; //  all of that, for alert_runs_run
} alert_facts_t;

//  An item that calls somebody.
typedef struct {
    text_t item, topic, lane, destination, address, user, body;
} alert_note_t;

//  States of an alert, as the table has them.
typedef enum {
    ALERT_OPEN = 0,
    ALERT_ACKNOWLEDGED = 1,
    ALERT_SEEN = 2,
    ALERT_OVER = 3,
    ALERT_DONE = 4,
    ALERT_SUPPRESSED = 5,
    ALERT_GIVEN_UP = 6
} alert_state_t;

typedef struct {
    bool calls; //  a step is done with these notes
    alert_state_t state;
    uint64_t next_ms; //  while it is open: wall clock
    text_t detail;    //  for the operator
    const alert_note_t *notes;
    size_t note_count;
    const text_t *endpoints; //  names of those that are told when the first step is done
    size_t endpoint_count;
} alert_order_t;

typedef enum { ALERT_RUN_DONE, ALERT_RUN_AGAIN, ALERT_RUN_LOST, ALERT_RUN_UNSURE } alert_run_t;

//  A rule about the app itself.
typedef struct {
    text_t name, event;
    uint64_t after_ms;
} app_rule_t;

typedef struct {
    void (*due) (void *owner, bool is_good, const due_alert_t *alerts, size_t count);
    //  `facts` is NULL when somebody else has the alert.
    void (*looked) (void *owner, bool is_good, const alert_facts_t *facts);
    void (*ran) (void *owner, alert_run_t end);
    void (*watched) (void *owner, bool is_good, uint64_t made);
} alert_runs_events_t;

//  What an app is looked after for.
typedef struct {
    text_t app;
    const app_rule_t *rules;
    size_t rule_count;
    const text_t *topics; //  of the workers that are here
    size_t topic_count;
    bool bot_fails;
    int64_t bot_well_ms; //  so long ago it answered last; −1: not since the postoffice began
    const text_t *endpoints; //  names of those that are told of dead letters
    size_t endpoint_count;
} app_watch_t;

#define ALERTS_AT_ONCE 50
#define APP_RULES_MOST 100

alert_runs_t *alert_runs_new (uv_loop_t *loop, const store_config_t *config,
                              const alert_runs_events_t *events, void *owner);
//  The schema is the right one now; safe to call again.
void alert_runs_open (alert_runs_t *self);
//  Answers nobody.
void alert_runs_destroy (alert_runs_t **self_p);

//  Each returns 0; −1 while the database is away.
__attribute__ ((warn_unused_result)) int alert_runs_take (alert_runs_t *self);
__attribute__ ((warn_unused_result)) int
alert_runs_look (alert_runs_t *self, const alert_question_t *question, bool with_transcript,
                 bool with_said);
__attribute__ ((warn_unused_result)) int
alert_runs_run (alert_runs_t *self, const alert_question_t *question, text_t facts,
                const alert_order_t *order);
__attribute__ ((warn_unused_result)) int alert_runs_watch (alert_runs_t *self,
                                                           const app_watch_t *watch);

#endif
