#include "api/alert_requests.h"

#include "api/request_id.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "json/json_body.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "model/offer.h"
#include "model/session_key.h"
#include "session/sessions.h"
#include "triggers/alert_body.h"
#include "triggers/alert_where.h"
#include "triggers/webhook_items.h"
#include "work/alert_notes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DATA_MAX (6 * (API_PARAMETER_MAX + USER_ID_MAX) + 300)
//  Of an endpoint's name, with a comma.
#define ENDPOINT_MOST 100

static bool
s_is_number (text_t text, size_t least)
{
    bool is_number = text.size >= least && text.size < 19;
    for (size_t at = 0; is_number && at < text.size; at++)
        is_number = text.data[at] >= '0' && text.data[at] <= '9';
    return is_number;
}

void
alert_list (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT], limit[24];
    session_key_room_t key_room;
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (page
        && (!s_is_number (list_page_position (page, 0), 0)
            || !s_is_number (list_page_position (page, 1), 0)))
        complaint = "The cursor is none of this list";
    if (complaint) {
        list_page_destroy (&page);
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    text_t app = call->principal->app, session = list_page_filter (page, "session");
    snprintf (limit, sizeof limit, "%llu", (unsigned long long) list_page_limit (page));
    text_t parameters[] = {
        app,
        session.size > 0 ? session_key_of (key_room, app, session) : TEXT_EMPTY,
        list_page_filter (page, "state"),
        list_page_filter (page, "rule"),
        list_page_has (page, "order", "asc") ? TEXT ("f") : TEXT ("t"),
        list_page_is_backward (page) ? TEXT ("t") : TEXT ("f"),
        list_page_position (page, 0),
        list_page_position (page, 1),
        text_of (limit),
    };
    call_read_page (call, READ_ALERTS, parameters, sizeof parameters / sizeof *parameters, &page);
}

void
alert_get (const api_call_t *call)
{
    text_t parameters[] = { call->principal->app, call->item };
    call_read (call, READ_ALERT, parameters, 2);
}

// ---------------------------------------------------------------------------------------------
//  Acknowledging

//  What an alert's name says: ":alert:<rule>:<session key>:<seq>:<time>", or with nothing for the
//  session. Rules have no colon in their names; sessions may.
typedef struct {
    text_t rule, session, seq;
} alert_name_t;

//  The text behind the last colon, which is taken off.
static text_t
s_take_last (text_t *from)
{
    const char *colon = from->size > 0 ? memrchr (from->data, ':', from->size) : NULL;
    if (!colon)
        return TEXT_EMPTY;
    size_t before = (size_t) (colon - from->data);
    text_t last = { colon + 1, from->size - before - 1 };
    from->size = before;
    return last;
}

static bool
s_read_name (text_t name, alert_name_t *said)
{
    size_t prefix = sizeof ALERT_ITEM_PREFIX - 1;
    if (name.size <= prefix || memcmp (name.data, ALERT_ITEM_PREFIX, prefix) != 0)
        return false;
    text_t rest = { name.data + prefix, name.size - prefix };
    const char *colon = memchr (rest.data, ':', rest.size);
    if (!colon || colon == rest.data)
        return false;
    said->rule = (text_t){ rest.data, (size_t) (colon - rest.data) };
    rest = (text_t){ colon + 1, rest.size - said->rule.size - 1 };
    if (rest.size > 0 && *rest.data == ':') { //  of an app
        said->session = said->seq = TEXT_EMPTY;
        return true;
    }
    text_t time = s_take_last (&rest);
    said->seq = s_take_last (&rest);
    said->session = rest;
    return s_is_number (time, 1) && s_is_number (said->seq, 1) && rest.size > 0
           && rest.size <= SESSION_KEY_MAX;
}

static void
s_write_data (text_t alert, const alert_name_t *name, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "alertId", alert);
    json_put_text (&json, "rule", name->rule);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

//  The id says of which event the alert is, so that it is said once, whoever presses the button, of
//  whichever rule of the event.
static void
s_ask_session (calls_t *calls, uint64_t number, const call_about_t *about,
               const alert_name_t *name, text_t event)
{
    char id[MESSAGE_ID_MAX];
    buffer_t data, sender;
    bool is_of_agent = about->role == ROLE_AGENT;
    snprintf (id, sizeof id, ALERT_SEEN_PREFIX "%.*s:%.*s", TEXT_ARGS (name->seq),
              TEXT_ARGS (utf8_cut (event, 60)));
    buffer_init (&data, DATA_MAX);
    buffer_init (&sender, SENDER_OF_AGENT_MAX);
    s_write_data (about->name, name, &data);
    if (is_of_agent)
        write_agent (about->user, TEXT_EMPTY, &sender);
    change_t change = { .kind = CHANGE_ACKNOWLEDGE,
                        .number = number,
                        .session = name->session,
                        .message_id = text_of (id),
                        .version = SEQ_UNKNOWN,
                        .targets = TEXT_EMPTY,
                        .why = about->name,
                        .by_role = about->role,
                        .by_user = about->user,
                        .by_sender = is_of_agent ? buffer_text (&sender) : TEXT ("{}"),
                        .user = TEXT_EMPTY,
                        .sender = TEXT_EMPTY,
                        .info = TEXT_EMPTY,
                        .first_id = TEXT_EMPTY,
                        .data = buffer_text (&data),
                        .secret = TEXT_EMPTY };
    operation_t *operation = operation_change (&change);
    operation->if_match = SEQ_UNKNOWN;
    sessions_ask (calls_office (calls)->sessions, change.session, &operation);
    buffer_free (&data);
    buffer_free (&sender);
}

//  A name alone is no alert: it would be an entry of the session's log about nothing.
static void
s_on_known (calls_t *calls, uint64_t number, const call_about_t *about,
            const reader_answer_t *answer)
{
    alert_name_t name;
    if (answer->columns[0].size > 0 && s_read_name (about->name, &name))
        s_ask_session (calls, number, about, &name, answer->columns[1]);
    else
        calls_refuse (calls, number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
}

//  It has no log: the table has it alone.
static void
s_acknowledge_alone (const api_call_t *call)
{
    buffer_t endpoints;
    text_t names[APP_WEBHOOKS_MOST], app = call->principal->app;
    const app_t *row = apps_find (calls_office (call->calls)->apps, app);
    size_t count = row ? webhook_endpoints (row, WEBHOOK_ALERT_ACKNOWLEDGED, names) : 0;
    buffer_init (&endpoints, APP_WEBHOOKS_MOST * ENDPOINT_MOST);
    int rc = 0;
    for (size_t at = 0; at < count; at++)
        rc |= (at > 0 ? buffer_put_string (&endpoints, ",") : 0)
              | buffer_put_text (&endpoints, names[at]);
    assert (rc == 0);
    text_t parameters[] = { app, call->item, call->principal->user,
                            text_of (role_name (call->principal->kind)),
                            buffer_text (&endpoints) };
    call_change (call, CHANGE_ALERT, parameters, sizeof parameters / sizeof *parameters);
    buffer_free (&endpoints);
}

//  Is it a name of an alert of the app? Else it is refused.
static bool
s_is_of_app (const api_call_t *call, alert_name_t *name)
{
    text_t app = call->principal->app;
    if (s_read_name (call->item, name)
        && (name->session.size == 0 || text_is (session_key_app (name->session), app)))
        return true;
    calls_refuse (call->calls, call->number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
    return false;
}

void
alert_acknowledge (const api_call_t *call)
{
    alert_name_t name;
    if (!s_is_of_app (call, &name))
        return;
    if (name.session.size == 0) {
        s_acknowledge_alone (call);
        return;
    }
    text_t parameters[] = { call->principal->app, call->item, name.session };
    call_read_then (call, READ_ALERT_STAND, parameters, 3, s_on_known, call->item);
}

//  Who was first, since when: it may be somebody else than whoever asked.
static void
s_on_acknowledged (calls_t *calls, uint64_t number, const call_about_t *about,
                   const reader_answer_t *answer)
{
    buffer_t body;
    json_writer_t json;
    struct json_object *stand = json_body_read (answer->columns[2]);
    buffer_init (&body, DATA_MAX);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_text (&json, "alertId", about->name);
    json_put_number (&json, "seq", about->seq);
    json_put_text_if (&json, "endedBy", json_body_text (stand, "by"));
    if (json_body_number (stand, "atMs") > 0)
        json_put_time (&json, "endedAt", json_body_number (stand, "atMs"));
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    calls_answer (calls, number,
                  &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    buffer_free (&body);
    json_body_free (&stand);
}

void
alert_acknowledged (calls_t *calls, const operation_t *operation)
{
    const change_t *change = operation->change;
    text_t parameters[] = { session_key_app (change->session), change->why, change->session };
    if (operation->verdict == VERDICT_OK || operation->verdict == VERDICT_DUPLICATE)
        calls_read_on (calls, change->number, READ_ALERT_STAND, parameters, 3, s_on_acknowledged,
                       operation->seq);
    else
        calls_refuse_verdict (calls, change->number, operation->verdict);
}

// ---------------------------------------------------------------------------------------------
//  The page behind a link

//  Names, ids, times and an address, as JSON.
#define PAGE_MOST (6 * (4 * 1000 + ALERT_CONSOLE_MOST))
#define NAME_MOST 1000

//  A person of the app is called by its name; an agent by the one that it shows.
static text_t
s_who (const app_t *app, struct json_object *stand)
{
    text_t by = json_body_text (stand, "by"), agent = json_body_text (stand, "agent");
    const app_person_t *people = app ? app->people.rows : NULL;
    for (size_t at = 0; app && at < app->people.count; at++)
        if (text_is (people[at].id, by) && people[at].name.size > 0)
            return people[at].name;
    return agent.size > 0 ? agent : by;
}

//  "14:02 (UTC)", with the day when it was on another one.
static void
s_put_since (json_writer_t *json, uint64_t at_ms)
{
    char since[40];
    time_t at = (time_t) (at_ms / 1000), now = (time_t) (clock_wall_ms () / 1000);
    struct tm then, today;
    gmtime_r (&at, &then);
    gmtime_r (&now, &today);
    bool is_today = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    strftime (since, sizeof since, is_today ? "%H:%M (UTC)" : "%Y-%m-%d %H:%M (UTC)", &then);
    json_put_string (json, "since", since);
}

static void
s_write_page (const postoffice_context_t *office, const call_about_t *about,
              struct json_object *stand, text_t session, buffer_t *to)
{
    json_writer_t json;
    buffer_t console;
    buffer_init (&console, ALERT_CONSOLE_MOST);
    if (office->alerts)
        alert_console_put (alert_engine_links (office->alerts), session, &console);
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "app", about->app);
    json_put_text (&json, "rule", utf8_cut (json_body_text (stand, "rule"), NAME_MOST));
    json_put_number (&json, "state", json_body_number (stand, "state"));
    json_put_text_if (&json, "visitor", utf8_cut (json_body_text (stand, "visitor"), NAME_MOST));
    json_put_text_if (&json, "session", buffer_text (&console));
    if (json_body_number (stand, "state") == ALERT_ACKNOWLEDGED) {
        const app_t *app = apps_find (office->apps, about->app);
        json_put_text (&json, "who", utf8_cut (s_who (app, stand), NAME_MOST));
        s_put_since (&json, json_body_number (stand, "atMs"));
    }
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    buffer_free (&console);
}

static void
s_on_page (calls_t *calls, uint64_t number, const call_about_t *about,
           const reader_answer_t *answer)
{
    alert_name_t name;
    buffer_t body;
    if (answer->columns[0].size == 0 || !s_read_name (about->name, &name)) {
        calls_refuse (calls, number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
        return;
    }
    struct json_object *stand = json_body_read (answer->columns[2]);
    buffer_init (&body, PAGE_MOST);
    s_write_page (calls_office (calls), about, stand, name.session, &body);
    calls_answer (calls, number,
                  &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    buffer_free (&body);
    json_body_free (&stand);
}

void
alert_page (const api_call_t *call)
{
    alert_name_t name;
    if (call->principal->kind != ROLE_API) {
        calls_refuse (call->calls, call->number, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        return;
    }
    if (!s_is_of_app (call, &name))
        return;
    text_t parameters[] = { call->principal->app, call->item, name.session };
    call_read_then (call, READ_ALERT_STAND, parameters, 3, s_on_page, call->item);
}

// ---------------------------------------------------------------------------------------------
//  Trying a rule

//  Of all steps together; more is left out of the answer.
#define TRIED_MOST (1u << 20)

static const app_alert_t *
s_rule (const app_t *app, text_t name)
{
    const app_alert_t *rules = app ? app->alerts.rows : NULL;
    for (size_t at = 0; app && at < app->alerts.count; at++)
        if (text_is (rules[at].name, name))
            return &rules[at];
    return NULL;
}

static void
s_put_call (json_writer_t *json, const alert_note_t *note)
{
    static const char *const s_members[] = { "subject", "text" };
    struct json_object *body = json_body_read (note->body);
    json_open_object (json, NULL);
    json_put_text (json, "topic", note->topic);
    json_put_text (json, "userId", note->user);
    json_put_text (json, "address", note->address);
    for (size_t at = 0; at < sizeof s_members / sizeof *s_members; at++)
        json_put_text (json, s_members[at], json_body_text (body, s_members[at]));
    json_close_object (json);
    json_body_free (&body);
}

//  The links in it have expired: there is no alert that they could be of.
static void
s_put_step (json_writer_t *json, const alert_step_t *step)
{
    const app_alert_step_t *plans = step->rule->steps.rows;
    alert_notes_t notes = alert_notes_of (step);
    json_open_object (json, NULL);
    json_put_number (json, "afterSeconds", plans[step->step].after_s);
    json_open_array (json, "calls");
    for (size_t at = 0; at < notes.count; at++)
        s_put_call (json, &notes.notes[at]);
    json_close_array (json);
    json_close_object (json);
    alert_notes_free (&notes);
}

//  The groups that the session waits for, or else those that the app would ask.
static size_t
s_groups (const app_t *app, text_t waited_for, text_t groups[OFFER_TARGETS_MOST])
{
    const json_texts_t *handoff = &app->switchboard.handoff;
    size_t count = 0;
    if (waited_for.size > 0) {
        groups[0] = waited_for;
        return 1;
    }
    for (size_t at = 0; at < handoff->count && count < OFFER_TARGETS_MOST; at++)
        if (target_of (handoff->items[at], &groups[count]) == TARGET_GROUP)
            count++;
    return count;
}

//  Whether the rule's conditions hold, as the session is now, and which lists of them do not.
static void
s_put_conditions (json_writer_t *json, const app_t *app, const app_alert_t *rule,
                  const reader_answer_t *answer)
{
    alert_body_t body;
    text_t groups[OFFER_TARGETS_MOST];
    bool is_met = true;
    if (!alert_body_read (&body, answer->columns[0]))
        body = (alert_body_t){ .object = NULL }; //  nothing is known of it
    char *words = alert_folded (answer->columns[3]);
    alert_scene_t scene = { .page = body.values[ALERT_VALUE_VISITOR_PAGE],
                            .language = body.values[ALERT_VALUE_VISITOR_LANGUAGE],
                            .words = words,
                            .groups = groups };
    scene.group_count = s_groups (app, body.values[ALERT_VALUE_GROUP], groups);
    for (int list = 0; list < ALERT_WHERES; list++)
        is_met = is_met && alert_where_holds (rule, (alert_where_t) list, &scene);
    json_put_bool (json, "isMet", is_met);
    json_open_array (json, "unmet");
    for (int list = 0; list < ALERT_WHERES; list++)
        if (!alert_where_holds (rule, (alert_where_t) list, &scene))
            json_put_string (json, NULL, alert_where_names[list]);
    json_close_array (json);
    free (words);
    alert_body_free (&body);
}

static bool
s_write (const app_t *app, const app_alert_t *rule, const alert_links_t *given,
         const reader_answer_t *answer, buffer_t *to)
{
    char item[2000];
    json_writer_t json;
    alert_links_t links = *given;
    links.link_ms = 0;
    uint64_t now_ms = clock_wall_ms ();
    snprintf (item, sizeof item, ALERT_ITEM_PREFIX "%s:%.*s:0:0", rule->name.data,
              TEXT_ARGS (answer->columns[1]));
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "rule", rule->name);
    json_put_text (&json, "event", rule->on);
    bool is_open = !rule->open || alert_hours_next (rule->open, now_ms) <= now_ms;
    json_put_bool (&json, "isInHours", is_open);
    s_put_conditions (&json, app, rule, answer);
    json_open_array (&json, "steps");
    for (size_t step = 0; step < rule->steps.count; step++)
        s_put_step (&json, &(alert_step_t){ .app = app,
                                            .rule = rule,
                                            .links = &links,
                                            .item = text_of (item),
                                            .session = answer->columns[1],
                                            .body = answer->columns[0],
                                            .step = step,
                                            .transcript = answer->columns[2],
                                            .now_ms = now_ms });
    json_close_array (&json);
    json_close_object (&json);
    return json_write_end (&json) == 0;
}

static void
s_on_tried (calls_t *calls, uint64_t number, const call_about_t *about,
            const reader_answer_t *answer)
{
    postoffice_context_t *office = calls_office (calls);
    const app_t *app = apps_find (office->apps, about->app);
    const app_alert_t *rule = s_rule (app, about->name);
    buffer_t body;
    if (!rule || answer->columns[0].size == 0) {
        calls_refuse (calls, number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
        return;
    }
    buffer_init (&body, TRIED_MOST);
    if (s_write (app, rule, alert_engine_links (office->alerts), answer, &body))
        calls_answer (calls, number,
                      &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    else
        calls_refuse (calls, number, PROBLEM_BAD_REQUEST, TEXT ("It calls too many people"));
    buffer_free (&body);
}

void
alert_try (const api_call_t *call)
{
    text_t name = TEXT_EMPTY, session = TEXT_EMPTY, app_id = call->principal->app;
    session_key_room_t room;
    (void) json_member_text (call->query, "rule", &name);
    (void) json_member_text (call->query, "session", &session);
    const app_alert_t *rule = s_rule (apps_find (calls_office (call->calls)->apps, app_id), name);
    bool is_of_session = rule && alert_events[rule->event].place == ALERT_PLACE_SESSION;
    if (name.size == 0)
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT ("rule is missing"));
    else if (!rule || !calls_office (call->calls)->alerts)
        calls_refuse (call->calls, call->number, PROBLEM_NOT_FOUND,
                      TEXT ("The app has no such rule"));
    else if (is_of_session == (session.size == 0))
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST,
                      is_of_session ? TEXT ("session is missing: the rule is about sessions")
                                    : TEXT ("The rule is about the app, and no session"));
    else {
        text_t key = session.size > 0 ? session_key_of (room, app_id, session) : TEXT_EMPTY;
        text_t parameters[] = { key, rule->name, rule->on };
        call_read_then (call, READ_TRIED, parameters, 3, s_on_tried, name);
    }
}
