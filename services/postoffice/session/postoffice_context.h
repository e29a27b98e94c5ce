//  postoffice_context — the parts of a postoffice, as they see each other. Built and owned by
//  postoffice.c.

#ifndef POSTOFFICE_CONTEXT_H
#define POSTOFFICE_CONTEXT_H

#include "bus/bus_server.h"
#include "store/store.h"
#include "rules/switchboard.h"
#include "config/apps.h"
#include "work/bot_health.h"
#include "work/deliveries.h"
#include "work/alert_engine.h"
#include "work/matcher.h"
#include "work/workers.h"

typedef struct sessions sessions_t;
typedef struct schedule schedule_t;
typedef struct edges edges_t; //  endpoint.h
typedef struct feed feed_t;
typedef struct platform_voice platform_voice_t;

typedef struct {
    const char *node; //  this process' name
    store_t *store;
    bus_server_t *bus;
    workers_t *workers;
    deliveries_t *deliveries;
    matcher_t *matcher; //  NULL: nobody is sought
    alert_engine_t *alerts; //  NULL: nobody is called
    bot_health_t *bots;
    apps_t *apps;
    sessions_t *sessions;
    schedule_t *schedule; //  of the sessions
    edges_t *edges;       //  likewise
    feed_t *feed;         //  NULL while nobody watches an app
    platform_voice_t *voice; //  what people of platforms say
    //  A post of a request (operation_t.of_request) is done, or refused.
    void (*posted) (void *owner, const operation_t *operation);
    void *posted_owner;
    //  A timer (OPERATION_TIMER) is done with: OK, it has run; DUPLICATE, it was stale; or it could
    //  not be run.
    void (*timer_ended) (void *owner, const operation_t *operation);
    void *timer_owner;
    //  A platform's answer to an offer (OPERATION_ANSWERED) is in the log, or is stale: its item is
    //  to be finished.
    void (*offer_answered) (void *owner, const operation_t *operation);
    void *answered_owner;
    switchboard_rules_t rules;
    bool is_deaf;                //  the store is not ready: what others write is not heard
    uint64_t deaf_since_ms;      //  since when, now or the last time
    uint64_t suspended_us;       //  when its peers were sent away last; 0: never
    uint64_t grace_ms;           //  how long a participant may be without an endpoint
    uint64_t settle_ms;          //  COMPANY_SETTLE_MS
    uint64_t idle_ms;            //  how long a session that nobody needs stays in memory
    uint64_t queue_limit;        //  bytes of operations that may wait, over all sessions
    uint64_t endpoint_limit;     //  endpoints in one session
    uint64_t session_limit;      //  sessions in memory
    uint64_t sessions_kept_ms;   //  SESSIONS_KEPT; 0: for ever
    bool is_search_off;          //  SEARCH_SHARE is 0
} postoffice_context_t;

#endif
