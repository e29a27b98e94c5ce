#include "api/session_reads.h"

#include "rules/audience.h"
#include "session/company.h"
#include "session/sessions.h"

#include <stdio.h>
#include <stdlib.h>

//  Who is connected, and what was received, its host knows.
static void
s_put_company (const api_call_t *call, buffer_t *to)
{
    const session_t *session = sessions_find (calls_office (call->calls)->sessions, call->key);
    if (session && session->host_since_us && session->fold.exists)
        company_write (session, to);
    else if (buffer_put_string (to, "[]") != 0)
        abort ();
}

void
session_get (const api_call_t *call)
{
    char events[24];
    buffer_t company;
    buffer_init (&company, COMPANY_ITEMS_MOST * COMPANY_ITEM_MOST + 2);
    s_put_company (call, &company);
    snprintf (events, sizeof events, "%llu",
              (unsigned long long) audience_events (call->principal->kind));
    text_t parameters[] = { call->key, call->principal->app, call_only_visitor (call),
                            buffer_text (&company), text_of (events) };
    call_read (call, READ_SESSION, parameters, sizeof parameters / sizeof *parameters);
    buffer_free (&company);
}

//  The page that has the entry `around` in its middle begins before it.
static void
s_begin_around (list_page_t *page, bool is_descending)
{
    int64_t around = strtoll (list_page_filter (page, "around").data, NULL, 10);
    int64_t half = (int64_t) list_page_limit (page) / 2 + 1;
    int64_t here = is_descending ? around + half : around - half;
    if (around < INT64_MAX - half && here > 0)
        list_page_begin_at (page, (uint64_t) here);
}

//  Of what who asks may read.
void
message_list (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT], limit[24], events[24];
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (!page) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    role_t kind = call->principal->kind;
    bool is_descending = list_page_has (page, "order", "desc");
    if (list_page_filter (page, "around").size > 0)
        s_begin_around (page, is_descending);
    bool is_rising = is_descending == list_page_is_backward (page);
    snprintf (limit, sizeof limit, "%llu", (unsigned long long) list_page_limit (page));
    snprintf (events, sizeof events, "%llu", (unsigned long long) audience_events (kind));
    text_t parameters[] = {
        call->key,
        call->principal->app,
        call_only_visitor (call),
        is_rising ? TEXT ("t") : TEXT ("f"),
        is_descending ? TEXT ("t") : TEXT ("f"),
        list_page_position (page, 0),
        text_of (limit),
        list_page_filter (page, "after"),
        list_page_filter (page, "before"),
        text_of (events),
        audience_sees_hidden (kind) ? TEXT ("t") : TEXT ("f"),
    };
    call_read_page (call, READ_MESSAGES, parameters, sizeof parameters / sizeof *parameters,
                    &page);
}

//  Piece by piece. What is written meanwhile is in it when a later piece meets it.
void
transcript (const api_call_t *call)
{
    const char *complaint;
    char room[API_COMPLAINT], events[24];
    list_page_t *page = list_page_new (call->row, call->query, &complaint, room);
    if (!page) {
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST, text_of (complaint));
        return;
    }
    role_t kind = call->principal->kind;
    bool is_text = list_page_has (page, "format", "text");
    text_t zone = list_page_filter (page, "zone");
    snprintf (events, sizeof events, "%llu", (unsigned long long) audience_events (kind));
    text_t parameters[] = {
        call->key,
        call->principal->app,
        call_only_visitor (call),
        call->more,
        text_of (events),
        audience_sees_hidden (kind) ? TEXT ("t") : TEXT ("f"),
        zone.size > 0 ? zone : TEXT ("UTC"),
    };
    if (!is_text && zone.size > 0)
        calls_refuse (call->calls, call->number, PROBLEM_BAD_REQUEST,
                      TEXT ("zone goes with format=text"));
    else if (is_text)
        call_read_piece (call, READ_TRANSCRIPT_TEXT, parameters, 7, "text/plain; charset=utf-8");
    else
        call_read_piece (call, READ_TRANSCRIPT, parameters, 6, API_JSON_LINES);
    list_page_destroy (&page);
}
