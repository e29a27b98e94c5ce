#include "platforms/platform_call.h"

#include "base/alloc.h"
#include "base/keyed_hash.h"
#include "json/json_body.h"
#include "json/json_write.h"
#include "model/api_operation.h"
#include "model/model.h"
#include "platforms/genesys_data.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert (GENESYS_DATA_MOST + 16384 <= API_WEBHOOK_MOST, "what is said fits into a REQUEST");

//  The platform is to have an answer within a second.
#define DEADLINE_MS 900
//  A conversation is greeted while its acceptance is being stored.
#define AGAIN_MS 100

typedef enum { STEP_PLACE, STEP_SAY, STEP_TYPE, STEP_RECEIPT, STEP_FAIL } step_t;
static const char *const s_acts[] = { "place", "says", "typing", "receipt", "failed" };

struct platform_call {
    question_t *question;
    platform_ask_t ask;
    char *app;
    step_t step;
    char id[MESSAGE_ID_MAX + 1]; //  of the entry
    char session[SESSION_ID_MAX + 1];
    const char *code; //  of the receipt; NULL: it is Delivered
    platform_outcome_t outcome; //  behind the receipt
    platform_done_fn *done;
    void *owner;
};

static void
s_free (platform_call_t *self)
{
    question_destroy (&self->question);
    free (self->app);
    free (self);
}

static void
s_end (platform_call_t *self, platform_outcome_t outcome)
{
    platform_done_fn *done = self->done;
    void *owner = self->owner;
    s_free (self);
    done (owner, outcome);
}

// ---------------------------------------------------------------------------------------------
//  What is asked

static void
s_write_say (const platform_call_t *self, json_writer_t *json)
{
    json_put_string (json, "id", self->id);
    json_put_number (json, "timeMs", self->ask.word->time_ms);
    json_put_number (json, "windowMs", self->ask.window_ms);
    json_put_json (json, "data", buffer_text (&self->ask.word->data));
}

//  Why, for the agent: codes of receipts (Open Messaging).
static const struct {
    const char *code, *words;
} s_reasons[] = {
    { "InvalidDestination", "there is no such conversation any more" },
    { "MessageNotAllowed", "the visitor has gone, or is answered by somebody else now" },
    { "UnsupportedMessage", "nothing in it can be shown to the visitor" },
    { "InvalidMessageStructure", "it could not be stored" },
};

static const char *
s_reason (const char *code)
{
    const char *words = "";
    for (size_t at = 0; at < sizeof s_reasons / sizeof *s_reasons; at++)
        if (strcmp (s_reasons[at].code, code) == 0)
            words = s_reasons[at].words;
    return words;
}

static void
s_write_receipt (const platform_call_t *self, json_writer_t *json)
{
    const platform_word_t *word = self->ask.word;
    bool is_told = self->code || self->ask.says_delivered;
    json_put_text (json, "id", word->id);
    json_put_string (json, "status", !is_told ? "" : self->code ? "Failed" : "Delivered");
    if (self->code) {
        json_put_string (json, "code", self->code);
        json_put_string (json, "reason", s_reason (self->code));
    }
    json_put_text_if (json, "conversation", word->conversation);
}

static void
s_write_body (const platform_call_t *self, json_writer_t *json)
{
    const platform_word_t *word = self->ask.word;
    json_put_string (json, "what", s_acts[self->step]);
    json_put_text (json, "platform", self->ask.topic);
    json_put_text (json, "externalId", word->external_id);
    if (self->step == STEP_PLACE)
        json_put_string (json, "id", self->id);
    else if (self->step == STEP_SAY)
        s_write_say (self, json);
    else if (self->step == STEP_TYPE)
        json_put_number (json, "forMs", word->duration_ms);
    else if (self->step == STEP_RECEIPT)
        s_write_receipt (self, json);
    else {
        json_put_text (json, "id", word->id);
        json_put_text (json, "reason", word->reason);
    }
}

static void
s_go (platform_call_t *self, step_t step)
{
    buffer_t body;
    json_writer_t json;
    bool has_session = step == STEP_SAY || step == STEP_TYPE;
    self->step = step;
    buffer_init (&body, API_WEBHOOK_MOST);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    if (has_session)
        json_put_string (&json, "session", self->session);
    json_open_object (&json, "body");
    s_write_body (self, &json);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    question_ask (self->question, API_PLATFORM,
                  has_session ? text_of (self->session) : self->ask.word->external_id,
                  buffer_text (&body));
    buffer_free (&body);
}

//  The platform is told what became of its message.
static void
s_tell (platform_call_t *self, platform_outcome_t outcome, const char *code)
{
    self->outcome = outcome;
    self->code = code;
    s_go (self, STEP_RECEIPT);
}

// ---------------------------------------------------------------------------------------------
//  What is answered

typedef struct {
    bool is_there, is_open, controls, is_asked, is_seen;
} place_t;

static place_t
s_read_place (platform_call_t *self, text_t body)
{
    struct json_object *tree = json_body_read (body);
    text_t session = json_body_text (tree, "session");
    place_t place = { .is_there = session.size > 0 && session.size <= SESSION_ID_MAX };
    if (place.is_there) {
        snprintf (self->session, sizeof self->session, "%.*s", TEXT_ARGS (session));
        place.is_open = json_body_flag (tree, "isOpen");
        place.controls = json_body_flag (tree, "controls");
        place.is_asked = json_body_flag (tree, "asked");
        place.is_seen = json_body_number (tree, "seen") > 0;
    }
    json_body_free (&tree);
    return place;
}

static void
s_on_place (platform_call_t *self, unsigned status, text_t body)
{
    bool is_typing = self->ask.word->what == PLATFORM_TYPING;
    place_t place = { .is_there = false };
    if (status == 200)
        place = s_read_place (self, body);
    if (place.is_there && place.is_open && !place.controls && place.is_asked && !place.is_seen)
        question_ask_again (self->question, AGAIN_MS);
    else if (is_typing && place.is_there && place.is_open && place.controls)
        s_go (self, STEP_TYPE);
    else if (is_typing)
        s_end (self, PLATFORM_UNSHOWN);
    else if (!place.is_there)
        s_tell (self, PLATFORM_UNSHOWN, "InvalidDestination");
    else if (place.is_seen)
        s_tell (self, PLATFORM_BEFORE, NULL);
    else if (!place.is_open || !place.controls)
        s_tell (self, PLATFORM_UNSHOWN, "MessageNotAllowed");
    else
        s_go (self, STEP_SAY);
}

static void
s_on_said (platform_call_t *self, unsigned status)
{
    if (status == 200 || status == 201)
        s_tell (self, status == 201 ? PLATFORM_DONE : PLATFORM_BEFORE, NULL);
    else
        s_tell (self, PLATFORM_UNSHOWN,
                status == 400 || status == 413 ? "InvalidMessageStructure" : "MessageNotAllowed");
}

static void
s_on_answer (void *owner, unsigned status, text_t body)
{
    platform_call_t *self = owner;
    //  What failed may not be known as delivered yet.
    bool is_early = self->step == STEP_FAIL && status == 409;
    bool is_passing = status >= 500 || status == 429 || status == 408;
    if (is_early)
        s_end (self, PLATFORM_EARLY);
    else if (is_passing)
        s_end (self, PLATFORM_LATER);
    else if (self->step == STEP_PLACE)
        s_on_place (self, status, body);
    else if (self->step == STEP_SAY)
        s_on_said (self, status);
    else
        s_end (self, self->step == STEP_RECEIPT ? self->outcome : PLATFORM_DONE);
}

// ---------------------------------------------------------------------------------------------

//  The same for the same message, whoever brings it, and however often.
static void
s_derive_id (platform_call_t *self)
{
    const platform_word_t *word = self->ask.word;
    text_t texts[] = { TEXT ("platform"), self->ask.topic, text_of (self->app), word->external_id,
                       word->id };
    snprintf (self->id, sizeof self->id, "%sp%s", REQUEST_KEY_PREFIX,
              open_digest (texts, sizeof texts / sizeof *texts).text);
}

platform_call_t *
platform_call_begin (questions_t *questions, const platform_ask_t *ask, platform_done_fn *done,
                     void *owner)
{
    platform_call_t *self = alloc_zeroed (sizeof *self);
    self->ask = *ask;
    self->app = alloc_text (ask->app);
    self->done = done;
    self->owner = owner;
    s_derive_id (self);
    self->question = question_new (questions, ask->app, DEADLINE_MS, s_on_answer, self);
    bool is_empty = ask->word->what == PLATFORM_SAYS && ask->word->data.size == 0;
    if (ask->word->what == PLATFORM_FAILED)
        s_go (self, STEP_FAIL);
    else if (is_empty)
        s_tell (self, PLATFORM_UNSHOWN, "UnsupportedMessage");
    else
        s_go (self, STEP_PLACE);
    return self;
}

void
platform_call_cancel (platform_call_t **self_p)
{
    platform_call_t *self = *self_p;
    *self_p = NULL;
    if (self)
        s_free (self);
}
