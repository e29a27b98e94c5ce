#include "api/session_changes.h"

#include "base/percent.h"
#include "rules/changes.h"
#include "api/request_id.h"
#include "model/offer.h"
#include "model/session_key.h"
#include "session/sessions.h"

#include <assert.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#define PATH "/api/v1/sessions/"

static change_kind_t
s_kind (api_operation_t operation)
{
    switch (operation) {
    case API_SESSION_CREATE:
        return CHANGE_OPEN;
    case API_SESSION_CLOSE:
        return CHANGE_CLOSE;
    case API_SESSION_REOPEN:
        return CHANGE_REOPEN;
    case API_SESSION_ENTER:
        return CHANGE_ENTER;
    case API_SESSION_READ_MARK:
        return CHANGE_READ;
    case API_CONTROL_TAKE:
        return CHANGE_TAKE;
    case API_CONTROL_RELEASE:
        return CHANGE_RELEASE;
    case API_CONTROL_OFFER:
        return CHANGE_OFFER;
    case API_CONTROL_ACCEPT:
        return CHANGE_ACCEPT;
    case API_CONTROL_DECLINE:
        return CHANGE_DECLINE;
    default:
        return CHANGE_EXIT;
    }
}

//  The session's key: of a session that is to be opened the one that the body names.
static text_t
s_key (const api_call_t *call, const api_body_t *body, session_key_room_t room)
{
    bool opens = call->row->operation == API_SESSION_CREATE;
    return opens ? session_key_of (room, call->principal->app, body->session) : call->key;
}

//  Who it is about, and how that one is shown, in `sender`.
static void
s_put_subject (change_t *change, const api_body_t *body, buffer_t *sender)
{
    const api_as_t *as = &body->as;
    if (change->kind == CHANGE_OPEN) {
        change->role = ROLE_VISITOR;
        change->user = body->visitor;
        write_visitor (body->visitor, body->name, sender);
        change->sender = buffer_text (sender);
    } else if ((change->kind == CHANGE_OFFER || change->kind == CHANGE_RELEASE) && !as->kind) {
        change->role = change->by_role; //  the server itself
        change->user = change->by_user;
        change->sender = change->by_sender;
    } else if (change->kind == CHANGE_READ) {
        change->role = as->kind;
        change->user = as->user;
        change->read_seq = body->seq;
    } else if (change->kind != CHANGE_CLOSE && change->kind != CHANGE_REOPEN) {
        change->role = as->kind;
        change->user = as->user;
        if (as->kind == ROLE_PLATFORM)
            write_person (as->user, as->name, as->avatar, sender);
        else
            write_agent (as->user, as->name, sender);
        change->is_named = as->name.size > 0;
        change->sender = buffer_text (sender);
    }
}

static void
s_put_targets (json_object *targets, buffer_t *to)
{
    size_t count = targets ? json_object_array_length (targets) : 0;
    for (size_t at = 0; at < count; at++) {
        int rc = buffer_put_string (
                     to, json_object_get_string (json_object_array_get_idx (targets, at)))
                 | buffer_put_string (to, "\n");
        assert (rc == 0);
    }
}

static void
s_ask (const api_call_t *call, const api_body_t *body)
{
    session_key_room_t room;
    request_id_t id = request_id_of (call), first;
    const principal_t *principal = call->principal;
    const message_t *message = &body->message;
    bool is_of_agent = principal->kind == ROLE_AGENT;
    buffer_t sender, by, targets;
    buffer_init (&sender, SENDER_OF_AGENT_MAX);
    buffer_init (&targets, OFFER_TEXT_MAX);
    s_put_targets (body->targets, &targets);
    buffer_init (&by, SENDER_OF_AGENT_MAX);
    if (is_of_agent)
        write_agent (principal->user, TEXT_EMPTY, &by);
    snprintf (first.text, sizeof first.text, ":first%.90s", id.text);
    change_t change = { .kind = s_kind (call->row->operation),
                        .number = call->number,
                        .session = s_key (call, body, room),
                        .message_id = text_of (id.text),
                        .by_role = principal->kind,
                        .by_user = principal->user,
                        .by_sender = is_of_agent ? buffer_text (&by) : TEXT ("{}"),
                        .user = TEXT_EMPTY,
                        .sender = TEXT_EMPTY,
                        .info = body->info,
                        .first_id = TEXT_EMPTY,
                        .data = message->data,
                        .secret = message->secret,
                        .hidden = message->hidden,
                        .takes_control = body->takes_control,
                        .version = body->version,
                        .targets = buffer_text (&targets),
                        .why = body->why };
    if (body->has_message)
        change.first_id =
            message->message_id.size > 0 ? message->message_id : text_of (first.text);
    s_put_subject (&change, body, &sender);
    operation_t *operation = operation_change (&change);
    operation->if_match = call_if_match (call);
    sessions_ask (calls_office (call->calls)->sessions, change.session, &operation);
    buffer_free (&sender);
    buffer_free (&by);
    buffer_free (&targets);
}

void
session_change (const api_call_t *call)
{
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    api_operation_t operation = call->row->operation;
    api_asker_t asker = call_asker (call);
    request_id_t session = request_session_of (call);
    if (operation == API_SESSION_CREATE)
        asker.session = text_of (session.text);
    const char *complaint = api_body_read (&body, operation, call->body, &asker, room);
    if (complaint)
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
    else
        s_ask (call, &body);
}

// ---------------------------------------------------------------------------------------------
//  The answer

static bool
s_is_closed (const operation_t *operation)
{
    change_kind_t kind = operation->change->kind;
    return kind == CHANGE_CLOSE || (kind == CHANGE_EXIT && operation->is_closed);
}

static void
s_write_read (const operation_t *operation, json_writer_t *json)
{
    json_put_number (json, "readSeq", operation->seq);
    json_close_object (json);
    int rc = json_write_end (json);
    assert (rc == 0);
}

//  The same for the first time and for each time that the request comes again; but of what takes
//  nothing, who has control by then.
static void
s_write (const operation_t *operation, buffer_t *to)
{
    json_writer_t json;
    bool is_changed = operation->seq > 0;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "sessionId", session_key_id (operation->change->session));
    if (operation->change->kind == CHANGE_READ) {
        s_write_read (operation, &json);
        return;
    }
    json_put_string (&json, "state", s_is_closed (operation) ? "closed" : "open");
    json_put_bool (&json, "changed", is_changed);
    if (is_changed) {
        json_put_number (&json, "seq", operation->seq);
        json_put_time (&json, "time", operation->time_ms);
    }
    control_seen_put (&operation->seen, &json, "control");
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

//  Where the session is read.
static void
s_write_place (text_t session, buffer_t *place)
{
    int rc = buffer_put_text (place, TEXT (PATH));
    assert (rc == 0);
    rc = percent_encode (session, place);
    assert (rc == 0);
}

//  The slower one is told who was faster, and since when: in words, and for programs.
static void
s_refuse_late (calls_t *calls, const operation_t *operation)
{
    char room[CONTROL_SEEN_WORDS];
    buffer_t control;
    json_writer_t json;
    buffer_init (&control, PROBLEM_CONTROL_MAX);
    json_write_begin (&json, &control);
    control_seen_put (&operation->seen, &json, NULL);
    int rc = json_write_end (&json);
    assert (rc == 0);
    calls_refuse_control (calls, operation->change->number, PROBLEM_PRECONDITION,
                          control_seen_words (&operation->seen, room), buffer_text (&control));
    buffer_free (&control);
}

static void
s_refuse (calls_t *calls, const operation_t *operation)
{
    const change_t *change = operation->change;
    if (operation->verdict == VERDICT_PRECONDITION && change->version != SEQ_UNKNOWN
        && operation->seen.role)
        s_refuse_late (calls, operation);
    else
        calls_refuse_verdict (calls, change->number, operation->verdict);
}

void
session_changed (calls_t *calls, const operation_t *operation)
{
    const change_t *change = operation->change;
    bool is_done = operation->verdict == VERDICT_OK || operation->verdict == VERDICT_DUPLICATE;
    if (!is_done) {
        s_refuse (calls, operation);
        return;
    }
    buffer_t body, place;
    bool opens = change->kind == CHANGE_OPEN;
    buffer_init (&body, 6 * (SESSION_ID_MAX + USER_ID_MAX) + 400);
    buffer_init (&place, sizeof PATH + 3 * SESSION_ID_MAX);
    s_write (operation, &body);
    if (opens)
        s_write_place (session_key_id (change->session), &place);
    calls_answer (calls, change->number,
                  &(api_answer_t){ .status = opens && operation->verdict == VERDICT_OK ? 201 : 200,
                                   .body = buffer_text (&body),
                                   .etag = text_of (api_etag (operation->last_seq).text),
                                   .location = buffer_text (&place) });
    buffer_free (&body);
    buffer_free (&place);
}
