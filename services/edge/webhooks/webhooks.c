#include "webhooks/webhooks.h"

#include "api/api_answer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/model.h"
#include "model/webhook_user.h"
#include "tables/edge_metrics.h"
#include "webhooks/json_in.h"
#include "webhooks/twilio_in.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS TEXT ("cache-control: no-store\r\n")

static const struct {
    webhook_finding_t (*verify) (visit_t *visit, const webhook_request_t *request,
                                 webhook_keys_t keys);
    const char *(*read) (visit_t *visit, const webhook_request_t *request);
    text_t topic;
    uint64_t body_most;
    const char *answer_type, *answer;
} s_kinds[WEBHOOK_KINDS] = {
#define WEBHOOK_KIND(KIND, name, topic, body_most, type, answer)                                 \
    [WEBHOOK_##KIND] = { name##_verify, name##_read, TEXT (topic), body_most, type, answer },
#include "webhooks/webhook_kinds.def"
#undef WEBHOOK_KIND
};

//  A request that is under way.
typedef struct {
    webhooks_t *all;
    request_t *request;
    client_address_t address;
    webhook_kind_t kind;
    text_t app, channel;       //  these are the call's own memory
    webhook_request_t asked;
    visit_t visit;
    webhook_call_t *call;      //  NULL: its body is awaited
} webhook_t;

struct webhooks {
    webhooks_config_t config;
    uint64_t count;
};

static void
s_destroy (webhook_t *self)
{
    self->all->count--;
    edge_count (EDGE_WEBHOOKS_PENDING, -1);
    visit_free (&self->visit);
    free (self);
}

//  What it was is over before the answer goes out: the next request may begin within.
static request_t *
s_end (webhook_t *self)
{
    request_t *request = self->request;
    request_set_answerer (request, NULL, NULL);
    s_destroy (self);
    return request;
}

static void
s_refuse (webhook_t *self, problem_t problem, const char *detail)
{
    api_refuse (s_end (self), problem, "", text_of (detail));
}

static void
s_acknowledge (webhook_t *self, text_t body)
{
    webhook_kind_t kind = self->kind;
    bool is_own = *s_kinds[kind].answer == 0;
    const char *type = s_kinds[kind].answer_type;
    request_t *request = s_end (self);
    api_answer (request, 200, type, "", is_own ? body : text_of (s_kinds[kind].answer));
}

// ---------------------------------------------------------------------------------------------
//  A body is there

//  Keys as the kind takes them.
typedef struct {
    webhook_secret_t decoded[2];
    text_t texts[2];
    size_t count;
} key_room_t;

static void
s_add_key (key_room_t *room, webhook_kind_t kind, text_t secret)
{
    text_t key = secret;
    if (secret.size == 0)
        return;
    if (kind == WEBHOOK_STANDARD) {
        webhook_secret_t *decoded = &room->decoded[room->count];
        if (webhook_secret_read (secret, decoded) != NULL)
            return; //  the apps file was refused with such a one
        key = webhook_secret_key (decoded);
    }
    room->texts[room->count++] = key;
}

//  The app's row of this channel; NULL: there is none.
static const app_webhook_in_t *
s_find (const webhooks_t *self, text_t app_id, text_t channel, const app_t **found)
{
    const app_t *app = app_id.size > 0 ? apps_find (self->config.apps, app_id) : NULL;
    *found = app;
    const app_webhook_in_t *rows = app ? app->webhooks_in.rows : NULL;
    for (size_t at = 0; app && at < app->webhooks_in.count; at++)
        if (text_is (rows[at].channel, channel))
            return &rows[at];
    return NULL;
}

//  True: it was refused.
static bool
s_is_too_fast (webhook_t *self, text_t user)
{
    limited_t who = { .places = { NULL } };
    limits_t *limits = self->all->config.limits;
    uint64_t now = clock_mono_ms ();
    principal_t person = { .kind = ROLE_VISITOR,
                           .app = self->app,
                           .user = user,
                           .session = TEXT_EMPTY,
                           .name = TEXT_EMPTY };
    limit_act_t act = self->visit.what == VISIT_SAYS ? LIMIT_MESSAGE : LIMIT_REQUEST;
    limits_enter (limits, &who, &person, &self->address, now);
    uint64_t wait_ms = limits_wait_ms (limits, &who, LIMIT_REQUEST, TEXT_EMPTY, now);
    if (wait_ms == 0 && act != LIMIT_REQUEST)
        wait_ms = limits_wait_ms (limits, &who, act, TEXT_EMPTY, now);
    if (wait_ms == 0) {
        limits_take (limits, &who, LIMIT_REQUEST, now);
        if (act != LIMIT_REQUEST)
            limits_take (limits, &who, act, now);
    }
    limits_leave (limits, &who, now);
    if (wait_ms > 0)
        api_refuse_for (s_end (self), (wait_ms + 999) / 1000);
    return wait_ms > 0;
}

static void
s_on_done (void *owner, const webhook_outcome_t *outcome)
{
    webhook_t *self = owner;
    self->call = NULL;
    edge_count (outcome->status >= 500   ? EDGE_WEBHOOKS_FAILED
                : outcome->status >= 400 ? EDGE_WEBHOOKS_REFUSED
                : outcome->is_stored     ? EDGE_WEBHOOKS_STORED
                                         : EDGE_WEBHOOKS_TAKEN,
                1);
    if (outcome->status < 300)
        s_acknowledge (self, outcome->body);
    else
        api_answer (s_end (self), outcome->status, PROBLEM_TYPE, "", outcome->body);
}

//  Asks postoffices. `app` is the app's row.
static void
s_ask (webhook_t *self, const app_t *app, const app_webhook_in_t *row)
{
    char user[USER_ID_MAX + 1];
    visit_t *visit = &self->visit;
    bool is_status = visit->what == VISIT_STATUS;
    int size = snprintf (user, sizeof user, "%c%.*s:%.*s", WEBHOOK_USER_MARK,
                         TEXT_ARGS (self->channel), TEXT_ARGS (visit->external_id));
    bool is_long = (size_t) size > USER_ID_MAX;
    if (is_long || (self->kind == WEBHOOK_STANDARD && visit->text.size > app->text_limit)) {
        edge_count (EDGE_WEBHOOKS_REFUSED, 1);
        s_refuse (self, is_long ? PROBLEM_BAD_REQUEST : PROBLEM_TOO_LARGE,
                  is_long ? "The person's id is too long" : "");
        return;
    }
    //  What became of one message says nothing of the others.
    if (s_is_too_fast (self, is_status ? visit->item : (text_t){ user, (size_t) size }))
        return;
    webhook_ask_t ask = { .app = self->app,
                          .channel = self->channel,
                          .topic = row->reply.size > 0 ? TEXT ("webhook.out")
                                                       : s_kinds[self->kind].topic,
                          .text_limit = app->text_limit,
                          .visit = visit };
    self->call = webhook_call_begin (self->all->config.questions, &ask, s_on_done, self);
}

//  Whoever reads the log is to find out why; the secret and what was said are in none.
static void
s_log_refused (const webhook_t *self, const char *fault)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "webhook refused");
    if (log_limit_allows (&limit))
        log_warn ("webhook refused", log_text ("app", self->app),
                  log_text ("channel", self->channel), log_string ("fault", fault));
}

//  False: it was refused.
static bool
s_verify (webhook_t *self, const app_webhook_in_t *row)
{
    key_room_t room = { .count = 0 };
    s_add_key (&room, self->kind, row->secret);
    s_add_key (&room, self->kind, row->previous_secret);
    webhook_finding_t found = s_kinds[self->kind].verify (
        &self->visit, &self->asked, (webhook_keys_t){ room.texts, room.count });
    if (found.fault == WEBHOOK_GOOD && !found.complaint)
        return true;
    bool is_form = found.fault == WEBHOOK_GOOD;
    edge_count (is_form ? EDGE_WEBHOOKS_REFUSED : EDGE_WEBHOOKS_UNSIGNED, 1);
    s_log_refused (self, is_form ? "form" : webhook_fault_word (found.fault));
    s_refuse (self,
              is_form                           ? PROBLEM_BAD_REQUEST
              : found.fault == WEBHOOK_MISSING ? PROBLEM_UNSIGNED
                                                : PROBLEM_SIGNATURE,
              found.complaint ? found.complaint : webhook_fault_words (found.fault));
    return false;
}

static void
s_on_body (void *owner, text_t body)
{
    webhook_t *self = owner;
    const app_t *app;
    const app_webhook_in_t *row = s_find (self->all, self->app, self->channel, &app);
    if (!row || webhook_kind_named (row->kind) != self->kind) {
        s_refuse (self, PROBLEM_NOT_FOUND, ""); //  the apps file has changed meanwhile
        return;
    }
    self->asked.body = body;
    if (!s_verify (self, row))
        return;
    const char *complaint = s_kinds[self->kind].read (&self->visit, &self->asked);
    if (complaint) {
        edge_count (EDGE_WEBHOOKS_REFUSED, 1);
        s_log_refused (self, "form");
        s_refuse (self, PROBLEM_BAD_REQUEST, complaint);
    } else if (self->visit.what == VISIT_HANDSHAKE) {
        edge_count (EDGE_WEBHOOKS_TAKEN, 1);
        char echo[1000];
        text_t said = self->visit.echo;
        size_t size = said.size < sizeof echo ? said.size : sizeof echo;
        memcpy (echo, said.data, size);
        api_answer (s_end (self), 200, "text/plain", "", (text_t){ echo, size });
    } else if (self->visit.what == VISIT_NOTHING) {
        edge_count (EDGE_WEBHOOKS_TAKEN, 1);
        s_acknowledge (self, TEXT ("{}"));
    } else
        s_ask (self, app, row);
}

static void
s_on_gone (void *owner)
{
    webhook_t *self = owner;
    webhook_call_cancel (&self->call);
    s_destroy (self);
}

static const request_events_t s_events = { .body = s_on_body, .gone = s_on_gone };

// ---------------------------------------------------------------------------------------------
//  A request comes in

bool
webhooks_is_path (const http_head_t *head)
{
    size_t size = sizeof WEBHOOK_PATHS - 1;
    return head->path.size >= size && memcmp (head->path.data, WEBHOOK_PATHS, size) == 0;
}

//  Up to a slash, which goes, too.
static text_t
s_segment (text_t *rest)
{
    const char *slash = rest->size ? memchr (rest->data, '/', rest->size) : NULL;
    size_t size = slash ? (size_t) (slash - rest->data) : rest->size;
    text_t segment = { rest->data, size };
    *rest = slash ? (text_t){ slash + 1, rest->size - size - 1 } : TEXT_EMPTY;
    return segment;
}

//  Of headers that may come once. False: one came twice.
static bool
s_read_headers (const http_head_t *head, webhook_request_t *asked)
{
    return http_head_only (head, "webhook-id", &asked->standard.id) == 0
           && http_head_only (head, "webhook-timestamp", &asked->standard.timestamp) == 0
           && http_head_only (head, "webhook-signature", &asked->standard.signature) == 0
           && http_head_only (head, "X-Twilio-Signature", &asked->twilio) == 0
           && http_head_only (head, "X-Twilio-Webhooks-Signature-Settings",
                              &asked->twilio_settings)
                  == 0
           && http_head_only (head, "X-Goog-Signature", &asked->google) == 0
           && http_head_only (head, "Content-Type", &asked->content_type) == 0;
}

//  The head is gone when the body comes: its texts are copied.
static webhook_t *
s_new (webhooks_t *all, const webhook_request_t *asked, text_t app, text_t channel)
{
    webhook_request_t copy = *asked;
    text_t *places[] = { &copy.path,          &copy.query,
                         &copy.content_type,  &copy.standard.id,
                         &copy.standard.timestamp, &copy.standard.signature,
                         &copy.twilio,        &copy.twilio_settings,
                         &copy.google,        &app,
                         &channel };
    text_t texts[sizeof places / sizeof *places];
    size_t count = sizeof places / sizeof *places;
    for (size_t at = 0; at < count; at++)
        texts[at] = *places[at];
    webhook_t *self = alloc_packed (sizeof *self, texts, count);
    for (size_t at = 0; at < count; at++)
        *places[at] = texts[at];
    self->all = all;
    self->asked = copy;
    self->asked.public_url = text_of (all->config.public_url);
    self->app = app;
    self->channel = channel;
    all->count++;
    edge_count (EDGE_WEBHOOKS_PENDING, 1);
    return self;
}

void
webhooks_asked (webhooks_t *self, request_t *request, const http_head_t *head)
{
    size_t skip = sizeof WEBHOOK_PATHS - 1;
    text_t rest = { head->path.data + skip, head->path.size - skip };
    text_t app_id = s_segment (&rest), channel = s_segment (&rest);
    bool is_status = text_is (rest, TEXT ("status"));
    const app_t *app;
    const app_webhook_in_t *row = s_find (self, app_id, channel, &app);
    webhook_request_t asked = { .path = head->path, .query = head->query, .is_status = is_status };
    edge_count (EDGE_WEBHOOKS, 1);
    request_set_fields (request, FIELDS);
    webhook_kind_t kind = row ? webhook_kind_named (row->kind) : WEBHOOK_KINDS;
    bool is_plain = head->path.data[head->path.size - 1] != '/';
    bool is_there = kind != WEBHOOK_KINDS && is_plain
                    && (rest.size == 0 || (is_status && kind == WEBHOOK_TWILIO));
    if (!is_there)
        api_refuse (request, PROBLEM_NOT_FOUND, "", TEXT ("There is no such channel"));
    else if (!http_head_is (head, "POST"))
        api_refuse (request, PROBLEM_METHOD, "allow: POST\r\n", TEXT_EMPTY);
    else if (!s_read_headers (head, &asked))
        api_refuse (request, PROBLEM_BAD_REQUEST, "",
                    TEXT ("A header of the signature is there twice"));
    else if (self->count >= self->config.requests_most)
        api_refuse (request, PROBLEM_BUSY, "", TEXT_EMPTY);
    else {
        webhook_t *webhook = s_new (self, &asked, app_id, channel);
        webhook->request = request;
        webhook->kind = kind;
        webhook->address = *request_address (request);
        request_set_answerer (request, &s_events, webhook);
        request_want_body (request, head, s_kinds[kind].body_most);
    }
}

// ---------------------------------------------------------------------------------------------

webhooks_t *
webhooks_new (const webhooks_config_t *config)
{
    webhooks_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    return self;
}

void
webhooks_destroy (webhooks_t **self_p)
{
    webhooks_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->count == 0);
    free (self);
}
