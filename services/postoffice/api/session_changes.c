#include "api/session_changes.h"

#include "api/request_id.h"
#include "model/session_key.h"
#include "session/sessions.h"

#include <assert.h>
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
    } else if (change->kind == CHANGE_ENTER || change->kind == CHANGE_EXIT) {
        change->role = as->kind;
        change->user = as->user;
        write_agent (as->user, as->name, sender);
        change->is_named = as->name.size > 0;
        change->sender = buffer_text (sender);
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
    buffer_t sender, by;
    buffer_init (&sender, SENDER_OF_AGENT_MAX);
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
                        .takes_control = body->takes_control };
    if (body->has_message)
        change.first_id =
            message->message_id.size > 0 ? message->message_id : text_of (first.text);
    s_put_subject (&change, body, &sender);
    operation_t *operation = operation_change (&change);
    operation->if_match = call_if_match (call);
    sessions_ask (calls_office (call->calls)->sessions, change.session, &operation);
    buffer_free (&sender);
    buffer_free (&by);
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

//  The same for the first time and for each time that the request comes again.
static void
s_write (const operation_t *operation, buffer_t *to)
{
    json_writer_t json;
    bool is_changed = operation->seq > 0;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "sessionId", session_key_id (operation->change->session));
    json_put_string (&json, "state", s_is_closed (operation) ? "closed" : "open");
    json_put_bool (&json, "changed", is_changed);
    if (is_changed) {
        json_put_number (&json, "seq", operation->seq);
        json_put_time (&json, "time", operation->time_ms);
    }
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

//  Where the session is read: its id percent-encoded.
static void
s_write_place (text_t session, char place[sizeof PATH + 3 * SESSION_ID_MAX])
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~";
    char *to = place + snprintf (place, sizeof PATH, "%s", PATH);
    for (size_t at = 0; at < session.size && at < SESSION_ID_MAX; at++) {
        unsigned char byte = (unsigned char) session.data[at];
        if (byte && strchr (plain, byte)) {
            *to++ = (char) byte;
            continue;
        }
        *to++ = '%';
        *to++ = hex[byte >> 4];
        *to++ = hex[byte & 15];
    }
    *to = 0;
}

void
session_changed (calls_t *calls, const operation_t *operation)
{
    const change_t *change = operation->change;
    bool is_done = operation->verdict == VERDICT_OK || operation->verdict == VERDICT_DUPLICATE;
    if (!is_done) {
        calls_refuse_verdict (calls, change->number, operation->verdict);
        return;
    }
    buffer_t body;
    char place[sizeof PATH + 3 * SESSION_ID_MAX];
    bool opens = change->kind == CHANGE_OPEN;
    buffer_init (&body, 6 * SESSION_ID_MAX + 200);
    s_write (operation, &body);
    s_write_place (session_key_id (change->session), place);
    calls_answer (calls, change->number,
                  &(api_answer_t){ .status = opens && operation->verdict == VERDICT_OK ? 201 : 200,
                                   .body = buffer_text (&body),
                                   .etag = text_of (api_etag (operation->last_seq).text),
                                   .location = opens ? text_of (place) : TEXT_EMPTY });
    buffer_free (&body);
}
