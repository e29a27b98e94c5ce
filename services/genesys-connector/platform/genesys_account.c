#include "platform/genesys_account.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOW_EVERY_MS 1000 //  budget left, while it comes back

const genesys_use_row_t genesys_uses[CALL_USES] = {
#define USE(NAME, label, share, gate, shuts, words)                                              \
    [CALL_##NAME] = { label, SHARE_##share, GATE_##gate, GATE_##shuts },
#include "platform/genesys_uses.def"
#undef USE
};

struct genesys_account {
    const genesys_account_config_t *config;
    char *app;
    char *login_url;
    char *api;
    text_t client_id, secret; //  copies
    uint64_t per_minute;
    genesys_login_t *login;
    genesys_budget_t budget;
    genesys_metrics_t *metrics;
    list_t waiting[CALL_USES];
    uint64_t counts[CALL_USES]; //  of them
    uint64_t count;
    uint64_t forbidden_until_ms[GATES];
    bearer_wait_t token; //  all that wait for a turn wait for it together
    loop_timer_t *timer;
};

static bool
s_is_poll (unsigned use)
{
    return genesys_uses[use].share == SHARE_POLL;
}

//  Can a call be made, as far as the login goes? Else one is under way, or is barred.
static bearer_when_t
s_want_token (genesys_account_t *self)
{
    genesys_bar_t bar;
    if (self->token.bearer)
        return BEARER_LATER;
    return genesys_login_is_barred (self->login, &bar)
               ? BEARER_NEVER
               : bearer_want (genesys_login_bearer (self->login), &self->token);
}

//  Who is next, and may be called now; NULL: nobody.
static genesys_turn_t *
s_next (genesys_account_t *self, uint64_t now_ms)
{
    bool is_polls_turn = genesys_budget_is_polls_turn (&self->budget);
    for (int pass = is_polls_turn ? 0 : 1; pass < 2; pass++)
        for (unsigned use = 0; use < CALL_USES; use++) {
            list_t *first = list_first (&self->waiting[use]);
            bool is_asked = first && (pass == 1 || s_is_poll (use));
            if (is_asked
                && genesys_budget_wait_ms (&self->budget, genesys_uses[use].share, now_ms) == 0)
                return LIST_THING (first, genesys_turn_t, link);
        }
    return NULL;
}

static void
s_count (genesys_account_t *self, genesys_use_t use, int change)
{
    self->counts[use] += (uint64_t) change;
    self->count += (uint64_t) change;
    self->metrics->counts[GENESYS_CALLS_WAITING] += change;
}

//  Those that would have to wait longer than they may.
static void
s_end_late (genesys_account_t *self, uint64_t now_ms)
{
    for (unsigned use = 0; use < CALL_USES; use++) {
        list_t *first;
        uint64_t wait_ms =
            genesys_budget_wait_ms (&self->budget, genesys_uses[use].share, now_ms);
        while ((first = list_first (&self->waiting[use]))) {
            genesys_turn_t *turn = LIST_THING (first, genesys_turn_t, link);
            if (now_ms + wait_ms <= turn->until_ms)
                break;
            genesys_account_leave (turn);
            self->config->late (turn, wait_ms > 0 ? wait_ms : 1);
        }
    }
}

//  The login says why (genesys_login.h).
static void
s_end_all (genesys_account_t *self)
{
    for (unsigned use = 0; use < CALL_USES; use++) {
        list_t *first;
        while ((first = list_first (&self->waiting[use]))) {
            genesys_turn_t *turn = LIST_THING (first, genesys_turn_t, link);
            genesys_account_leave (turn);
            self->config->late (turn, 1);
        }
    }
}

//  When somebody can be called, or is too late, or the budget is to be shown again. Who waits for
//  the login is not late: that has a limit of its own.
static void
s_start_timer (genesys_account_t *self, uint64_t now_ms)
{
    uint64_t left = genesys_budget_left (&self->budget, now_ms);
    uint64_t within_ms = left < self->budget.burst ? SHOW_EVERY_MS : UINT64_MAX;
    self->metrics->counts[GENESYS_BUDGET_LEFT] = (int64_t) left;
    for (unsigned use = 0; use < CALL_USES; use++) {
        list_t *first = list_first (&self->waiting[use]);
        if (!first || self->token.bearer)
            continue;
        uint64_t until_ms = LIST_THING (first, genesys_turn_t, link)->until_ms;
        uint64_t wait_ms =
            genesys_budget_wait_ms (&self->budget, genesys_uses[use].share, now_ms);
        uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
        wait_ms = wait_ms < left_ms ? wait_ms : left_ms;
        within_ms = wait_ms < within_ms ? wait_ms : within_ms;
    }
    if (within_ms < UINT64_MAX)
        loop_timer_start_ms (self->timer, within_ms > 0 ? within_ms : 1, 0);
}

//  `come` and `late` may begin and end calls of this account, but do not destroy it.
static void
s_serve_waiting (genesys_account_t *self, uint64_t now_ms)
{
    genesys_turn_t *turn;
    while ((turn = s_next (self, now_ms))) {
        genesys_account_leave (turn);
        genesys_budget_take (&self->budget, genesys_uses[turn->use].share, now_ms);
        self->config->come (turn);
    }
    s_end_late (self, now_ms);
}

//  A turn is taken when the token is there: what was taken before would all go out in that moment,
//  on top of what has come back meanwhile.
static void
s_serve (void *owner)
{
    genesys_account_t *self = owner;
    uint64_t now_ms = clock_mono_ms ();
    bearer_when_t when = self->count > 0 ? s_want_token (self) : BEARER_LATER;
    if (when == BEARER_HERE)
        s_serve_waiting (self, now_ms);
    if (when == BEARER_NEVER)
        s_end_all (self);
    s_start_timer (self, now_ms);
}

//  From within the login: who waits is called with the next turn of the loop.
static void
s_token_came (bearer_wait_t *wait)
{
    genesys_account_t *self =
        (genesys_account_t *) (void *) ((char *) wait - offsetof (genesys_account_t, token));
    loop_timer_start_ms (self->timer, 0, 0);
}

static char *
s_base (const app_genesys_t *section, genesys_host_t host, const char *path)
{
    char base[APP_GENESYS_BASE_ROOM], url[APP_GENESYS_BASE_ROOM + 20];
    snprintf (url, sizeof url, "%.*s%s", TEXT_ARGS (app_genesys_base (section, host, base)), path);
    return alloc_string (url);
}

genesys_account_t *
genesys_account_new (const genesys_account_config_t *config, const app_t *app)
{
    const app_genesys_t *section = &app->genesys;
    genesys_account_t *self = alloc_zeroed (sizeof *self);
    self->config = config;
    self->app = alloc_text (app->id);
    self->login_url = s_base (section, GENESYS_LOGIN, "/oauth/token");
    self->api = s_base (section, GENESYS_API, "");
    self->client_id = alloc_copy (section->client_id);
    self->secret = alloc_copy (section->client_secret);
    self->per_minute = section->per_minute;
    self->metrics = genesys_metrics_of (app->id);
    genesys_budget_init (&self->budget, self->per_minute);
    for (unsigned use = 0; use < CALL_USES; use++)
        list_init (&self->waiting[use]);
    self->token.come = s_token_came;
    self->timer = loop_timer_new (config->loop, s_serve, self);
    self->login = genesys_login_new (
        &(genesys_login_config_t){ .http = config->http,
                                   .app = self->app,
                                   .url = self->login_url,
                                   .client_id = self->client_id,
                                   .secret = self->secret,
                                   .call_ms = config->call_ms,
                                   .backoff_ms = config->backoff_ms,
                                   .waiters = UINT64_MAX, //  the account, and 401s
                                   .failed = &self->metrics->counts[GENESYS_LOGINS_FAILED] });
    s_start_timer (self, clock_mono_ms ());
    return self;
}

void
genesys_account_destroy (genesys_account_t **self_p)
{
    genesys_account_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->count == 0);
    bearer_leave (&self->token);
    loop_timer_destroy (&self->timer);
    genesys_login_destroy (&self->login);
    free (self->app);
    free (self->login_url);
    free (self->api);
    free ((char *) (uintptr_t) self->client_id.data);
    free ((char *) (uintptr_t) self->secret.data);
    free (self);
}

static bool
s_has_base (const char *ours, const app_genesys_t *section, genesys_host_t host, const char *path)
{
    char *theirs = s_base (section, host, path);
    bool is_same = strcmp (ours, theirs) == 0;
    free (theirs);
    return is_same;
}

bool
genesys_account_is_of (genesys_account_t *self, const app_genesys_t *section)
{
    if (!section->is_there || !text_is (self->client_id, section->client_id)
        || !text_is (self->secret, section->client_secret)
        || !s_has_base (self->login_url, section, GENESYS_LOGIN, "/oauth/token")
        || !s_has_base (self->api, section, GENESYS_API, ""))
        return false;
    if (self->per_minute != section->per_minute) {
        self->per_minute = section->per_minute;
        genesys_budget_init (&self->budget, self->per_minute);
        loop_timer_start_within_ms (self->timer, 0);
    }
    return true;
}

const char *
genesys_account_api (const genesys_account_t *self)
{
    return self->api;
}

genesys_login_t *
genesys_account_login (const genesys_account_t *self)
{
    return self->login;
}

genesys_metrics_t *
genesys_account_metrics (const genesys_account_t *self)
{
    return self->metrics;
}

const genesys_budget_t *
genesys_account_budget (const genesys_account_t *self)
{
    return &self->budget;
}

//  Of those that wait for the token, and go at once when it is there.
static uint64_t
s_at_once (const genesys_account_t *self, bool is_poll, uint64_t now_ms)
{
    uint64_t left = genesys_budget_left (&self->budget, now_ms);
    uint64_t most = is_poll ? self->budget.poll_burst : self->budget.burst;
    return left < most ? left : most;
}

//  Roughly: those that go before it, each when a call comes back.
static uint64_t
s_expected_ms (const genesys_account_t *self, genesys_use_t use, bool has_token, uint64_t now_ms)
{
    bool is_poll = s_is_poll (use);
    uint64_t ahead = 0, step_us = self->budget.token_us * (is_poll ? 3 : 1);
    uint64_t at_once = has_token ? 0 : s_at_once (self, is_poll, now_ms);
    for (unsigned other = 0; other <= use; other++)
        ahead += s_is_poll (other) == is_poll ? self->counts[other] : 0;
    return genesys_budget_wait_ms (&self->budget, genesys_uses[use].share, now_ms)
           + (ahead > at_once ? ahead - at_once : 0) * step_us / 1000;
}

//  As many as may wait for their turn; before a token is there, those as well that will not.
static bool
s_is_full (const genesys_account_t *self, bool has_token, uint64_t now_ms)
{
    uint64_t at_once = has_token ? 0 : s_at_once (self, false, now_ms);
    return self->count >= at_once && self->count - at_once >= self->config->queue_most;
}

static void
s_queue (genesys_account_t *self, genesys_turn_t *turn, bool has_token, uint64_t now_ms)
{
    list_append (&self->waiting[turn->use], &turn->link);
    turn->account = self;
    s_count (self, turn->use, 1);
    s_start_timer (self, now_ms);
    //  The login may have failed at once.
    if (!has_token && !self->token.bearer)
        loop_timer_start_within_ms (self->timer, 0);
}

genesys_turn_when_t
genesys_account_take (genesys_account_t *self, genesys_turn_t *turn, genesys_use_t use,
                      uint64_t *wait_ms)
{
    uint64_t now_ms = clock_mono_ms ();
    bool has_token = s_want_token (self) == BEARER_HERE;
    list_init (&turn->link);
    turn->account = NULL;
    turn->use = use;
    turn->until_ms = now_ms + self->config->wait_ms;
    *wait_ms = s_expected_ms (self, use, has_token, now_ms);
    if (*wait_ms == 0 && has_token) {
        genesys_budget_take (&self->budget, genesys_uses[use].share, now_ms);
        s_start_timer (self, now_ms);
        return GENESYS_TURN_NOW;
    }
    if (*wait_ms > self->config->wait_ms || s_is_full (self, has_token, now_ms)
        || genesys_uses[use].share == SHARE_SPARE)
        return GENESYS_TURN_NEVER;
    s_queue (self, turn, has_token, now_ms);
    return GENESYS_TURN_LATER;
}

void
genesys_account_leave (genesys_turn_t *turn)
{
    if (!turn->account)
        return;
    list_remove (&turn->link);
    s_count (turn->account, turn->use, -1);
    turn->account = NULL;
}

void
genesys_account_hold (genesys_account_t *self, uint64_t milliseconds)
{
    genesys_budget_hold (&self->budget, clock_mono_ms () + milliseconds);
    self->metrics->counts[GENESYS_HELD]++;
    loop_timer_start_ms (self->timer, 0, 0);
}

void
genesys_account_forbid (genesys_account_t *self, genesys_use_t use)
{
    const genesys_use_row_t *row = &genesys_uses[use];
    if (row->gate < GATES && row->shuts == GATE_SHUTS)
        self->forbidden_until_ms[row->gate] = clock_mono_ms () + self->config->backoff_ms;
}

uint64_t
genesys_account_forbidden_ms (const genesys_account_t *self, genesys_use_t use)
{
    uint64_t now_ms = clock_mono_ms (), until_ms = 0;
    if (genesys_uses[use].gate < GATES)
        until_ms = self->forbidden_until_ms[genesys_uses[use].gate];
    return until_ms > now_ms ? until_ms - now_ms : 0;
}
