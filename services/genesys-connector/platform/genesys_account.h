//  genesys_account — one app at the platform: its login, the budget of its token and who waits for
//  it, what it may not do.
//
//  Calls wait by what they are for, those of one use in the order in which they came; a poll goes
//  each third time when others wait, too. A turn stands inside the call. None is taken before the
//  token is there, which is got for all that wait.

#ifndef GENESYS_ACCOUNT_H
#define GENESYS_ACCOUNT_H

#include "base/list.h"
#include "config/app.h"
#include "platform/genesys_login.h"
#include "platform/genesys_metrics.h"
#include "platform/genesys_use.h"

#include <uv.h>

typedef struct genesys_account genesys_account_t;

typedef struct genesys_turn {
    list_t link;
    genesys_account_t *account; //  NULL: it waits for nothing
    genesys_use_t use;
    uint64_t until_ms; //  it waits no longer
} genesys_turn_t;

//  What all accounts share.
typedef struct {
    uv_loop_t *loop;
    http_client_t *http;
    uint64_t call_ms, wait_ms, queue_most, backoff_ms;
    void (*come) (genesys_turn_t *turn); //  its turn has come, and is taken
    //  It would have to wait longer still, or the login has failed.
    void (*late) (genesys_turn_t *turn, uint64_t wait_ms);
} genesys_account_config_t;

typedef enum {
    GENESYS_TURN_NOW,   //  taken
    GENESYS_TURN_LATER, //  `come` or `late` will be called
    GENESYS_TURN_NEVER, //  it would be too late: `wait_ms` says when it could come
} genesys_turn_when_t;

//  The config is borrowed, the app's rows are copied.
genesys_account_t *genesys_account_new (const genesys_account_config_t *config, const app_t *app);
//  Nobody waits any more; the loop must turn until its timer is gone.
void genesys_account_destroy (genesys_account_t **self_p);

//  Is it still that of the app's section? The rate may be another, which is taken over.
bool genesys_account_is_of (genesys_account_t *self, const app_genesys_t *section);

const char *genesys_account_api (const genesys_account_t *self); //  base URL
genesys_login_t *genesys_account_login (const genesys_account_t *self);
genesys_metrics_t *genesys_account_metrics (const genesys_account_t *self);
const genesys_budget_t *genesys_account_budget (const genesys_account_t *self);

genesys_turn_when_t genesys_account_take (genesys_account_t *self, genesys_turn_t *turn,
                                          genesys_use_t use, uint64_t *wait_ms);
void genesys_account_leave (genesys_turn_t *turn);
//  A 429: nothing is called for so long.
void genesys_account_hold (genesys_account_t *self, uint64_t milliseconds);
//  A 403 to a call of this use.
void genesys_account_forbid (genesys_account_t *self, genesys_use_t use);
//  For how long calls of this use are not made, behind a 403; 0: they are.
uint64_t genesys_account_forbidden_ms (const genesys_account_t *self, genesys_use_t use);

#endif
