#include "webhooks/webhook_call.h"

#include "base/alloc.h"
#include "base/keyed_hash.h"
#include "base/utf8.h"
#include "bus/bus_limits.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "model/api_operation.h"
#include "model/degrade.h"
#include "model/problem.h"
#include "model/session_key.h"
#include "model/webhook_user.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

static_assert (6 * VISIT_TEXT_MOST + VISIT_ATTACHMENTS_MOST + 65536 <= API_WEBHOOK_MOST,
               "what is said fits into a REQUEST");

//  Vendors wait for 10 s and more; most answers take some milliseconds.
#define DEADLINE_MS 5000
//  A session that is closed again and again while somebody writes.
#define ROUNDS_MOST 4
//  A message whose report is not stored yet: it is asked about again.
#define AGAIN_MS 250

typedef enum { STEP_PLACE, STEP_SUPPRESS, STEP_SAY, STEP_STATUS } step_t;

struct webhook_call {
    question_t *question;
    webhook_ask_t ask;
    char *app, *channel;
    step_t step;
    bool is_open;         //  the session is there
    unsigned rounds;
    char user[USER_ID_MAX + 1];
    char id[MESSAGE_ID_MAX + 1];
    char session[SESSION_ID_MAX + 1]; //  its id
    uint64_t seq;         //  READ: of the message
    buffer_t said;        //  what the person was told last, when something could be chosen in it
    webhook_done_fn *done;
    void *owner;
};

static void
s_free (webhook_call_t *self)
{
    question_destroy (&self->question);
    buffer_free (&self->said);
    free (self->app);
    free (self->channel);
    free (self);
}

static void
s_end (webhook_call_t *self, unsigned status, text_t body, bool is_stored)
{
    webhook_done_fn *done = self->done;
    void *owner = self->owner;
    s_free (self);
    done (owner, &(webhook_outcome_t){ .status = status, .body = body, .is_stored = is_stored });
}

static void
s_fail (webhook_call_t *self, problem_t problem, const char *detail)
{
    buffer_t body;
    buffer_init (&body, PROBLEM_MAX);
    problem_write (problem, text_of (detail), &body);
    s_end (self, problem_status (problem), buffer_text (&body), false);
    buffer_free (&body);
}

// ---------------------------------------------------------------------------------------------
//  What is asked

//  As a widget sends it; the session's id and the person's are put in where it is stored.
static void
s_write_data (const webhook_call_t *self, json_writer_t *json)
{
    const visit_t *visit = self->ask.visit;
    bool has_token = visit->token.size > 0;
    json_open_object (json, "data");
    json_put_string (json, "type", has_token ? "OPTION_SELECT_REQUEST" : "INTENT_REQUEST");
    json_put_text_if (json, "token", visit->token);
    json_put_text_if (json, has_token ? "title" : "rawQuery",
                      utf8_cut (visit->text, (size_t) self->ask.text_limit));
    json_put_bool (json, "isNewSession", !self->is_open);
    json_put_string (json, "channel", self->channel);
    if (visit->attachments.size > 0) {
        json_open_object (json, "attributes");
        json_put_json (json, "attachments", buffer_text (&visit->attachments));
        json_close_object (json);
    }
    json_close_object (json);
}

//  The number, or the words, of something that could be chosen.
static bool
s_write_choice (const webhook_call_t *self, json_writer_t *json)
{
    const visit_t *visit = self->ask.visit;
    buffer_t choice;
    buffer_init (&choice, 64 * 1024);
    bool is_choice = self->said.size > 0 && visit->token.size == 0 && visit->attachments.size == 0
                     && degrade_choice (buffer_text (&self->said), visit->text, &choice);
    if (is_choice) {
        choice.size--; //  the brace that ends it
        json_put_json (json, "data", buffer_text (&choice));
        json_put_bool (json, "isNewSession", false);
        json_put_string (json, "channel", self->channel);
        json_close_object (json);
    }
    buffer_free (&choice);
    return is_choice;
}

static void
s_write_say (const webhook_call_t *self, json_writer_t *json)
{
    const visit_t *visit = self->ask.visit;
    static const char *const what[] = { [VISIT_SAYS] = "says",
                                        [VISIT_PERSON] = "person",
                                        [VISIT_TYPING] = "typing",
                                        [VISIT_READ] = "read" };
    json_put_string (json, "what", what[visit->what]);
    json_put_text_if (json, "name", visit->name);
    if (visit->what == VISIT_SAYS && !s_write_choice (self, json))
        s_write_data (self, json);
    if (visit->what == VISIT_SAYS)
        json_put_bool (json, "quiet", visit->is_answered);
    else if (visit->what == VISIT_TYPING)
        json_put_bool (json, "on", visit->is_on);
    else if (visit->what == VISIT_READ)
        json_put_number (json, "seq", self->seq);
}

static void
s_write_status (const webhook_call_t *self, json_writer_t *json)
{
    const visit_t *visit = self->ask.visit;
    json_put_string (json, "what", "status");
    json_put_text (json, "item", visit->item);
    json_put_text (json, "sid", visit->sid);
    json_put_text (json, "status", visit->status);
    json_put_text_if (json, "code", visit->code);
}

static void
s_write_suppress (const webhook_call_t *self, json_writer_t *json)
{
    const visit_t *visit = self->ask.visit;
    json_put_string (json, "what", "suppress");
    json_put_bool (json, "on", visit->opt == OPT_STOP);
}

static void
s_write_request (const webhook_call_t *self, buffer_t *to)
{
    json_writer_t json;
    bool has_session = self->step == STEP_SAY;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    if (has_session)
        json_put_string (&json, "session", self->session);
    json_open_object (&json, "body");
    if (self->step == STEP_PLACE)
        json_put_string (&json, "what", "place");
    else if (self->step == STEP_SAY)
        s_write_say (self, &json);
    else if (self->step == STEP_SUPPRESS)
        s_write_suppress (self, &json);
    else
        s_write_status (self, &json);
    json_put_text (&json, "channel", self->ask.topic);
    json_put_string (&json, "user", self->user);
    //  Of READ: the message that was read is looked for.
    json_put_string (&json, "id", self->id);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

//  Of the session's postoffice; what is of no session yet goes where others of the person go.
static void
s_go (webhook_call_t *self, step_t step)
{
    buffer_t body;
    self->step = step;
    buffer_init (&body, API_WEBHOOK_MOST);
    s_write_request (self, &body);
    question_ask (self->question, API_WEBHOOK,
                  text_of (step == STEP_SAY ? self->session : self->user), buffer_text (&body));
    buffer_free (&body);
}

// ---------------------------------------------------------------------------------------------
//  What is answered

static void
s_ack (webhook_call_t *self)
{
    s_end (self, 200, TEXT ("{}"), false);
}

static void
s_go_on_behind_place (webhook_call_t *self, uint64_t seen)
{
    const visit_t *visit = self->ask.visit;
    char body[80];
    bool is_said = visit->what == VISIT_SAYS || visit->what == VISIT_PERSON;
    self->seq = seen;
    if (is_said && seen > 0) {
        int size = snprintf (body, sizeof body, "{\"seq\":%llu}", (unsigned long long) seen);
        s_end (self, 200, (text_t){ body, (size_t) size }, false);
    } else if (!is_said && (!self->is_open || (visit->what == VISIT_READ && seen == 0)))
        s_ack (self);
    else if (visit->opt == OPT_STOP || visit->opt == OPT_START)
        s_go (self, STEP_SUPPRESS);
    else
        s_go (self, STEP_SAY);
}

static void
s_on_place (webhook_call_t *self, text_t body)
{
    json_reading_t reading;
    json_object *tree = json_read (
        body, &(json_limits_t){ .depth_most = 4, .values_most = 1000 }, &reading);
    json_object *seen = NULL, *is_open = NULL;
    text_t session, said;
    bool is_good = json_member_text (tree, "session", &session) == 1
                   && session.size <= SESSION_ID_MAX;
    if (is_good) {
        json_object_object_get_ex (tree, "seen", &seen);
        json_object_object_get_ex (tree, "isOpen", &is_open);
        self->is_open = json_object_get_boolean (is_open);
        snprintf (self->session, sizeof self->session, "%.*s", TEXT_ARGS (session));
        buffer_clear (&self->said);
        if (json_member_text (tree, "said", &said) == 1
            && buffer_put_text (&self->said, said) != 0)
            buffer_clear (&self->said);
    }
    int64_t seq = json_object_get_int64 (seen);
    json_object_put (tree);
    if (is_good)
        s_go_on_behind_place (self, seq > 0 ? (uint64_t) seq : 0);
    else
        s_fail (self, PROBLEM_UNAVAILABLE, "");
}

//  Is it refused because the session is closed?
static bool
s_is_closed (unsigned status, text_t body)
{
    static const char type[] = "urn:stentor:problem:closed\"";
    return status == 409 && memmem (body.data, body.size, type, sizeof type - 1);
}

static void
s_on_said (webhook_call_t *self, unsigned status, text_t body)
{
    if (s_is_closed (status, body) && ++self->rounds < ROUNDS_MOST)
        s_go (self, STEP_PLACE); //  the next session of the person
    else
        s_end (self, status, body, status == 201);
}

//  409: the report of the message's sending is not stored yet.
static void
s_on_status (webhook_call_t *self, unsigned status, text_t body)
{
    if (status == 409) //  until the deadline: then the sender is told to come again
        question_ask_again (self->question, AGAIN_MS);
    else if (status < 500)
        s_ack (self); //  one that is not known any more, too
    else
        s_end (self, status, body, false);
}

//  More than a moment's trouble of one postoffice is handed on: the sender tries again.
static void
s_on_answer (void *owner, unsigned status, text_t body)
{
    webhook_call_t *self = owner;
    bool is_good = status >= 200 && status < 300;
    if (status >= 503 && body.size == 0)
        s_fail (self, status == 504 ? PROBLEM_DEADLINE : PROBLEM_UNAVAILABLE, "");
    else if (self->step == STEP_STATUS)
        s_on_status (self, status, body);
    else if (self->step == STEP_SAY)
        s_on_said (self, status, body);
    else if (!is_good)
        s_end (self, status >= 400 && status < 600 ? status : 503, body, false);
    else if (self->step == STEP_PLACE)
        s_on_place (self, body);
    else
        s_go (self, STEP_SAY);
}

// ---------------------------------------------------------------------------------------------
//  Life

//  The same for the same message, whoever brings it, and however often. Of RCS the person's client
//  makes the id: two people may have the same one, so the person is in it.
static void
s_derive_id (webhook_call_t *self)
{
    const visit_t *visit = self->ask.visit;
    text_t texts[] = { TEXT ("webhook"), text_of (self->app), text_of (self->user), visit->id };
    if (visit->what == VISIT_READ)
        snprintf (self->id, sizeof self->id, "%.*s", TEXT_ARGS (utf8_cut (visit->mark,
                                                                          MESSAGE_ID_MAX)));
    else if (visit->id.size > 0)
        snprintf (self->id, sizeof self->id, "%sw%s", REQUEST_KEY_PREFIX,
                  open_digest (texts, sizeof texts / sizeof *texts).text);
}

webhook_call_t *
webhook_call_begin (questions_t *questions, const webhook_ask_t *ask, webhook_done_fn *done,
                    void *owner)
{
    webhook_call_t *self = alloc_zeroed (sizeof *self);
    self->ask = *ask;
    self->done = done;
    self->owner = owner;
    self->app = alloc_text (ask->app);
    self->channel = alloc_text (ask->channel);
    buffer_init (&self->said, BUS_RECORD_MAX);
    snprintf (self->user, sizeof self->user, "%c%s:%.*s", WEBHOOK_USER_MARK, self->channel,
              TEXT_ARGS (ask->visit->external_id));
    s_derive_id (self);
    self->question = question_new (questions, ask->app, DEADLINE_MS, s_on_answer, self);
    s_go (self, ask->visit->what == VISIT_STATUS ? STEP_STATUS : STEP_PLACE);
    return self;
}

void
webhook_call_cancel (webhook_call_t **self_p)
{
    webhook_call_t *self = *self_p;
    *self_p = NULL;
    if (self)
        s_free (self);
}
