#include "api/api_calls.h"

#include "api/alert_page.h"
#include "api/api_answer.h"
#include "api/api_limits.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "bus/bus_limits.h"
#include "json/json_read.h"
#include "model/api_bodies.h"
#include "model/bot_speech.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 50
#define BODY_DEPTH 32
#define BODY_VALUES 8192

//  A request that is under way.
typedef struct {
    api_calls_t *all;
    UT_hash_handle hh; //  by number
    uint64_t number;   //  of its last REQUEST
    list_t link; //  in the order in which they were asked
    request_t *request;
    const api_row_t *row;
    role_t kind; //  of who asks
    uint64_t may;
    char *user;
    char *subject; //  the user of the path
    char *key; //  Idempotency-Key
    uint64_t deadline_ms;
    bool is_sent;
    unsigned postoffice;      //  the one that has it
    char *place;              //  what chooses the postoffice: the session's key, or anything
    char *principal;          //  JSON
    char *app;
    bool is_page;             //  as of the api_request_t
    bool is_begun;            //  the answer, which comes in pieces
    buffer_t piece;           //  of the answer, until there is room
    char *more;               //  cursor of the piece behind it
    buffer_t body;            //  JSON of the REQUEST
    size_t body_size;         //  of it, without what the next piece adds
    json_writer_t json;       //  writes it, until the request's body is there
    char *fields;             //  lines of the answer
} call_t;

struct api_calls {
    api_calls_config_t config;
    call_t *by_number;
    list_t calls;
    uint64_t next_number;
    uint64_t count;
    loop_timer_t *tick; //  runs while there are any
};

static void
s_destroy (call_t *self)
{
    api_calls_t *all = self->all;
    HASH_DEL (all->by_number, self);
    list_remove (&self->link);
    edge_count (EDGE_API_PENDING, -1);
    if (--all->count == 0)
        loop_timer_stop (all->tick);
    buffer_free (&self->body);
    buffer_free (&self->piece);
    free (self->more);
    free (self->place);
    free (self->fields);
    free (self->principal);
    free (self->app);
    free (self->user);
    free (self->subject);
    free (self->key);
    free (self);
}

//  Within an answer's head; what a postoffice says is not believed to fit.
static bool
s_is_field (text_t value, size_t most)
{
    for (size_t at = 0; at < value.size; at++)
        if (value.data[at] < ' ' || value.data[at] > '~')
            return false;
    return value.size > 0 && value.size <= most;
}

static_assert (BUS_RECORD_MAX <= HTTP_PIECE_MOST, "what a postoffice says can be handed on");

//  Of an answer.
typedef char type_room_t[100];

static const char *
s_type (const bus_reply_t *reply, type_room_t room)
{
    if (!s_is_field (reply->type, sizeof (type_room_t) - 1))
        return reply->status >= 400 ? PROBLEM_TYPE : "application/json";
    snprintf (room, sizeof (type_room_t), "%.*s", TEXT_ARGS (reply->type));
    return room;
}

static void s_send_within_deadline (call_t *self);

//  The call is over before its answer goes out: the next request may begin within.
static void
s_end (call_t *self, const bus_reply_t *reply)
{
    //  The button is pressed: the page shows who has it now, which may be somebody else.
    if (self->is_page && self->row->operation == API_ALERT_ACKNOWLEDGE && reply->status < 300) {
        self->row = &api_alert_page;
        s_send_within_deadline (self);
        return;
    }
    request_t *request = self->request;
    type_room_t type;
    char etag[API_ETAG_MOST + 20] = "", more[API_LOCATION_MOST + API_ETAG_MOST + 40];
    if (s_is_field (reply->etag, API_ETAG_MOST - 2))
        snprintf (etag, sizeof etag, "etag: \"%.*s\"\r\n", TEXT_ARGS (reply->etag));
    bool has_place = s_is_field (reply->location, API_LOCATION_MOST);
    snprintf (more, sizeof more, "%s%s%.*s%s", etag, has_place ? "location: " : "",
              has_place ? (int) reply->location.size : 0, reply->location.data,
              has_place ? "\r\n" : "");
    if (reply->status < 400 && self->row->place == API_AT_SESSION)
        api_limits_done (self->all->config.limits, self->row, text_of (self->place),
                         clock_mono_ms ());
    request_set_answerer (request, NULL, NULL);
    if (self->is_page && reply->status < 300)
        alert_page_show (request, reply->body);
    else if (self->is_page)
        alert_page_say (request, (unsigned) reply->status);
    else
        api_answer (request, (unsigned) reply->status, s_type (reply, type), more, reply->body);
    s_destroy (self);
}

//  Half an answer ends with its connection, so that it is not taken for a whole one.
static void
s_fail (call_t *self, problem_t problem, text_t detail)
{
    request_t *request = self->request;
    request_set_answerer (request, NULL, NULL);
    if (self->is_begun) {
        edge_count (EDGE_API_FAILED, 1);
        request_body (request, TEXT_EMPTY);
    } else if (self->is_page)
        alert_page_say (request, problem_status (problem));
    else
        api_refuse (request, problem, "", detail);
    s_destroy (self);
}

//  Each REQUEST has a number of its own: whoever was asked before, and answers yet, is not heard.
static void
s_renumber (call_t *self)
{
    api_calls_t *all = self->all;
    HASH_DEL (all->by_number, self);
    self->number = ++all->next_number;
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
}

static void
s_send (call_t *self)
{
    bus_client_t *bus = self->all->config.bus;
    int postoffice = bus_client_postoffice_of (bus, text_of (self->place));
    uint64_t now = clock_mono_ms ();
    if (now >= self->deadline_ms) {
        s_fail (self, PROBLEM_DEADLINE, TEXT_EMPTY);
        return;
    }
    s_renumber (self);
    bus_record_t record = { .kind = BUS_REQUEST,
                            .request = { .request_id = self->number,
                                         .operation = self->row->operation,
                                         .deadline_ms = self->deadline_ms - now,
                                         .principal = text_of (self->principal),
                                         .body = buffer_text (&self->body) } };
    if (postoffice < 0)
        s_fail (self, PROBLEM_UNAVAILABLE, TEXT_EMPTY);
    else if (bus_client_send (bus, (unsigned) postoffice, &record) != 0)
        s_fail (self, PROBLEM_BUSY, TEXT_EMPTY);
    else {
        self->is_sent = true;
        self->postoffice = (unsigned) postoffice;
    }
}

//  From now on somebody is waited for.
static void
s_send_within_deadline (call_t *self)
{
    self->deadline_ms = clock_mono_ms () + self->row->deadline_ms;
    s_send (self);
}

//  What the postoffice is told beside who asks is whole.
static void
s_finish_request (call_t *self)
{
    json_close_object (&self->json);
    int rc = json_write_end (&self->json);
    assert (rc == 0);
    s_send_within_deadline (self);
}

static void
s_finish (call_t *self, text_t body)
{
    json_put_json (&self->json, "body", body);
    s_finish_request (self);
}

//  What a body says must be of its form; the postoffice reads it once more. Changes the tree.
//  False: it was refused.
static bool
s_check_body (call_t *self, json_object *tree)
{
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    bool has_session = self->row->place == API_AT_SESSION;
    text_t session = has_session ? session_key_id (text_of (self->place)) : TEXT_EMPTY;
    api_asker_t asker = { self->kind, text_of (self->user), session, text_of (self->key) };
    const char *complaint = api_body_read (&body, self->row->operation, tree, &asker, room);
    if (complaint) {
        s_fail (self, PROBLEM_BAD_REQUEST, text_of (complaint));
        return false;
    }
    if (!(self->may & PERMISSION_BIT (api_body_permission (&body, self->row, self->kind)))) {
        s_fail (self, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        return false;
    }
    //  A server that comes in the name of an agent may do with it what the agent may.
    if (body.takes_control && self->kind == ROLE_AGENT
        && !(self->may & PERMISSION_BIT (PERMIT_CONTROL_TAKE))) {
        s_fail (self, PROBLEM_FORBIDDEN, TEXT ("You may not take control"));
        return false;
    }
    bool is_of_other = strcmp (self->subject, self->user) != 0;
    if (self->row->operation == API_AGENT_SET && (is_of_other || body.agent.groups)
        && !(self->may & PERMISSION_BIT (PERMIT_AGENT_MANAGE))) {
        s_fail (self, PROBLEM_FORBIDDEN,
                is_of_other ? TEXT ("This is another agent, and your token does not say that you "
                                    "manage agents (AGENT_MANAGE)")
                            : TEXT ("Your groups are what your token says"));
        return false;
    }
    const app_t *app = apps_find (self->all->config.apps, text_of (self->app));
    if (!body.is_of_visitor || !app || body.message.text_size <= app->text_limit)
        return true;
    snprintf (room, sizeof room, "The text must have at most %llu bytes",
              (unsigned long long) app->text_limit);
    s_fail (self, PROBLEM_TOO_LARGE, text_of (room));
    return false;
}

//  The body is what stands behind the session in the REQUEST, so that it must be JSON and nothing
//  else.
static void
s_on_body (call_t *self, text_t body)
{
    json_reading_t reading;
    if (body.size == 0)
        body = TEXT ("{}"); //  without one nothing is said
    json_object *tree = json_read (
        body, &(json_limits_t){ .depth_most = BODY_DEPTH, .values_most = BODY_VALUES }, &reading);
    if (!json_object_is_type (tree, json_type_object)) {
        char detail[200] = "The body must be a JSON object";
        if (reading.fault != JSON_READ_OK)
            snprintf (detail, sizeof detail, "The body, at byte %zu: %s", reading.at,
                      json_read_words (&reading, body));
        json_object_put (tree);
        s_fail (self, PROBLEM_BAD_REQUEST, text_of (detail));
        return;
    }
    bool is_good = s_check_body (self, tree);
    json_object_put (tree);
    if (is_good)
        s_finish (self, body);
}

//  A bot's answer is read here, as it is at a connector; a postoffice is told what came of it.
static void
s_on_bot_body (call_t *self, text_t body)
{
    static const char *const words[BOT_SPEECH_FAULTS] = {
        [BOT_SPEECH_EMPTY] = "The body must be the bot's answer",
        [BOT_SPEECH_NOT_JSON] = "The body is no JSON",
        [BOT_SPEECH_NOT_OBJECT] = "The body must be a JSON object",
        [BOT_SPEECH_TOO_LARGE] = "The answer has too many values",
    };
    bot_speech_t said;
    bot_speech_fault_t fault = bot_speech_read (&said, body);
    if (fault != BOT_SPEECH_OK)
        s_fail (self, PROBLEM_BAD_REQUEST, text_of (words[fault]));
    else {
        json_open_object (&self->json, "body");
        json_put_text (&self->json, "data", buffer_text (&said.data));
        json_put_number (&self->json, "ask", said.ask);
        json_put_text (&self->json, "target", buffer_text (&said.target));
        json_put_bool (&self->json, "isApology", said.is_apology);
        json_close_object (&self->json);
        s_finish_request (self);
    }
    bot_speech_free (&said);
}

static void
s_on_any_body (void *owner, text_t body)
{
    call_t *self = owner;
    if (self->row->operation == API_BOT_ANSWER)
        s_on_bot_body (self, body);
    else
        s_on_body (self, body);
}

static void
s_on_gone (void *owner)
{
    s_destroy (owner);
}

// ---------------------------------------------------------------------------------------------
//  Answers in pieces: one is asked for when the one before has left

//  Asks for the piece behind the cursor.
static void
s_send_more (call_t *self, text_t cursor)
{
    if (self->body_size == 0)
        self->body_size = self->body.size - 1; //  the brace that ends it
    self->body.size = self->body_size;
    json_put_text (&self->json, "more", cursor);
    json_close_object (&self->json);
    if (json_write_end (&self->json) == 0)
        s_send_within_deadline (self);
    else
        s_fail (self, PROBLEM_UNAVAILABLE, TEXT_EMPTY);
}

//  What waits in `piece` is written, when there is room: the body, and behind it the cursor of what
//  is next.
static void
s_write_piece (call_t *self)
{
    request_t *request = self->request;
    if (request_is_full (request))
        return;
    if (self->piece.size > 0) {
        request_body (request, buffer_text (&self->piece));
        buffer_clear (&self->piece);
        if (request_is_full (request))
            return;
    }
    if (self->more) {
        char *cursor = self->more;
        self->more = NULL;
        s_send_more (self, text_of (cursor));
        free (cursor);
    } else if (!self->is_sent) {
        edge_count (EDGE_API_ANSWERED, 1);
        request_set_answerer (request, NULL, NULL);
        request_end (request);
        s_destroy (self);
    }
}

static void
s_on_room (void *owner)
{
    call_t *self = owner;
    if (self->is_begun)
        s_write_piece (self);
}

static const request_events_t s_events = { .body = s_on_any_body,
                                           .room = s_on_room,
                                           .gone = s_on_gone };

//  False: the request is over.
static bool
s_begin_pieces (call_t *self, const bus_reply_t *reply)
{
    request_t *request = self->request;
    type_room_t type;
    char fields[200];
    int size = snprintf (fields, sizeof fields, "content-type: %s\r\n", s_type (reply, type));
    self->is_begun = true;
    //  Of a HEAD it is over with this, and the next request begun: it is let go of before.
    request_set_answerer (request, NULL, NULL);
    if (request_begin (request, (unsigned) reply->status, (text_t){ fields, (size_t) size },
                       HTTP_UNKNOWN_SIZE)) {
        request_set_answerer (request, &s_events, self);
        return true;
    }
    edge_count (EDGE_API_ANSWERED, 1);
    s_destroy (self);
    return false;
}

static void
s_take_piece (call_t *self, const bus_reply_t *reply)
{
    self->is_sent = false;
    if (reply->status != 200) {
        s_fail (self, PROBLEM_UNAVAILABLE, TEXT_EMPTY);
        return;
    }
    if (!self->is_begun && !s_begin_pieces (self, reply))
        return;
    int rc = buffer_put_text (&self->piece, reply->body);
    assert (rc == 0);
    self->more = reply->more.size > 0 ? alloc_text (reply->more) : NULL;
    s_write_piece (self);
}

static void
s_on_tick (void *owner)
{
    api_calls_t *self = owner;
    uint64_t now = clock_mono_ms ();
    for (list_t *link = self->calls.next; link != &self->calls;) {
        call_t *call = LIST_THING (link, call_t, link);
        link = link->next;
        if (call->is_sent && now >= call->deadline_ms)
            s_fail (call, PROBLEM_DEADLINE, TEXT_EMPTY);
    }
}

//  An operation that is of no session goes to any postoffice: they have a turn each.
static char *
s_place (const call_t *self, const principal_t *principal, text_t session)
{
    session_key_room_t room;
    char any[40];
    if (self->row->place == API_AT_SESSION)
        return alloc_text (session_key_of (room, principal->app, session));
    snprintf (any, sizeof any, "%llu", (unsigned long long) self->number);
    return alloc_text (text_of (any));
}

static call_t *
s_new (api_calls_t *all, request_t *request, const api_request_t *asked, const door_pass_t *pass)
{
    const principal_t *principal = &pass->principal;
    const api_row_t *row = asked->row;
    call_t *self = alloc_zeroed (sizeof *self);
    buffer_t json;
    self->all = all;
    self->number = ++all->next_number;
    self->request = request;
    self->row = row;
    self->kind = principal->kind;
    self->place = s_place (self, principal, asked->parameters[API_PARAMETER_SESSION]);
    self->app = alloc_text (principal->app);
    self->may = pass->may;
    self->is_page = asked->is_page;
    self->user = alloc_text (principal->user);
    self->subject = alloc_text (asked->parameters[API_PARAMETER_USER]);
    self->key = alloc_text (asked->key);
    buffer_init (&json, 8 * (USER_ID_MAX + SESSION_ID_MAX + APP_ID_MAX + DISPLAY_NAME_MAX
                             + PRINCIPAL_GROUPS_MOST * PRINCIPAL_GROUP_MOST));
    json_writer_t writer;
    json_write_begin (&writer, &json);
    principal_write (principal, NULL, &writer);
    int rc = json_write_end (&writer);
    assert (rc == 0);
    self->principal = alloc_text (buffer_text (&json));
    buffer_free (&json);
    buffer_init (&self->piece, HTTP_PIECE_MOST);
    //  What a bot says is read, and written as JSON twice over.
    uint64_t times = row->operation == API_BOT_ANSWER ? 4 : 1;
    buffer_init (&self->body, API_REQUEST_MAX + times * row->body_most);
    json_write_begin (&self->json, &self->body);
    json_open_object (&self->json, NULL);
    api_request_write (asked, &self->json);
    list_init (&self->link);
    list_append (&all->calls, &self->link);
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
    edge_count (EDGE_API_PENDING, 1);
    if (all->count++ == 0)
        loop_timer_start_ms (all->tick, TICK_MS, TICK_MS);
    return self;
}

void
api_calls_begin (api_calls_t *self, request_t *request, const http_head_t *head,
                 const api_request_t *asked, const door_pass_t *pass, text_t fields)
{
    if (self->count >= self->config.requests_most) {
        api_refuse (request, PROBLEM_BUSY, "", TEXT_EMPTY);
        return;
    }
    call_t *call = s_new (self, request, asked, pass);
    call->fields = alloc_text (fields);
    request_set_fields (request, text_of (call->fields));
    request_set_answerer (request, &s_events, call);
    if (asked->row->body_most > 0)
        request_want_body (request, head, asked->row->body_most);
    else
        s_finish (call, TEXT_EMPTY);
}

// ---------------------------------------------------------------------------------------------
//  The bus

void
api_calls_reply (api_calls_t *self, const bus_reply_t *reply)
{
    call_t *call;
    HASH_FIND (hh, self->by_number, &reply->request_id, sizeof reply->request_id, call);
    if (!call || !call->is_sent)
        edge_count (EDGE_API_LATE, 1);
    else if (reply->status < 200 || reply->status > 599)
        s_fail (call, PROBLEM_UNAVAILABLE, TEXT_EMPTY); //  no status that we could hand on
    else if (call->is_begun || reply->more.size > 0)
        s_take_piece (call, reply);
    else
        s_end (call, reply);
}

//  What only reads is asked of another one. What changes something may have been done: the asker
//  must find out, or ask again with the same key.
void
api_calls_postoffice_down (api_calls_t *self, unsigned postoffice)
{
    //  Requests that are answered let others begin: those are sent elsewhere, and stand behind.
    for (list_t *link = self->calls.next; link != &self->calls;) {
        call_t *call = LIST_THING (link, call_t, link);
        link = link->next;
        if (!call->is_sent || call->postoffice != postoffice)
            continue;
        call->is_sent = false;
        if (strcmp (call->row->method, "GET") == 0)
            s_send (call);
        else
            s_fail (call, PROBLEM_UNAVAILABLE, TEXT_EMPTY);
    }
}

// ---------------------------------------------------------------------------------------------
//  Life

api_calls_t *
api_calls_new (uv_loop_t *loop, const api_calls_config_t *config)
{
    api_calls_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    list_init (&self->calls);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    return self;
}

void
api_calls_destroy (api_calls_t **self_p)
{
    api_calls_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->count == 0);
    loop_timer_destroy (&self->tick);
    free (self);
}
