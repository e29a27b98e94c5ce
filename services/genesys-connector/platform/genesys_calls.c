#include "platform/genesys_calls.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "platform/genesys_account.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_LIMIT (1u << 20)
#define TOO_LARGE_AGAIN_MS 60000
#define DENIED "the API refuses a new token"

//  An account, and how many calls it has; one that is out of date goes with the last of them.
typedef struct {
    genesys_account_t *account;
    char *app;
    uint64_t calls;
    bool is_old;
    UT_hash_handle hh; //  by app, while it is not old
} holding_t;

struct genesys_calls {
    genesys_means_t means;
    genesys_account_config_t config;
    holding_t *holdings;
    uint64_t changes; //  of the apps, that the holdings are of
    list_t calls;     //  all but the finished ones
    list_t finished;  //  their `done` is to be called
    loop_timer_t *timer;
};

//  It waits for its turn, then for the answer; or it is finished.
struct genesys_call {
    list_t link; //  in `calls` or `finished`
    genesys_calls_t *owner;
    holding_t *holding; //  NULL: there is no such section
    genesys_turn_t turn;
    genesys_use_t use;
    http_call_t http; //  0: curl does not have it
    bool is_told;     //  `done` is being called, or was
    bool is_renewed;  //  a 401 has renewed the token: it is made once more
    const char *method;
    text_t app, url, body; //  copies, behind the struct
    genesys_done_fn *done;
    void *done_owner;
    genesys_outcome_t outcome; //  of a finished one, without texts of the answer
    char words[GENESYS_WORDS_ROOM];
};

// ---------------------------------------------------------------------------------------------
//  Accounts

static void
s_holding_free (holding_t *self)
{
    assert (self->calls == 0);
    genesys_account_destroy (&self->account);
    free (self->app);
    free (self);
}

//  It is found no more, and goes when it has no calls.
static void
s_retire (genesys_calls_t *self, holding_t *holding)
{
    HASH_DEL (self->holdings, holding);
    holding->is_old = true;
    if (holding->calls == 0)
        s_holding_free (holding);
}

//  Sections may be others, or gone.
static void
s_look_again (genesys_calls_t *self)
{
    holding_t *holding, *next;
    if (self->changes == apps_changes (self->means.apps))
        return;
    self->changes = apps_changes (self->means.apps);
    HASH_ITER (hh, self->holdings, holding, next)
    {
        const app_t *app = apps_find (self->means.apps, text_of (holding->app));
        if (!app || !genesys_account_is_of (holding->account, &app->genesys))
            s_retire (self, holding);
    }
}

//  NULL when the app has no section.
static holding_t *
s_holding_of (genesys_calls_t *self, text_t id)
{
    holding_t *holding;
    s_look_again (self);
    HASH_FIND (hh, self->holdings, id.data, id.size, holding);
    if (holding)
        return holding;
    const app_t *app = id.size > 0 ? apps_find (self->means.apps, id) : NULL;
    if (!app || !app->genesys.is_there)
        return NULL;
    holding = alloc_zeroed (sizeof *holding);
    holding->account = genesys_account_new (&self->config, app);
    holding->app = alloc_text (id);
    HASH_ADD_KEYPTR (hh, self->holdings, holding->app, id.size, holding);
    return holding;
}

// ---------------------------------------------------------------------------------------------
//  The end of a call

//  It is in no list, and has nothing any more.
static void
s_free (genesys_call_t *self)
{
    holding_t *holding = self->holding;
    list_remove (&self->link);
    genesys_account_leave (&self->turn);
    if (self->http)
        http_client_cancel (self->owner->means.http, self->http);
    free (self);
    if (holding && --holding->calls == 0 && holding->is_old)
        s_holding_free (holding);
}

static void
s_log (const genesys_call_t *self, const genesys_outcome_t *outcome)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "genesys call failed");
    bool is_dropped = outcome->class == GENESYS_LATER && self->use == CALL_TYPING;
    if (outcome->class == GENESYS_OK || is_dropped || !log_limit_allows (&limit))
        return;
    log_warn ("genesys call failed", log_text ("app", self->app),
              log_string ("use", genesys_uses[self->use].label),
              log_string ("class", genesys_class_label (outcome->class)),
              log_number ("status", outcome->status), log_string ("words", outcome->words),
              log_text ("correlation", outcome->correlation));
}

//  A finished call is told once more what came of it, in its own words.
static void
s_tell (genesys_call_t *self, const genesys_outcome_t *outcome)
{
    genesys_metrics_of (self->app)->counts[GENESYS_RESULT_OK + outcome->class]++;
    s_log (self, outcome);
    self->is_told = true;
    self->done (self->done_owner, outcome);
}

//  Later: whoever began it still is within the call that did.
static void
s_finish (genesys_call_t *self, genesys_class_t class, unsigned status, uint64_t retry_after_ms,
          const char *words)
{
    snprintf (self->words, sizeof self->words, "%s", words);
    self->outcome = (genesys_outcome_t){ .class = class,
                                         .status = status,
                                         .body = TEXT_EMPTY,
                                         .correlation = TEXT_EMPTY,
                                         .retry_after_ms = retry_after_ms,
                                         .words = self->words };
    list_append (&self->owner->finished, &self->link);
    loop_timer_start_ms (self->owner->timer, 0, 0);
}

//  Those that `done` begins and finishes come with the next turn.
static void
s_tell_finished (void *owner)
{
    genesys_calls_t *self = owner;
    list_t now, *first;
    list_init (&now);
    while ((first = list_first (&self->finished)))
        list_append (&now, first);
    while ((first = list_first (&now))) {
        genesys_call_t *call = LIST_THING (first, genesys_call_t, link);
        list_remove (first);
        s_tell (call, &call->outcome);
        s_free (call);
    }
}

//  The login says no, or cannot be reached. True when the call is finished by that.
static bool
s_is_barred (genesys_call_t *self)
{
    genesys_bar_t bar;
    if (!genesys_login_is_barred (genesys_account_login (self->holding->account), &bar))
        return false;
    s_finish (self, bar.is_refused ? GENESYS_FORBIDDEN : GENESYS_LATER, bar.status, bar.wait_ms,
              bar.words);
    self->outcome.is_barred = true;
    return true;
}

//  What an answer says of others than this call.
static void
s_note (genesys_call_t *self, genesys_outcome_t *outcome)
{
    genesys_account_t *account = self->holding->account;
    if (outcome->status == 429)
        genesys_account_hold (account, outcome->retry_after_ms);
    if (outcome->status == 403) {
        genesys_account_forbid (account, self->use);
        outcome->retry_after_ms = genesys_account_forbidden_ms (account, self->use);
    }
    if (outcome->status == 401) {
        genesys_login_denied (genesys_account_login (account), DENIED);
        outcome->retry_after_ms = self->owner->means.backoff_ms;
    }
}

//  A look at too long a conversation: whoever is there still is, and the platform is within reach.
static void
s_take_too_large (const genesys_call_t *self, genesys_outcome_t *outcome)
{
    if (genesys_uses[self->use].share != SHARE_POLL)
        return;
    outcome->class = GENESYS_LATER;
    outcome->retry_after_ms = TOO_LARGE_AGAIN_MS;
}

static void s_take_turn (genesys_call_t *self);

static void
s_answered (void *owner, http_call_t http, const http_answer_t *answer)
{
    genesys_call_t *self = owner;
    (void) http;
    self->http = 0;
    if (answer->outcome == HTTP_ANSWERED && answer->status == 401 && !self->is_renewed) {
        self->is_renewed = true;
        s_take_turn (self);
        return;
    }
    if (answer->outcome == HTTP_NO_TOKEN) {
        //  Without a bar it has only been too long.
        if (!s_is_barred (self))
            s_finish (self, GENESYS_LATER, 0, 0, "the login takes too long");
        return;
    }
    genesys_outcome_t outcome = genesys_outcome_of (answer, self->words);
    if (answer->outcome == HTTP_TOO_LARGE)
        s_take_too_large (self, &outcome);
    s_note (self, &outcome);
    list_remove (&self->link);
    s_tell (self, &outcome);
    s_free (self);
}

// ---------------------------------------------------------------------------------------------
//  Its beginning

static void
s_send (genesys_call_t *self)
{
    static const char *const headers[] = { "Accept: application/json", NULL };
    genesys_account_t *account = self->holding->account;
    if (s_is_barred (self))
        return;
    http_request_t request = { .method = self->method,
                               .url = self->url.data,
                               .headers = headers,
                               .content_type = self->body.size > 0 ? "application/json" : NULL,
                               .body = self->body,
                               .timeout_ms = self->owner->means.call_ms,
                               .answer_limit = ANSWER_LIMIT,
                               .bearer = genesys_login_bearer (genesys_account_login (account)),
                               .takes_401 = true };
    self->http = http_client_send (self->owner->means.http, &request, s_answered, self);
    if (!self->http)
        s_finish (self, errno == EINVAL ? GENESYS_REFUSED : GENESYS_PASSING, 0, 0,
                  "the call cannot be made");
}

static genesys_call_t *
s_call_of (genesys_turn_t *turn)
{
    return (genesys_call_t *) (void *) ((char *) turn - offsetof (genesys_call_t, turn));
}

static void
s_come (genesys_turn_t *turn)
{
    s_send (s_call_of (turn));
}

static void
s_late (genesys_turn_t *turn, uint64_t wait_ms)
{
    genesys_call_t *self = s_call_of (turn);
    if (!s_is_barred (self))
        s_finish (self, GENESYS_LATER, 0, wait_ms, "the rate of the token is used up");
}

//  Each time that it is made is a call of the rate.
static void
s_take_turn (genesys_call_t *self)
{
    uint64_t wait_ms;
    genesys_account_t *account = self->holding->account;
    switch (genesys_account_take (account, &self->turn, self->use, &wait_ms)) {
    case GENESYS_TURN_NOW:
        s_send (self);
        return;
    case GENESYS_TURN_LATER:
        return;
    case GENESYS_TURN_NEVER:
        s_late (&self->turn, wait_ms);
    }
}

static void
s_begin (genesys_call_t *self)
{
    if (!self->holding) {
        s_finish (self, GENESYS_FORBIDDEN, 0, 0, "the app has no section \"genesys\"");
        return;
    }
    genesys_account_t *account = self->holding->account;
    uint64_t wait_ms = genesys_account_forbidden_ms (account, self->use);
    if (wait_ms > 0) {
        s_finish (self, GENESYS_FORBIDDEN, 403, wait_ms,
                  "not asked again yet: a call of this kind was answered with 403");
        self->outcome.is_barred = true;
        return;
    }
    if (!s_is_barred (self))
        s_take_turn (self);
}

genesys_call_t *
genesys_call (genesys_calls_t *self, const genesys_ask_t *ask, genesys_done_fn *done, void *owner)
{
    holding_t *holding = s_holding_of (self, ask->app);
    const char *api = holding ? genesys_account_api (holding->account) : "";
    buffer_t url;
    buffer_init (&url, APP_GENESYS_BASE_ROOM + ask->path.size);
    int rc = buffer_put_string (&url, api) == 0 ? buffer_put_text (&url, ask->path) : -1;
    assert (rc == 0);
    text_t all[] = { ask->app, ask->body, buffer_text (&url) };
    genesys_call_t *call = alloc_packed (sizeof *call, all, sizeof all / sizeof *all);
    buffer_free (&url);
    call->app = all[0];
    call->body = all[1];
    call->url = all[2];
    call->owner = self;
    call->holding = holding;
    call->use = ask->use;
    call->method = ask->method;
    call->done = done;
    call->done_owner = owner;
    list_init (&call->link);
    list_init (&call->turn.link);
    list_append (&self->calls, &call->link);
    if (holding)
        holding->calls++;
    s_begin (call);
    return call;
}

void
genesys_call_cancel (genesys_call_t **self_p)
{
    genesys_call_t *self = *self_p;
    *self_p = NULL;
    if (self && !self->is_told)
        s_free (self);
}

// ---------------------------------------------------------------------------------------------

uint64_t
genesys_poll_least_ms (genesys_calls_t *self, text_t app, uint64_t open)
{
    holding_t *holding = s_holding_of (self, app);
    return holding ? genesys_budget_polls_ms (genesys_account_budget (holding->account), open)
                   : 0;
}

genesys_calls_t *
genesys_calls_new (const genesys_means_t *means)
{
    genesys_calls_t *self = alloc_zeroed (sizeof *self);
    self->means = *means;
    self->config = (genesys_account_config_t){ .loop = means->loop,
                                               .http = means->http,
                                               .call_ms = means->call_ms,
                                               .wait_ms = means->wait_ms,
                                               .queue_most = means->queue_most,
                                               .backoff_ms = means->backoff_ms,
                                               .come = s_come,
                                               .late = s_late };
    self->changes = apps_changes (means->apps);
    list_init (&self->calls);
    list_init (&self->finished);
    self->timer = loop_timer_new (means->loop, s_tell_finished, self);
    return self;
}

void
genesys_calls_destroy (genesys_calls_t **self_p)
{
    genesys_calls_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    list_t *first;
    while ((first = list_first (&self->calls)) || (first = list_first (&self->finished)))
        s_free (LIST_THING (first, genesys_call_t, link));
    holding_t *holding, *next;
    HASH_ITER (hh, self->holdings, holding, next)
    s_retire (self, holding);
    loop_timer_destroy (&self->timer);
    free (self);
}
