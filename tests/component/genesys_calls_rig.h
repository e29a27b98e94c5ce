//  genesys_calls_rig — the connector's calls (services/genesys-connector/platform) on the test's
//  own loop, before the scripted Genesys Cloud. There is one at a time.

#ifndef GENESYS_CALLS_RIG_H
#define GENESYS_CALLS_RIG_H

#include "bus_rig.h"
#include "eventually.h"
#include "genesys_platform.h"
#include "platform/genesys_people.h"

#define CALLS_RIG_MOST 4000
#define CALLS_RIG_WORDS 400

//  What came of a call.
typedef struct {
    genesys_call_t *call; //  NULL: it is done
    unsigned done;        //  how often
    genesys_use_t use;
    genesys_class_t class;
    unsigned status;
    bool is_unsure;
    uint64_t retry_after_ms;
    uint64_t began_ms, ended_ms;
    char words[CALLS_RIG_WORDS];
    char body[CALLS_RIG_WORDS]; //  its beginning
} calls_rig_call_t;

typedef struct {
    rig_t rig;
    http_client_t *http;
    apps_t *apps;
    genesys_calls_t *calls;
    genesys_people_t *people;
    calls_rig_call_t all[CALLS_RIG_MOST];
    unsigned count;
    unsigned ended;
} calls_rig_t;

//  `app` is laid over the app `demo`, or NULL. What the means leave out: 2 s for a call, 5 s for
//  its turn, 1000 that wait, a back-off of 2 s.
calls_rig_t *calls_rig_start (const char *app, const genesys_means_t *means);
void calls_rig_end (void);

//  Begins it; the number of the call. `path` NULL: one that is good for such a use.
unsigned calls_rig_ask (const char *app, genesys_use_t use, const char *path, const char *body);
unsigned calls_rig_say (genesys_use_t use);
//  Turns until that many calls have ended, 30 s at most.
void calls_rig_until_ended (unsigned count);
//  Begins it, and turns until it has ended.
const calls_rig_call_t *calls_rig_result (genesys_use_t use);
const calls_rig_call_t *calls_rig_result_of (const char *path);

//  How many of those from `first` on came to this.
unsigned calls_rig_came_to (unsigned first, genesys_class_t class);

#endif
