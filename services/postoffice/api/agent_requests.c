#include "api/agent_requests.h"

#include "api/request_id.h"
#include "json/json_read.h"

#include <stdio.h>

//  Enough for any number of ours.
typedef char number_room_t[24];

//  A position's time is microseconds since 1970.
#define TIME_DIGITS 17

static text_t
s_number (uint64_t number, number_room_t room)
{
    snprintf (room, sizeof (number_room_t), "%llu", (unsigned long long) number);
    return text_of (room);
}

static text_t
s_flag (bool is_so)
{
    return is_so ? TEXT ("t") : TEXT ("f");
}

//  How many offers in a row an agent of the app may miss.
static text_t
s_missed_most (const api_call_t *call, number_room_t room)
{
    const app_t *app = apps_find (calls_office (call->calls)->apps, call->principal->app);
    return s_number (app ? app->switchboard.away_after_missed : 0, room);
}

//  NULL: what was wrong with the request was said.
static list_page_t *
s_page (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT];
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (!page)
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
    return page;
}

void
agent_list (const api_call_t *call)
{
    number_room_t missed, limit;
    list_page_t *page = s_page (call);
    if (!page)
        return;
    text_t parameters[] = {
        call->principal->app,
        list_page_filter (page, "group"),
        list_page_filter (page, "state"),
        s_missed_most (call, missed),
        s_flag (list_page_is_backward (page)),
        list_page_position (page, 0),
        s_number (list_page_limit (page), limit),
    };
    call_read_page (call, READ_AGENTS, parameters, sizeof parameters / sizeof *parameters, &page);
}

void
agent_get (const api_call_t *call)
{
    number_room_t missed;
    text_t parameters[] = { call->principal->app, call->user, s_missed_most (call, missed) };
    call_read (call, READ_AGENT, parameters, 3);
}

//  Of a cursor that somebody else made.
static bool
s_is_time (text_t text)
{
    bool is_time = text.size <= TIME_DIGITS;
    for (size_t at = 0; is_time && at < text.size; at++)
        is_time = text.data[at] >= '0' && text.data[at] <= '9';
    return is_time;
}

void
queue_list (const api_call_t *call)
{
    number_room_t limit;
    list_page_t *page = s_page (call);
    if (!page)
        return;
    if (!s_is_time (list_page_position (page, 0))) {
        list_page_destroy (&page);
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST,
                      TEXT ("The cursor is none of this list"));
        return;
    }
    text_t parameters[] = {
        call->principal->app,
        list_page_filter (page, "target"),
        s_flag (list_page_is_backward (page)),
        list_page_position (page, 0),
        list_page_position (page, 1),
        s_number (list_page_limit (page), limit),
    };
    call_read_page (call, READ_QUEUE, parameters, sizeof parameters / sizeof *parameters, &page);
}

// ---------------------------------------------------------------------------------------------
//  Setting

//  A JSON array: of the token of an agent that sets its own; else of the body. Empty: they stay.
static void
s_write_groups (const principal_t *own, const api_body_t *body, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    if (body->agent.groups)
        json_put_json (&json, NULL, json_print (body->agent.groups));
    else if (own && own->group_count > 0) {
        json_open_array (&json, NULL);
        for (size_t at = 0; at < own->group_count; at++)
            json_put_text (&json, NULL, own->groups[at]);
        json_close_array (&json);
    }
    if (json_write_end (&json) != 0)
        buffer_clear (to);
}

static void
s_set (const api_call_t *call, const api_body_t *body, text_t groups)
{
    number_room_t missed, capacity;
    request_key_room_t key;
    const principal_t *principal = call->principal;
    bool is_own = principal->kind == ROLE_AGENT && text_is (principal->user, call->user);
    text_t parameters[] = {
        principal->app,
        call->user,
        body->agent.state,
        body->agent.has_capacity ? s_number (body->agent.capacity, capacity) : TEXT_EMPTY,
        groups,
        is_own && principal->name.size > 0 ? principal->name : body->name,
        is_own ? TEXT ("asked") : TEXT ("managed"),
        request_key_of (call, key),
        call->if_match,
        s_missed_most (call, missed),
    };
    call_change (call, CHANGE_AGENT, parameters, sizeof parameters / sizeof *parameters);
}

//  That it may set this agent, and groups, the edge has seen to: it knows the token's scopes.
void
agent_set (const api_call_t *call)
{
    api_body_t body;
    char room[MESSAGE_COMPLAINT];
    api_asker_t asker = call_asker (call);
    const principal_t *principal = call->principal;
    const char *complaint = api_body_read (&body, API_AGENT_SET, call->body, &asker, room);
    if (complaint) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    bool is_own = principal->kind == ROLE_AGENT && text_is (principal->user, call->user);
    buffer_t groups;
    buffer_init (&groups, 6 * PRINCIPAL_GROUPS_MOST * (PRINCIPAL_GROUP_MOST + 4) + 2);
    s_write_groups (is_own ? principal : NULL, &body, &groups);
    s_set (call, &body, buffer_text (&groups));
    buffer_free (&groups);
}
