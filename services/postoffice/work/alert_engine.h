//  alert_engine — runs alerts: items of topic `alert`, which rules have made with the entries that
//  cause them (triggers/alerts.h), and calls people by items of work for the notifier.
//
//      take ──► look ──► decide (alert_decisions.def) ──► words (alert_notes.h) ──► run
//                ▲                                                                  │
//                └──────────────── something has changed ◄──────────────────────────┘
//
//  Nothing is kept here: `take` puts an alert off for 10 s, and `run` does all of a step in one
//  transaction, or nothing, when the alert, or what was decided by, is another one by then. So each
//  step calls people once, whichever postoffices try it, and whichever of them die with it. One
//  alert at a time.
//
//  What happens to an app in no session is looked after as well, every 5 s, by one postoffice at a
//  time for an app: its bot fails, or answers again; a topic has no worker; dead letters.

#ifndef ALERT_ENGINE_H
#define ALERT_ENGINE_H

#include "config/apps.h"
#include "work/alert_notes.h"
#include "work/bot_health.h"

typedef struct alert_engine alert_engine_t;

//  Borrowed all, but for the links, which are copied.
typedef struct {
    apps_t *apps;
    workers_t *workers;
    const bot_health_t *bots;
    alert_links_t links; //  its texts live as long as the engine
} alert_engine_config_t;

alert_engine_t *alert_engine_new (uv_loop_t *loop, const store_config_t *store,
                                  const alert_engine_config_t *config);
//  The schema is the right one now; safe to call again.
void alert_engine_open (alert_engine_t *self);
void alert_engine_destroy (alert_engine_t **self_p);

//  Where people get to.
const alert_links_t *alert_engine_links (const alert_engine_t *self);
//  The process is about to end: nothing more is taken.
void alert_engine_drain (alert_engine_t *self);

#endif
