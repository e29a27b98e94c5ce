#include "platforms/platforms.h"

#include "api/api_answer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "platforms/genesys_in.h"
#include "platforms/platform_call.h"
#include "process/app_metrics.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PATHS "/webhooks/"
#define PLACE "/genesys"
#define TOPIC TEXT ("platform.genesys")
#define FIELDS TEXT ("cache-control: no-store\r\n")

//  A request that is under way.
typedef struct {
    platforms_t *all;
    request_t *request;
    text_t app; //  these are the call's own memory
    genesys_headers_t headers;
    platform_word_t word;
    platform_call_t *call; //  NULL: its body is awaited
} visit_t;

struct platforms {
    platforms_config_t config;
    uint64_t count;
};

static const histogram_t s_delay = { .name = "edge_platform_delay_seconds",
                                     .help = "from a contact centre's clock to its webhook" };
static app_metrics_t s_delays = { .histograms = &s_delay, .histogram_count = 1 };

static histogram_t *
s_delay_of (text_t app)
{
    return app_metrics_of (&s_delays, app)->histograms;
}

//  NULL: the app has none.
static const app_genesys_t *
s_section (const platforms_t *self, text_t app_id)
{
    const app_t *app = app_id.size > 0 ? apps_find (self->config.apps, app_id) : NULL;
    return app && app->genesys.is_there ? &app->genesys : NULL;
}

static void
s_destroy (visit_t *self)
{
    self->all->count--;
    edge_count (EDGE_WEBHOOKS_PENDING, -1);
    platform_word_free (&self->word);
    free (self);
}

//  What it was is over before the answer goes out: the next request may begin within.
static request_t *
s_end (visit_t *self)
{
    request_t *request = self->request;
    request_set_answerer (request, NULL, NULL);
    s_destroy (self);
    return request;
}

static void
s_acknowledge (visit_t *self)
{
    api_answer (s_end (self), 200, "application/json", "", TEXT ("{}"));
}

static void
s_refuse (visit_t *self, problem_t problem, const char *detail)
{
    api_refuse (s_end (self), problem, "", text_of (detail));
}

//  Whoever reads the log is to find out why; the secret and what was said are in none.
static void
s_log_refused (const visit_t *self, const char *fault)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "webhook refused");
    if (log_limit_allows (&limit))
        log_warn ("webhook refused", log_text ("app", self->app),
                  log_string ("channel", "genesys"), log_string ("fault", fault));
}

// ---------------------------------------------------------------------------------------------
//  A body is there

//  How long it took from them to here, as their clock and ours have it.
static void
s_note_delay (text_t app, const platform_word_t *word)
{
    uint64_t now = clock_wall_ms ();
    if (word->time_ms > 0 && word->time_ms <= now)
        histogram_add (s_delay_of (app), 1000 * (now - word->time_ms));
}

static void
s_on_done (void *owner, platform_outcome_t outcome)
{
    static const edge_metric_t counts[] = { [PLATFORM_DONE] = EDGE_WEBHOOKS_STORED,
                                            [PLATFORM_BEFORE] = EDGE_WEBHOOKS_TAKEN,
                                            [PLATFORM_UNSHOWN] = EDGE_WEBHOOKS_UNSHOWN,
                                            [PLATFORM_LATER] = EDGE_WEBHOOKS_FAILED,
                                            [PLATFORM_EARLY] = EDGE_WEBHOOKS_FAILED };
    visit_t *self = owner;
    self->call = NULL;
    edge_count (counts[outcome], 1);
    if (outcome == PLATFORM_LATER)
        s_refuse (self, PROBLEM_UNAVAILABLE, "");
    else if (outcome == PLATFORM_EARLY)
        s_refuse (self, PROBLEM_NOT_YET, "");
    else
        s_acknowledge (self);
}

//  False: it was refused.
static bool
s_verify (visit_t *self, const app_genesys_t *section, text_t body)
{
    text_t keys[] = { section->webhook_secret, section->previous_webhook_secret };
    genesys_secrets_t secrets = { .keys = { keys, sizeof keys / sizeof *keys },
                                  .has_second = section->webhook_header.size > 0,
                                  .second = section->webhook_header_value };
    webhook_fault_t fault = genesys_verify (&secrets, &self->headers, body);
    if (fault == WEBHOOK_GOOD)
        return true;
    edge_count (EDGE_WEBHOOKS_UNSIGNED, 1);
    s_log_refused (self, webhook_fault_word (fault));
    s_refuse (self, PROBLEM_SIGNATURE, webhook_fault_words (fault));
    return false;
}

static void
s_on_body (void *owner, text_t body)
{
    visit_t *self = owner;
    const app_genesys_t *section = s_section (self->all, self->app);
    if (!section) {
        s_refuse (self, PROBLEM_NOT_FOUND, ""); //  the apps file has changed meanwhile
        return;
    }
    if (!s_verify (self, section, body))
        return;
    const char *complaint = genesys_read (&self->word, body);
    if (complaint || self->word.what == PLATFORM_NOTHING) {
        edge_count (complaint ? EDGE_WEBHOOKS_REFUSED : EDGE_WEBHOOKS_TAKEN, 1);
        if (complaint)
            s_log_refused (self, "form");
        s_acknowledge (self);
        return;
    }
    s_note_delay (self->app, &self->word);
    platform_ask_t ask = { .app = self->app,
                           .topic = TOPIC,
                           .window_ms = self->all->config.window_ms,
                           .says_delivered = section->receipts,
                           .word = &self->word };
    self->call = platform_call_begin (self->all->config.questions, &ask, s_on_done, self);
}

static void
s_on_gone (void *owner)
{
    visit_t *self = owner;
    platform_call_cancel (&self->call);
    s_destroy (self);
}

static const request_events_t s_events = { .body = s_on_body, .gone = s_on_gone };

// ---------------------------------------------------------------------------------------------
//  A request comes in

//  The app of such a path; empty: it is another one.
static text_t
s_app_of (const http_head_t *head)
{
    size_t before = sizeof PATHS - 1, behind = sizeof PLACE - 1;
    text_t path = head->path;
    if (path.size <= before + behind || memcmp (path.data, PATHS, before) != 0
        || memcmp (path.data + path.size - behind, PLACE, behind) != 0)
        return TEXT_EMPTY;
    text_t app = { path.data + before, path.size - before - behind };
    return memchr (app.data, '/', app.size) ? TEXT_EMPTY : app;
}

bool
platforms_is_path (const platforms_t *self, const http_head_t *head)
{
    return s_section (self, s_app_of (head)) != NULL;
}

//  The head is gone when the body comes: its texts are copied.
static visit_t *
s_new (platforms_t *all, request_t *request, text_t app, const genesys_headers_t *headers)
{
    text_t texts[] = { app, headers->signature, headers->second };
    visit_t *self = alloc_packed (sizeof *self, texts, sizeof texts / sizeof *texts);
    self->all = all;
    self->request = request;
    self->app = texts[0];
    self->headers = (genesys_headers_t){ .signature = texts[1], .second = texts[2] };
    all->count++;
    edge_count (EDGE_WEBHOOKS_PENDING, 1);
    return self;
}

//  False: one of them came twice.
static bool
s_read_headers (const http_head_t *head, const app_genesys_t *section, genesys_headers_t *headers)
{
    char name[200];
    *headers = (genesys_headers_t){ TEXT_EMPTY, TEXT_EMPTY };
    snprintf (name, sizeof name, "%.*s", TEXT_ARGS (section->webhook_header));
    return http_head_only (head, "X-Hub-Signature-256", &headers->signature) == 0
           && (!*name || http_head_only (head, name, &headers->second) == 0);
}

//  Whoever sets the app up asks whether an edge is here (webhook_signature.h).
static bool
s_is_check (const http_head_t *head)
{
    unsigned at = 0;
    text_t value;
    return http_head_field (head, WEBHOOK_CHECK_HEADER, &at, &value);
}

void
platforms_asked (platforms_t *self, request_t *request, const http_head_t *head)
{
    genesys_headers_t headers;
    text_t app = s_app_of (head);
    const app_genesys_t *section = s_section (self, app);
    request_set_fields (request, FIELDS);
    if (s_is_check (head)) {
        api_refuse (request, PROBLEM_SIGNATURE,
                    WEBHOOK_CHECK_HEADER ": " WEBHOOK_CHECK_ANSWER "\r\n",
                    TEXT ("This is a check: it is not read"));
        return;
    }
    edge_count (EDGE_WEBHOOKS, 1);
    if (!http_head_is (head, "POST"))
        api_refuse (request, PROBLEM_METHOD, "allow: POST\r\n", TEXT_EMPTY);
    else if (!s_read_headers (head, section, &headers))
        api_refuse (request, PROBLEM_SIGNATURE, "",
                    TEXT ("A header of the signature is there twice"));
    else if (self->count >= self->config.requests_most)
        api_refuse (request, PROBLEM_UNAVAILABLE, "", TEXT_EMPTY);
    else {
        visit_t *visit = s_new (self, request, app, &headers);
        request_set_answerer (request, &s_events, visit);
        request_want_body (request, head, GENESYS_BODY_MOST);
    }
}

// ---------------------------------------------------------------------------------------------

//  Its numbers are there before its first webhook.
static void
s_show_app (void *owner, const app_t *app)
{
    (void) owner;
    if (app->genesys.is_there)
        (void) s_delay_of (app->id);
}

platforms_t *
platforms_new (const platforms_config_t *config)
{
    platforms_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    apps_each (config->apps, s_show_app, NULL);
    return self;
}

void
platforms_destroy (platforms_t **self_p)
{
    platforms_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->count == 0);
    free (self);
}
