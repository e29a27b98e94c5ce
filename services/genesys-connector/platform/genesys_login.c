#include "platform/genesys_login.h"

#include "auth/base64.h"
#include "base/alloc.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "platform/genesys_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MARGIN_MS 300000
#define BACKOFF_FIRST_MS 1000
#define ANSWER_LIMIT 65536
#define WORDS_ROOM 300
#define BASIC_MOST 8192

struct genesys_login {
    genesys_login_config_t config;
    char *url;
    char *authorization; //  the header's line; secret
    bearer_t *bearer;
    http_call_t call; //  of the renewal; 0: none
    uint64_t token_until_ms;
    uint64_t barred_until_ms; //  behind a failure
    backoff_t backoff;        //  of logins that do not come about
    bool is_refused;
    unsigned status;
    char words[WORDS_ROOM];
};

//  As they are: the SDKs do not form-encode them first.
static char *
s_basic (text_t id, text_t secret)
{
    buffer_t pair, line;
    buffer_init (&pair, BASIC_MOST);
    buffer_init (&line, 2 * BASIC_MOST);
    int rc = buffer_put_text (&pair, id) == 0 && buffer_put_string (&pair, ":") == 0
                     && buffer_put_text (&pair, secret) == 0
                     && buffer_put_string (&line, "Authorization: Basic ") == 0
                     && base64_put (&line, buffer_text (&pair)) == 0
                 ? 0
                 : -1;
    char *header = alloc_text (rc == 0 ? buffer_text (&line) : TEXT ("Authorization: Basic"));
    buffer_free (&pair);
    buffer_free (&line);
    return header;
}

//  Nothing can be got until the time that is returned has passed: why is in `words`.
static uint64_t
s_bar (genesys_login_t *self, bool is_refused, unsigned status, uint64_t retry_after_ms)
{
    uint64_t wait_ms =
        is_refused ? self->config.backoff_ms : backoff_next_ms (&self->backoff);
    wait_ms = retry_after_ms > wait_ms ? retry_after_ms : wait_ms;
    self->is_refused = is_refused;
    self->status = status;
    ++*self->config.failed;
    self->barred_until_ms = clock_mono_ms () + wait_ms;
    return wait_ms;
}

static void
s_fail (genesys_login_t *self, bool is_refused, unsigned status, uint64_t retry_after_ms)
{
    bearer_failed (self->bearer, self->words, s_bar (self, is_refused, status, retry_after_ms));
}

//  Refused: the client is unknown, its secret is wrong, or it may not do this.
static bool
s_is_refused (long status)
{
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void
s_take_error (genesys_login_t *self, const http_answer_t *answer)
{
    char said[ERROR_WORDS_ROOM];
    error_answer_read (answer->body, said);
    bool is_answer = answer->outcome == HTTP_ANSWERED;
    if (is_answer)
        snprintf (self->words, sizeof self->words, "the login is answered with %ld%s%s",
                  answer->status, *said ? ": " : "", said);
    else
        snprintf (self->words, sizeof self->words, "no answer to the login: %s",
                  http_outcome_words (answer->outcome));
    s_fail (self, is_answer && s_is_refused (answer->status),
            is_answer ? (unsigned) answer->status : 0, answer->retry_after_ms);
}

//  One that cannot stand in a header is none: the bearer has not taken it.
static void
s_take_token (genesys_login_t *self, const login_answer_t *login)
{
    uint64_t serial = bearer_serial (self->bearer);
    bearer_renewed (self->bearer, login->token, login->lifetime_s * 1000);
    if (bearer_serial (self->bearer) == serial) {
        snprintf (self->words, sizeof self->words, "the login's token cannot be used");
        s_bar (self, false, 200, 0);
        return;
    }
    self->barred_until_ms = 0;
    backoff_reset (&self->backoff);
    self->token_until_ms = clock_mono_ms () + login->lifetime_s * 1000;
}

static void
s_answered (void *owner, http_call_t call, const http_answer_t *answer)
{
    genesys_login_t *self = owner;
    login_answer_t login;
    (void) call;
    self->call = 0;
    if (answer->outcome != HTTP_ANSWERED || answer->status != 200) {
        s_take_error (self, answer);
        return;
    }
    if (login_answer_read (&login, answer->body) != 0) {
        snprintf (self->words, sizeof self->words, "the login's answer has no token");
        s_fail (self, false, 200, 0);
        return;
    }
    s_take_token (self, &login);
    login_answer_free (&login);
}

static void
s_renew (void *owner, bearer_t *bearer)
{
    (void) bearer;
    genesys_login_t *self = owner;
    const char *headers[] = { self->authorization, "Accept: application/json", NULL };
    http_request_t request = { .method = "POST",
                               .url = self->url,
                               .headers = headers,
                               .content_type = "application/x-www-form-urlencoded",
                               .body = TEXT ("grant_type=client_credentials"),
                               .timeout_ms = self->config.call_ms,
                               .answer_limit = ANSWER_LIMIT };
    self->call = http_client_send (self->config.http, &request, s_answered, self);
    if (self->call)
        return;
    snprintf (self->words, sizeof self->words, "the login cannot be asked");
    s_fail (self, errno == EINVAL, 0, 0);
}

genesys_login_t *
genesys_login_new (const genesys_login_config_t *config)
{
    genesys_login_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    self->url = alloc_string (config->url);
    self->authorization = s_basic (config->client_id, config->secret);
    self->backoff = (backoff_t){ .first_ms = config->backoff_ms < BACKOFF_FIRST_MS
                                                ? config->backoff_ms
                                                : BACKOFF_FIRST_MS,
                                 .most_ms = config->backoff_ms };
    //  How long it waits is said with each failure: its own back-off is the shortest there is.
    self->bearer = bearer_new (&(bearer_config_t){ .name = config->app,
                                                   .margin_ms = MARGIN_MS,
                                                   .waiters = config->waiters,
                                                   .backoff_first_ms = 1,
                                                   .backoff_most_ms = 1,
                                                   .renew = s_renew,
                                                   .owner = self });
    return self;
}

void
genesys_login_destroy (genesys_login_t **self_p)
{
    genesys_login_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->call)
        http_client_cancel (self->config.http, self->call);
    bearer_destroy (&self->bearer);
    free (self->url);
    free (self->authorization);
    free (self);
}

bearer_t *
genesys_login_bearer (genesys_login_t *self)
{
    return self->bearer;
}

bool
genesys_login_is_barred (const genesys_login_t *self, genesys_bar_t *bar)
{
    uint64_t now_ms = clock_mono_ms ();
    bool has_token = *bearer_token (self->bearer) && now_ms < self->token_until_ms;
    if (now_ms >= self->barred_until_ms || has_token)
        return false;
    *bar = (genesys_bar_t){ .is_refused = self->is_refused,
                            .status = self->status,
                            .wait_ms = self->barred_until_ms - now_ms,
                            .words = self->words };
    return true;
}

void
genesys_login_denied (genesys_login_t *self, const char *words)
{
    snprintf (self->words, sizeof self->words, "%s", words);
    self->is_refused = true;
    self->status = 401;
    self->token_until_ms = 0;
    self->barred_until_ms = clock_mono_ms () + self->config.backoff_ms;
}
