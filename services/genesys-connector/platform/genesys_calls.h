//  genesys_calls — calls to the API of Genesys Cloud, for all apps of the process: the app's token
//  and budget, what came of a call as a class.
//
//  A call of an app waits for the token, which is got once for all that wait, and then for its turn
//  in the budget (genesys_budget.h); typing waits for neither. A 401 renews the token and asks
//  again, once. A 429 holds every call of the app for exactly as long as Retry-After says. A call
//  whose turn would come later than in `wait_ms` is not kept: it ends as GENESYS_LATER at once,
//  with the time after which it may come again. So does one that finds `queue_most` waiting.
//  Nothing else is tried twice.
//
//  A login that is refused is not tried again for `backoff_ms`; meanwhile all calls of the app end
//  as GENESYS_FORBIDDEN at once. So do those behind a gate that a 403 has shut (genesys_uses.def).
//  When the app's section changes, what was known of it is forgotten.

#ifndef GENESYS_CALLS_H
#define GENESYS_CALLS_H

#include "config/apps.h"
#include "http/http_client.h"
#include "platform/genesys_outcome.h"
#include "platform/genesys_use.h"

typedef struct {
    text_t app;
    genesys_use_t use;
    const char *method; //  "GET" …, a literal
    text_t path;        //  "/api/v2/…", with its query
    text_t body;        //  JSON, or empty
} genesys_ask_t;

//  The texts live until it returns.
typedef void genesys_done_fn (void *owner, const genesys_outcome_t *outcome);

//  ------------------------------------------------------------------------------------------------

typedef struct genesys_calls genesys_calls_t;
typedef struct genesys_call genesys_call_t;

typedef struct {
    uv_loop_t *loop;
    http_client_t *http; //  borrowed, like the apps
    const apps_t *apps;
    uint64_t call_ms;    //  limit of one call, from when it is sent
    uint64_t wait_ms;    //  a call waits for its turn at most so long
    uint64_t queue_most; //  calls of one app that may wait
    uint64_t backoff_ms; //  after a login that was refused, or a 403
} genesys_means_t;

genesys_calls_t *genesys_calls_new (const genesys_means_t *means);
//  Ends all calls without a word; the loop must turn until its handles are gone.
void genesys_calls_destroy (genesys_calls_t **self_p);

//  Copies the texts. `done` is called later, never from within, once; behind it the call is gone.
genesys_call_t *genesys_call (genesys_calls_t *self, const genesys_ask_t *ask,
                              genesys_done_fn *done, void *owner);
//  Nothing more is said of it; what was sent may still be carried out. Sets it to NULL. From within
//  its own `done` it does nothing else.
void genesys_call_cancel (genesys_call_t **self_p);

//  How long a budget of this app, as it is now, makes a conversation's next poll wait at least when
//  `open` conversations are looked at: their polls together stay within their share.
uint64_t genesys_poll_least_ms (genesys_calls_t *self, text_t app, uint64_t open);

#endif
