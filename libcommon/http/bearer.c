#include "http/bearer.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/http_metrics.h"

#include <assert.h>
#include <stdlib.h>

#define TOKEN_MAX 16384 //  bytes: a JWT with many claims is a few thousand
#define MARGIN_PART 5   //  of a lifetime: a token of five minutes is not renewed all the time

struct bearer {
    bearer_config_t config;
    char *name;
    char *token; //  "" when there is none
    uint64_t serial;
    uint64_t renew_at_ms;
    uint64_t ends_at_ms;
    bool is_renewing;
    backoff_t backoff;
    uint64_t not_before_ms; //  no renewal, after one that failed
    list_t waiting;
    uint64_t waiting_count;
};

bearer_t *
bearer_new (const bearer_config_t *config)
{
    http_metrics_start (HTTP_METRICS_BEARER);
    bearer_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    if (!self->config.now_ms)
        self->config.now_ms = clock_mono_ms;
    self->name = alloc_string (config->name);
    self->token = alloc_string ("");
    self->backoff = (backoff_t){ .first_ms = config->backoff_first_ms,
                                 .most_ms = config->backoff_most_ms };
    list_init (&self->waiting);
    return self;
}

void
bearer_destroy (bearer_t **self_p)
{
    bearer_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (list_is_empty (&self->waiting));
    free (self->name);
    free (self->token);
    free (self);
}

//  One that ran out is none.
static bool
s_has_token (const bearer_t *self)
{
    return *self->token && self->config.now_ms () < self->ends_at_ms;
}

static void
s_renew (bearer_t *self)
{
    if (self->is_renewing || self->config.now_ms () < self->not_before_ms)
        return;
    self->is_renewing = true;
    self->config.renew (self->config.owner, self); //  may end at once
}

bearer_when_t
bearer_want (bearer_t *self, bearer_wait_t *wait)
{
    list_init (&wait->link);
    wait->bearer = NULL;
    if (!s_has_token (self) || self->config.now_ms () >= self->renew_at_ms)
        s_renew (self);
    if (s_has_token (self))
        return BEARER_HERE;
    if (!self->is_renewing || self->waiting_count >= self->config.waiters)
        return BEARER_NEVER;
    list_append (&self->waiting, &wait->link);
    self->waiting_count++;
    wait->bearer = self;
    return BEARER_LATER;
}

void
bearer_leave (bearer_wait_t *wait)
{
    if (!wait->bearer)
        return;
    list_remove (&wait->link);
    wait->bearer->waiting_count--;
    wait->bearer = NULL;
}

const char *
bearer_token (const bearer_t *self)
{
    return self->token;
}

uint64_t
bearer_serial (const bearer_t *self)
{
    return self->serial;
}

void
bearer_refused (bearer_t *self, uint64_t serial)
{
    if (serial != self->serial)
        return; //  there is another one by now
    free (self->token);
    self->token = alloc_string ("");
}

//  Who comes may want again, and is then behind those that are called here.
static void
s_wake (bearer_t *self)
{
    list_t called;
    list_init (&called);
    list_t *first;
    while ((first = list_first (&self->waiting)))
        list_append (&called, first);
    while ((first = list_first (&called))) {
        bearer_wait_t *wait = LIST_THING (first, bearer_wait_t, link);
        bearer_leave (wait);
        wait->come (wait);
    }
}

//  What may stand behind "Bearer " in a header (RFC 6750, 2.1, and what is seen beyond it).
static bool
s_is_token (text_t token)
{
    for (size_t at = 0; at < token.size; at++)
        if (token.data[at] <= ' ' || token.data[at] > '~')
            return false;
    return token.size > 0 && token.size <= TOKEN_MAX;
}

void
bearer_renewed (bearer_t *self, text_t token, uint64_t lifetime_ms)
{
    assert (self->is_renewing);
    if (!s_is_token (token) || lifetime_ms == 0) {
        bearer_failed (self, "the answer has no token that can be used", 0);
        return;
    }
    free (self->token);
    self->token = alloc_text (token);
    self->serial++;
    uint64_t part_ms = lifetime_ms / MARGIN_PART;
    uint64_t now_ms = self->config.now_ms ();
    self->ends_at_ms = now_ms + lifetime_ms;
    self->renew_at_ms =
        self->ends_at_ms - (part_ms < self->config.margin_ms ? part_ms : self->config.margin_ms);
    self->is_renewing = false;
    backoff_reset (&self->backoff);
    http_metrics_count (HTTP_RENEWED, 1);
    s_wake (self);
}

void
bearer_failed (bearer_t *self, const char *reason, uint64_t retry_after_ms)
{
    assert (self->is_renewing);
    uint64_t wait_ms = backoff_next_ms (&self->backoff);
    wait_ms = wait_ms > retry_after_ms ? wait_ms : retry_after_ms;
    self->not_before_ms = self->config.now_ms () + wait_ms;
    self->is_renewing = false;
    http_metrics_count (HTTP_RENEWAL_FAILED, 1);
    static log_limit_t limit = LOG_LIMIT (LOG_ERROR, "bearer token not renewed");
    if (log_limit_allows (&limit))
        log_error ("bearer token not renewed", log_string ("bearer", self->name),
                   log_string ("reason", reason), log_number ("again_in_ms", (int64_t) wait_ms));
    s_wake (self);
}
