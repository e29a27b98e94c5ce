#include "api/session_lists.h"

#include "model/session_key.h"
#include "rules/audience.h"

#include <stdio.h>

//  A position is told by whoever asks: what is to be a number has as many digits as one can have.
#define TIME_DIGITS 17
#define NUMBER_DIGITS 18
#define ROLE_DIGITS 1

static text_t
s_flag (bool is_so)
{
    return is_so ? TEXT ("t") : TEXT ("f");
}

static text_t
s_limit (const list_page_t *page, char room[24])
{
    snprintf (room, 24, "%llu", (unsigned long long) list_page_limit (page));
    return text_of (room);
}

static void
s_refuse (const api_call_t *call, const char *complaint)
{
    calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
}

//  NULL: what was wrong with the request was said.
static list_page_t *
s_page (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT];
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (!page)
        s_refuse (call, complaint);
    return page;
}

//  Is this part of the position digits, or is there no position?
static bool
s_is_number (const list_page_t *page, size_t at, size_t digits_most)
{
    text_t part = list_page_position (page, at);
    bool is_good = part.size <= digits_most;
    for (size_t digit = 0; is_good && digit < part.size; digit++)
        is_good = part.data[digit] >= '0' && part.data[digit] <= '9';
    return is_good && (part.size > 0 || list_page_position (page, 0).size == 0);
}

static void
s_refuse_cursor (const api_call_t *call, list_page_t **page_p)
{
    list_page_destroy (page_p);
    s_refuse (call, "The cursor is none of this list");
}

void
session_list (const api_call_t *call)
{
    char limit[24];
    list_page_t *page = s_page (call);
    if (!page)
        return;
    if (!s_is_number (page, 0, TIME_DIGITS)) {
        s_refuse_cursor (call, &page);
        return;
    }
    text_t parameters[] = {
        call->principal->app,
        call_only_visitor (call),
        list_page_filter (page, "visitor"),
        list_page_filter (page, "state"),
        list_page_filter (page, "control"),
        list_page_filter (page, "agent"),
        list_page_filter (page, "activeAfter"),
        list_page_filter (page, "activeBefore"),
        list_page_filter (page, "createdAfter"),
        list_page_filter (page, "createdBefore"),
        list_page_filter (page, "sort"),
        s_flag (!list_page_has (page, "order", "asc")),
        s_flag (list_page_is_backward (page)),
        list_page_position (page, 0),
        list_page_position (page, 1),
        s_limit (page, limit),
    };
    call_read_page (call, READ_SESSIONS, parameters, sizeof parameters / sizeof *parameters,
                    &page);
}

//  The session of the filter, as it is called everywhere; empty: any.
static text_t
s_key (const api_call_t *call, const list_page_t *page, session_key_room_t room)
{
    text_t session = list_page_filter (page, "session");
    return session.size > 0 ? session_key_of (room, call->principal->app, session) : TEXT_EMPTY;
}

void
search (const api_call_t *call)
{
    char limit[24];
    session_key_room_t room;
    if (calls_office (call->calls)->is_search_off) {
        calls_refuse (call->calls, call->number, PROBLEM_SEARCH_OFF, TEXT ("SEARCH_SHARE is 0"));
        return;
    }
    list_page_t *page = s_page (call);
    if (!page)
        return;
    if (!s_is_number (page, 0, NUMBER_DIGITS)) {
        s_refuse_cursor (call, &page);
        return;
    }
    if (list_page_filter (page, "q").size == 0) {
        list_page_destroy (&page);
        s_refuse (call, "q must be said");
        return;
    }
    text_t parameters[] = {
        call->principal->app,
        call_only_visitor (call),
        s_key (call, page, room),
        s_flag (audience_sees_hidden (call->principal->kind)),
        list_page_filter (page, "q"),
        list_page_filter (page, "kind"),
        s_flag (list_page_is_backward (page)),
        list_page_position (page, 0),
        s_limit (page, limit),
        s_flag (audience_events (call->principal->kind) & UINT64_C (1) << EVENT_WHISPER),
    };
    call_read_page (call, READ_SEARCH, parameters, sizeof parameters / sizeof *parameters, &page);
}

void
participant_list (const api_call_t *call)
{
    char limit[24];
    session_key_room_t room;
    list_page_t *page = s_page (call);
    if (!page)
        return;
    if (!s_is_number (page, 1, ROLE_DIGITS)) {
        s_refuse_cursor (call, &page);
        return;
    }
    text_t parameters[] = {
        call->principal->app,
        call_only_visitor (call),
        s_key (call, page, room),
        list_page_filter (page, "user"),
        list_page_filter (page, "role"),
        list_page_filter (page, "present"),
        s_flag (list_page_is_backward (page)),
        list_page_position (page, 0),
        list_page_position (page, 1),
        list_page_position (page, 2),
        s_limit (page, limit),
    };
    call_read_page (call, READ_PARTICIPANTS, parameters, sizeof parameters / sizeof *parameters,
                    &page);
}
