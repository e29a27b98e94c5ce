#include "api/webhook_posts.h"

#include "api/request_id.h"
#include "json/json_read.h"
#include "model/session_key.h"
#include "model/webhook_user.h"
#include "session/presence.h"
#include "session/sessions.h"

#include <assert.h>
#include <json-c/json.h>

//  Topics that a person can be reached by.
static const text_t s_channels[] = { TEXT ("sms.out"), TEXT ("webhook.out"), CHANNEL_NOWHERE };

typedef struct {
    text_t user, via, external_id;
    text_t channel; //  one of s_channels
    text_t id;      //  of the entry; may be empty
} person_t;

static text_t
s_member (const api_call_t *call, const char *name)
{
    text_t text;
    return json_member_text (call->body, name, &text) == 1 ? text : TEXT_EMPTY;
}

static bool
s_is_true (const api_call_t *call, const char *name)
{
    json_object *value = NULL;
    return json_object_object_get_ex (call->body, name, &value) && json_object_get_boolean (value);
}

//  False: the edge says what no edge would say.
static bool
s_read_person (const api_call_t *call, person_t *person)
{
    text_t channel = s_member (call, "channel");
    person->user = s_member (call, "user");
    person->id = s_member (call, "id");
    person->channel = TEXT_EMPTY;
    for (size_t at = 0; at < sizeof s_channels / sizeof *s_channels; at++)
        if (text_is (channel, s_channels[at]))
            person->channel = s_channels[at];
    return person->channel.size > 0 && person->user.size <= USER_ID_MAX
           && person->id.size <= MESSAGE_ID_MAX
           && webhook_user_split (person->user, &person->via, &person->external_id);
}

static void
s_place (const api_call_t *call, const person_t *person)
{
    text_t reference = { person->user.data + 1, person->user.size - 1 };
    text_t parameters[] = { call->principal->app, person->channel, reference,
                            person->user,         person->via,     person->id };
    call_read (call, READ_WEBHOOK_PLACE, parameters, sizeof parameters / sizeof *parameters);
}

static void
s_answer_empty (const api_call_t *call)
{
    calls_answer (call->calls, call->number, &(api_answer_t){ .status = 200, .body = TEXT ("{}") });
}

// ---------------------------------------------------------------------------------------------
//  Saying something

static void
s_say (const api_call_t *call, const person_t *person, event_t event)
{
    message_t message = { .data = TEXT_EMPTY, .secret = TEXT_EMPTY };
    bool has_words = event == EVENT_NEW_MESSAGE;
    if (!message_id_is_of_key (person->id)
        || (has_words
            && message_read (&message, call->body, call->session, person->user) != MESSAGE_OK)) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
        return;
    }
    buffer_t sender;
    text_t name = s_member (call, "name");
    buffer_init (&sender, SENDER_OF_AGENT_MAX);
    write_visitor (person->user, name.size > 0 ? name : person->external_id, &sender);
    bus_record_t record = { .kind = BUS_POST,
                            .post = { .request_id = call->number,
                                      .session = call->key,
                                      .event = event,
                                      .message_id = person->id,
                                      .sender = buffer_text (&sender),
                                      .data = message.data,
                                      .secret = TEXT_EMPTY,
                                      .hidden = message.hidden,
                                      .trace = TEXT_EMPTY } };
    operation_t *operation = operation_of_request (ROLE_VISITOR, person->user, &record);
    operation->channel = person->channel;
    operation->is_quiet = s_is_true (call, "quiet");
    operation->has_sender = name.size > 0; //  else the name of before is kept
    sessions_ask (calls_office (call->calls)->sessions, call->key, &operation);
    buffer_free (&sender);
}

static void
s_says (const api_call_t *call, const person_t *person)
{
    s_say (call, person, EVENT_NEW_MESSAGE);
}

static void
s_asks_for_person (const api_call_t *call, const person_t *person)
{
    s_say (call, person, EVENT_HANDOFF);
}

void
webhook_posted (calls_t *calls, const operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    verdict_t verdict = operation->verdict;
    if (verdict != VERDICT_OK && verdict != VERDICT_DUPLICATE) {
        calls_refuse_verdict (calls, post->request_id, verdict);
        return;
    }
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, 6 * SESSION_KEY_MAX + 200);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_text (&json, "sessionId", session_key_id (post->session));
    json_put_number (&json, "seq", operation->seq);
    json_put_time (&json, "time", operation->time_ms);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    calls_answer (calls, post->request_id,
                  &(api_answer_t){ .status = verdict == VERDICT_OK ? 201 : 200,
                                   .body = buffer_text (&body) });
    buffer_free (&body);
}

// ---------------------------------------------------------------------------------------------
//  Signs of life

//  A sign that may get lost: of a session that nobody is in it would be shown to nobody.
static void
s_types (const api_call_t *call, const person_t *person)
{
    session_t *session = sessions_find (calls_office (call->calls)->sessions, call->key);
    if (session)
        presence_type (session, ROLE_VISITOR, person->user, s_is_true (call, "on"));
    s_answer_empty (call);
}

static void
s_has_read (const api_call_t *call, const person_t *person)
{
    json_object *seq = NULL;
    json_object_object_get_ex (call->body, "seq", &seq);
    int64_t number = json_object_get_int64 (seq);
    change_t change = { .kind = CHANGE_READ,
                        .number = call->number,
                        .session = call->key,
                        .message_id = TEXT (":read"),
                        .by_role = ROLE_VISITOR,
                        .by_user = person->user,
                        .by_sender = TEXT ("{}"),
                        .role = ROLE_VISITOR,
                        .user = person->user,
                        .sender = TEXT_EMPTY,
                        .info = TEXT_EMPTY,
                        .first_id = TEXT_EMPTY,
                        .data = TEXT_EMPTY,
                        .secret = TEXT_EMPTY,
                        .version = SEQ_UNKNOWN,
                        .targets = TEXT_EMPTY,
                        .why = TEXT_EMPTY,
                        .read_seq = number > 0 ? (uint64_t) number : 0 };
    operation_t *operation = operation_change (&change);
    sessions_ask (calls_office (call->calls)->sessions, call->key, &operation);
}

// ---------------------------------------------------------------------------------------------
//  Of what goes out

//  Only SMS have a list of those who want nothing.
static void
s_suppress (const api_call_t *call, const person_t *person)
{
    text_t parameters[] = { call->principal->app, TEXT ("sms"), person->external_id,
                            s_is_true (call, "on") ? TEXT ("t") : TEXT ("f") };
    call_change (call, CHANGE_WEBHOOK_SUPPRESS, parameters,
                 sizeof parameters / sizeof *parameters);
}

static void
s_note_status (const api_call_t *call)
{
    text_t parameters[] = { call->principal->app, s_member (call, "item"), s_member (call, "sid"),
                            s_member (call, "status"), s_member (call, "code") };
    call_change (call, CHANGE_WEBHOOK_STATUS, parameters, sizeof parameters / sizeof *parameters);
}

// ---------------------------------------------------------------------------------------------

static const struct {
    text_t what;
    bool needs_session;
    void (*act) (const api_call_t *call, const person_t *person);
} s_acts[] = {
    { TEXT ("place"), false, s_place },
    { TEXT ("says"), true, s_says },
    { TEXT ("person"), true, s_asks_for_person },
    { TEXT ("typing"), true, s_types },
    { TEXT ("read"), true, s_has_read },
    { TEXT ("suppress"), false, s_suppress },
};

void
webhook_post (const api_call_t *call)
{
    person_t person;
    text_t what = s_member (call, "what");
    if (call->principal->kind != ROLE_API) {
        calls_refuse (call->calls, call->number, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        return;
    }
    if (text_is (what, TEXT ("status"))) {
        s_note_status (call);
        return;
    }
    for (size_t at = 0; at < sizeof s_acts / sizeof *s_acts; at++) {
        bool is_good = text_is (what, s_acts[at].what) && s_read_person (call, &person)
                       && (call->session.size > 0 || !s_acts[at].needs_session);
        if (!is_good)
            continue;
        s_acts[at].act (call, &person);
        return;
    }
    calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
}
