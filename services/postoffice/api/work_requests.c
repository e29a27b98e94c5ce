#include "api/work_requests.h"

#include "api/request_id.h"
#include "json/json_read.h"
#include "model/session_key.h"
#include "rules/audience.h"

#include <stdio.h>

//  What one request changes at most; it says when there is more.
#define WORKS_AT_ONCE "500"

//  Of a cursor that somebody else made.
static bool
s_is_number (text_t text)
{
    bool is_number = text.size < 19;
    for (size_t at = 0; is_number && at < text.size; at++)
        is_number = text.data[at] >= '0' && text.data[at] <= '9';
    return is_number;
}

static const char *
s_list_mistake (const list_page_t *page)
{
    if (!s_is_number (list_page_position (page, 0)) || !s_is_number (list_page_position (page, 1)))
        return "The cursor is none of this list";
    if (list_page_filter (page, "session").size == 0 && list_page_has (page, "kind", "timer"))
        return "kind=timer needs a session: each session that is left has a timer";
    return NULL;
}

void
work_list (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT], limit[24];
    session_key_room_t key_room;
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (page)
        complaint = s_list_mistake (page);
    if (complaint) {
        list_page_destroy (&page);
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    text_t session = list_page_filter (page, "session");
    snprintf (limit, sizeof limit, "%llu", (unsigned long long) list_page_limit (page));
    text_t app = call->principal->app;
    text_t parameters[] = {
        app,
        session.size > 0 ? session_key_of (key_room, app, session) : TEXT_EMPTY,
        list_page_filter (page, "state"),
        list_page_filter (page, "kind"),
        list_page_filter (page, "topic"),
        list_page_filter (page, "destination"),
        list_page_has (page, "order", "asc") ? TEXT ("f") : TEXT ("t"),
        list_page_is_backward (page) ? TEXT ("t") : TEXT ("f"),
        list_page_position (page, 0),
        list_page_position (page, 1),
        text_of (limit),
    };
    call_read_page (call, READ_WORK_ITEMS, parameters, sizeof parameters / sizeof *parameters,
                    &page);
}

void
work_get (const api_call_t *call)
{
    text_t parameters[] = { call->principal->app, call->item };
    call_read (call, READ_WORK_ITEM, parameters, 2);
}

static void
s_change (const api_call_t *call, text_t what)
{
    request_key_room_t room;
    text_t parameters[] = { call->principal->app, call->item, what, request_key_of (call, room) };
    call_change (call, CHANGE_WORK, parameters, 4);
}

void
work_replay (const api_call_t *call)
{
    s_change (call, TEXT ("replay"));
}

void
work_drop (const api_call_t *call)
{
    s_change (call, TEXT ("drop"));
}

//  A filter of the query; empty: it is not there.
static text_t
s_filter (const api_call_t *call, const char *name)
{
    text_t text = TEXT_EMPTY;
    (void) json_member_text (call->query, name, &text);
    return text;
}

static void
s_change_many (const api_call_t *call, text_t what)
{
    session_key_room_t room;
    text_t app = call->principal->app, session = s_filter (call, "session");
    text_t parameters[] = { app,
                            what,
                            s_filter (call, "state"),
                            s_filter (call, "topic"),
                            s_filter (call, "destination"),
                            session.size > 0 ? session_key_of (room, app, session) : TEXT_EMPTY,
                            TEXT (WORKS_AT_ONCE) };
    call_change (call, CHANGE_WORKS, parameters, sizeof parameters / sizeof *parameters);
}

void
works_replay (const api_call_t *call)
{
    s_change_many (call, TEXT ("replay"));
}

void
works_drop (const api_call_t *call)
{
    s_change_many (call, TEXT ("drop"));
}

void
destination_list (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT], limit[24];
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (complaint) {
        list_page_destroy (&page);
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    snprintf (limit, sizeof limit, "%llu", (unsigned long long) list_page_limit (page));
    text_t parameters[] = { call->principal->app,
                            list_page_is_backward (page) ? TEXT ("t") : TEXT ("f"),
                            list_page_position (page, 0), text_of (limit) };
    call_read_page (call, READ_DESTINATIONS, parameters, 4, &page);
}

void
destination_enable (const api_call_t *call)
{
    text_t parameters[] = { call->principal->app, call->item };
    call_change (call, CHANGE_DESTINATION, parameters, 2);
}

void
visitor_erase (const api_call_t *call)
{
    request_key_room_t room;
    text_t parameters[] = { call->principal->app, call->user, request_key_of (call, room) };
    call_change (call, CHANGE_ERASURE, parameters, 3);
}

//  "17 demo/s-1": what the piece before ended with.
static bool
s_take_position (text_t more, char seq[24], text_t *session)
{
    snprintf (seq, 24, "-1");
    *session = TEXT_EMPTY;
    if (more.size == 0)
        return true;
    const char *blank = memchr (more.data, ' ', more.size);
    size_t size = blank ? (size_t) (blank - more.data) : 0;
    text_t digits = { more.data, size };
    bool is_number = size > 0 && size < 19
                     && (s_is_number (digits) || text_is (digits, TEXT ("-1")));
    if (!is_number)
        return false;
    snprintf (seq, 24, "%.*s", TEXT_ARGS (digits));
    *session = (text_t){ blank + 1, more.size - size - 1 };
    return session->size > 0;
}

void
visitor_export (const api_call_t *call)
{
    char seq[24], events[24];
    text_t session;
    if (!s_take_position (call->more, seq, &session)) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
        return;
    }
    snprintf (events, sizeof events, "%llu",
              (unsigned long long) audience_events (ROLE_VISITOR));
    text_t parameters[] = { call->principal->app, call->user, session, text_of (seq),
                            text_of (events) };
    call_read_piece (call, READ_EXPORT, parameters, 5, API_JSON_LINES);
}

void
erasure_get (const api_call_t *call)
{
    text_t parameters[] = { call->principal->app, call->user };
    call_read (call, READ_ERASURE, parameters, 2);
}
