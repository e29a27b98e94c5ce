//  api — the HTTP API the whole way: edge, postoffice, database, and back.

#include "chat.h"
#include "eventually.h"
#include "base/clock.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  Asks the edge with this number; the answer's body is JSON, given back with json_object_put.
static json_object *
s_get (router_stack_t *stack, unsigned edge, const char *session, const char *query, int status)
{
    char target[300];
    snprintf (target, sizeof target, "/api/v1/sessions/%s?%s", session, query);
    http_answer_t answer = http_get (stack_edge_port (stack, edge), target, NULL);
    cr_expect_eq (answer.status, status, "%s: %d\n%s", target, answer.status, answer.body);
    json_object *body = json_tokener_parse (answer.body ? answer.body : "");
    cr_assert (body, "%s: no JSON: %s", target, answer.body);
    http_answer_free (&answer);
    return body;
}

static void
s_is_refused (router_stack_t *stack, const char *session, const char *query, int status)
{
    json_object *problem = s_get (stack, 1, session, query, status);
    cr_expect_eq (json_object_get_int (json_object_object_get (problem, "status")), status);
    json_object_put (problem);
}

static const char *
s_text (json_object *object, const char *name)
{
    return json_object_get_string (json_object_object_get (object, name));
}

Test (api, a_session_is_read_by_whoever_may)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "hello");
    hears (ann, "bot", "You said: hello");

    //  Times are the database's, whatever clients are shown.
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE log SET time_ms = time_ms + 86400000,"
                              " stored_at = '2026-08-24 01:02:03.004+00'"));
    json_object *session = s_get (stack, 1, "s-1", "userId=ann", 200);
    cr_expect_str_eq (s_text (session, "lastAt"), "2026-08-24T01:02:03.004Z");
    json_object_put (session);
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE log SET stored_at = NULL, time_ms = 1787533323004"));
    session = s_get (stack, 1, "s-1", "userId=ann", 200);
    cr_expect_str_eq (s_text (session, "sessionId"), "s-1");
    cr_expect_str_eq (s_text (session, "appId"), "demo");
    cr_expect_str_eq (s_text (session, "visitor"), "ann");
    cr_expect_eq (json_object_get_int (json_object_object_get (session, "lastSeq")), 3);
    cr_expect_str_eq (s_text (session, "lastAt"), "2026-08-24T01:02:03.004Z", "of schema 3");
    cr_expect_eq (strlen (s_text (session, "createdAt")), strlen ("2026-11-26T02:03:04.567Z"));
    cr_expect_str_eq (s_text (json_object_object_get (session, "control"), "role"), "bot");
    json_object *participants = json_object_object_get (session, "participants");
    cr_assert_eq (json_object_array_length (participants), 1);
    cr_expect_str_eq (s_text (json_object_array_get_idx (participants, 0), "userId"), "ann");
    json_object_put (session);

    //  Who it is not for cannot tell whether there is one.
    s_is_refused (stack, "s-1", "userId=bob", 404);
    s_is_refused (stack, "s-2", "userId=ann", 404);
    s_is_refused (stack, "s-1", "userId=ann&appId=other", 404);
    s_is_refused (stack, "s-1%27%20OR%201=1--", "userId=ann", 404);

    //  An agent of the app reads all of its sessions, over any edge, and is in it then.
    person_t *carl = agent_opens (stack, 2, "carl", "s-1");
    barges_in (carl, "Carl");
    sees (ann, "user joined", "carl");
    session = s_get (stack, 2, "s-1", "userId=carl&isAdmin=true", 200);
    json_object *control = json_object_object_get (session, "control");
    cr_expect_str_eq (s_text (control, "role"), "agent");
    cr_expect_str_eq (s_text (control, "userId"), "carl");
    cr_expect_eq (json_object_array_length (json_object_object_get (session, "participants")), 2);
    json_object_put (session);

    leaves (&ann);
    leaves (&carl);
    stack_destroy (&stack);
}

//  True when the session says so; with the state "closed" it says since when.
static bool
s_has_state (router_stack_t *stack, const char *state)
{
    json_object *session = s_get (stack, 1, "s-1", "userId=carl&isAdmin=true", 200);
    bool is_so = strcmp (s_text (session, "state"), state) == 0;
    cr_expect_eq (s_text (session, "closedAt") != NULL,
                  strcmp (s_text (session, "state"), "closed") == 0);
    json_object_put (session);
    return is_so;
}

//  The widget that was away for too long goes on as if nothing had been.
Test (api, a_session_that_is_left_is_closed_and_opened_again)
{
    static const char *const settings[] = { "SESSION_GRACE=200ms", "SESSION_CLOSE_AFTER=1s", NULL };
    router_stack_t *stack = stack_new (
        &(stack_plan_t){ .edges = 1, .postoffices = 2, .connectors = 1, .settings = settings });
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "hello");
    hears (ann, "bot", "ok");
    cr_expect (s_has_state (stack, "open"));
    is_cut_off (ann);
    EVENTUALLY (20000, s_has_state (stack, "closed"));
    //  When it was left, and not when it was closed, is its last activity.
    json_object *session = s_get (stack, 1, "s-1", "userId=ann", 200);
    cr_expect_lt (strcmp (s_text (session, "lastActivity"), s_text (session, "lastAt")), 0);
    json_object_put (session);
    comes_back (ann, 1);
    says (ann, "again");
    hears_at_last (ann, "bot", "ok");
    cr_expect (s_has_state (stack, "open"));
    char *events = postgres_query (stack_postgres (stack),
                                   "SELECT string_agg (event::text, ' ' ORDER BY seq) FROM log");
    cr_expect_str_eq (events, "1 3 3 2 8 9 1 3 3");
    free (events);
    leaves (&ann);
    stack_destroy (&stack);
}

#define ANN "userId=ann"
#define CARL "userId=carl&isAdmin=true"

//  The info of a participant, as JSON; the caller frees it.
static char *
s_info (router_stack_t *stack, const char *query, unsigned place)
{
    json_object *session = s_get (stack, 1, "s-1", query, 200);
    json_object *participants = json_object_object_get (session, "participants");
    json_object *info =
        json_object_object_get (json_object_array_get_idx (participants, place), "info");
    cr_assert (json_object_is_type (info, json_type_object));
    char *text = strdup (json_object_to_json_string_ext (
        info, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put (session);
    return text;
}

static void
s_expect_info (router_stack_t *stack, const char *query, unsigned place, const char *expected)
{
    char *info = s_info (stack, query, place);
    cr_expect_str_eq (info, expected, "%s, %u: %s", query, place, info);
    free (info);
}

static ws_client_t *
s_ann_joins (router_stack_t *stack, const char *headers)
{
    ws_client_t *ann = ws_client_open (
        &(ws_options_t){ .name = "ann",
                         .port = stack_edge_port (stack, 1),
                         .target = "/?userId=ann",
                         .headers = headers });
    cr_assert (ann && ws_client_status (ann) == 101);
    ws_client_send_text (ann, "{\"event\":\"user joined\",\"sessionId\":\"s-1\","
                              "\"sender\":{\"displayName\":\"Ann\"}}");
    cr_assert (ws_json_true (ws_client_wait_event (ann, "connection update", 10000),
                             "data.sessionCreated"));
    return ann;
}

#define SHOP "{\"name\":\"Ann\",\"page\":\"https://shop.example/x\",\"language\":\"de\","  \
             "\"addressClass\":\"loopback\",\"agent\":\"Browser/1\"}"
#define HOME "{\"name\":\"Ann\",\"addressClass\":\"loopback\"}"

static void
s_is_told (person_t *agent, const char *info)
{
    json_object *visitor = ws_json_at (sees (agent, "user joined", "ann"), "data.visitor");
    const char *told = json_object_to_json_string_ext (
        visitor, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    cr_expect_str_eq (told, info, "%s", told);
}

//  Agents are shown what is known of a visitor, when it comes and in the API; and the visitor is
//  shown what is kept of itself. It is what the last page told.
Test (api, what_is_known_of_a_visitor)
{
    router_stack_t *stack = everything_starts (1, 2, 1);
    ws_client_t *ann = s_ann_joins (
        stack, "User-Agent: Browser/1\r\nAccept-Language: de\r\n"
               "Referer: https://shop.example/x?token=secret\r\n");
    person_t *carl = rich_agent_opens (stack, 1, "carl", "s-1");
    s_is_told (carl, SHOP);
    s_expect_info (stack, CARL, 0, SHOP);
    s_expect_info (stack, CARL, 1, "{}");
    s_expect_info (stack, ANN, 0, SHOP);
    s_expect_info (stack, ANN, 1, "{}");
    //  Should there be anything of others, it is not for visitors.
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE participant SET info = '{\"x\":1}', user_id = 'ann'"
                              " WHERE role = 2"));
    s_expect_info (stack, CARL, 1, "{\"x\":1}");
    s_expect_info (stack, ANN, 1, "{}");
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE participant SET info = '{}', user_id = 'carl'"
                              " WHERE role = 2"));

    ws_client_destroy (&ann);
    sees (carl, "user left", "ann");
    s_expect_info (stack, CARL, 0, SHOP);
    ann = s_ann_joins (stack, NULL);
    s_is_told (carl, HOME);
    s_expect_info (stack, CARL, 0, HOME);

    //  A widget's frames are as they were; and the log has nothing of it.
    person_t *otto = agent_opens (stack, 1, "otto", "s-1");
    json_object *joined = sees (otto, "user joined", "ann");
    cr_expect_null (ws_json_at (joined, "data"));
    char *count = postgres_query (stack_postgres (stack),
                                  "select count (*) from log where data like '%visitor%'");
    cr_expect_str_eq (count, "0");
    free (count);

    //  Whoever has the session next knows it from the database.
    for (unsigned number = 1; number <= 2; number++) {
        const char *name = number == 1 ? "postoffice-1" : "postoffice-2";
        stack_kill (stack, name);
        cr_assert (stack_start (stack, name));
        cr_assert (stack_wait_ready (stack, name));
    }
    person_t *wim = rich_agent_opens (stack, 1, "wim", "s-1");
    s_is_told (wim, HOME);
    ws_client_destroy (&ann);
    leaves (&carl);
    leaves (&otto);
    leaves (&wim);
    stack_destroy (&stack);
}

// ---------------------------------------------------------------------------------------------
//  Posts

//  The seq of the answer; 0: it is a problem, and its detail begins so.
static int64_t
s_post (router_stack_t *stack, unsigned edge, const char *query, const char *body, int status,
        const char *detail)
{
    char target[300];
    snprintf (target, sizeof target, "/api/v1/sessions/s-1/messages?%s", query);
    http_answer_t answer =
        http_request (stack_edge_port (stack, edge), "POST", target, NULL, body, strlen (body));
    cr_expect_eq (answer.status, status, "%.200s: %d\n%s", body, answer.status, answer.body);
    json_object *tree = json_tokener_parse (answer.body ? answer.body : "");
    cr_assert (tree, "%.200s: no JSON: %s", body, answer.body);
    int64_t seq = json_object_get_int64 (json_object_object_get (tree, "seq"));
    if (seq > 0)
        cr_expect_eq (strlen (s_text (tree, "time")), strlen ("2026-11-26T02:03:04.567Z"));
    else
        cr_expect_eq (strncmp (s_text (tree, "detail") ? s_text (tree, "detail") : "", detail,
                               strlen (detail)),
                      0, "%.200s: %s", body, answer.body);
    json_object_put (tree);
    http_answer_free (&answer);
    return seq;
}

#define BODY(id, text) "{\"messageId\":\"" id "\",\"text\":\"" text "\"}"

Test (api, messages_are_posted_by_whoever_may)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    s_post (stack, 1, ANN, BODY ("1", "too early"), 404, "");
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *carl = agent_opens (stack, 2, "carl", "s-1");
    sees (carl, "user joined", "ann");
    s_post (stack, 2, CARL, BODY ("1", "not yet"), 403, "somebody else answers this visitor");
    s_post (stack, 2, "userId=bob", BODY ("1", "not mine"), 404, "");

    //  Whoever is connected sees it, also the visitor's own page, and the bot is asked.
    int64_t seq = s_post (stack, 2, ANN, BODY ("1", "hello"), 201, "");
    hears (ann, "ann", "hello");
    hears (ann, "bot", "You said: hello");
    hears (carl, "ann", "hello");
    hears (carl, "bot", "You said: hello");
    cr_expect_eq (s_post (stack, 1, ANN, BODY ("1", "hello"), 200, ""), seq);
    cr_expect_eq (bot_asked (stack_bot (stack), "hello"), 1);

    barges_in (carl, "Carl");
    sees (ann, "user joined", "carl");
    cr_expect_gt (s_post (stack, 1, CARL, BODY ("1", "I am Carl"), 201, ""), seq);
    hears (ann, "carl", "I am Carl");
    hears (carl, "carl", "I am Carl");
    cr_expect_gt (s_post (stack, 1, ANN,
                          "{\"messageId\":\"2\",\"data\":{\"type\":\"INTENT_REQUEST\","
                          "\"rawQuery\":\"whole\",\"userId\":\"carl\"}}",
                          201, ""),
                  seq);
    json_object *heard = hears (carl, "ann", "whole");
    cr_expect_str_eq (ws_json_text (heard, "data.userId"), "ann");

    //  Who posts without a connection is neither here nor gone.
    leaves (&ann);
    sees (carl, "user left", "ann");
    s_post (stack, 1, ANN, BODY ("3", "from afar"), 201, "");
    hears (carl, "ann", "from afar");
    sees_no (carl, "user joined", 2500);
    sees_no (carl, "user left", 100);
    leaves (&carl);
    stack_destroy (&stack);
}

Test (api, bad_messages_are_refused_with_their_member)
{
    static char large[70000], text[9000];
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    static const struct {
        const char *body;
        const char *detail;
    } rows[] = {
        { "", "The body must have either text or data" },
        { "hello", "The body, at byte 0" },
        { "[]", "The body must be a JSON object" },
        { "{}", "The body must have either text or data" },
        { "{\"messageId\":\"1\"}", "The body must have either text or data" },
        { "{\"messageId\":\"1\",\"text\":7}", "text must be" },
        { "{\"messageId\":\"1\",\"data\":7}", "data must be" },
        { "{\"messageId\":\"1\",\"data\":{\"title\":7}}", "data.rawQuery" },
        { "{\"messageId\":\":answer:1\",\"text\":\"a\"}", "messageId must be" },
        { "{\"messageId\":\"1\",\"text\":\"a\",\"role\":\"agent\"}",
          "The body has a member that is not known: \"role\"" },
        { "{\"messageId\":\"1\",\"text\":\"a\"} x", "The body, at byte" },
        { "{\"messageId\":\"1\",\"text\":\"\xff\"}", "The body, at byte" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
        s_post (stack, 1, ANN, rows[at].body, 400, rows[at].detail);
    snprintf (text, sizeof text, "{\"messageId\":\"1\",\"text\":\"%08200d\"}", 7);
    s_post (stack, 1, ANN, text, 413, "The text must have at most 8192 bytes");
    memset (large, ' ', sizeof large - 1);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), "POST", "/api/v1/sessions/s-1/messages?" ANN,
                      NULL, large, sizeof large - 1);
    cr_expect_eq (answer.status, 413, "%d", answer.status);
    http_answer_free (&answer);
    says (ann, "still here");
    hears (ann, "bot", "You said: still here");
    leaves (&ann);
    stack_destroy (&stack);
}

//  Whatever becomes of the postoffice: said again with the same id until it is acknowledged, it is
//  there once.
Test (api, a_postoffice_is_killed_while_messages_are_posted)
{
    router_stack_t *stack = everything_starts (1, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    char body[100], name[32];
    for (int number = 1; number <= 20; number++) {
        snprintf (body, sizeof body, "{\"messageId\":\"%d\",\"text\":\"message %d.\"}", number,
                  number);
        snprintf (name, sizeof name, "postoffice-%d", number / 5 % 2 + 1);
        if (number % 5 == 0)
            stack_kill (stack, name);
        bool is_stored = false;
        uint64_t deadline = eventually_deadline (20000);
        while (!is_stored && clock_mono_ms () < deadline) {
            http_answer_t answer =
                http_request (stack_edge_port (stack, 1), "POST",
                              "/api/v1/sessions/s-1/messages?" ANN, NULL, body, strlen (body));
            is_stored = answer.status == 200 || answer.status == 201;
            cr_assert (is_stored || answer.status == 0 || answer.status >= 500, "%d: %s",
                       answer.status, answer.body);
            http_answer_free (&answer);
        }
        cr_assert (is_stored, "no answer but 5xx in 20 s");
        if (number % 5 == 0)
            cr_assert (stack_start (stack, name));
    }
    char *count = postgres_query (
        stack_postgres (stack), "select count (*) || ' ' || count (distinct message_id) from log"
                                " where role = 1 and event = 3");
    cr_expect_str_eq (count, "20 20");
    free (count);
    for (int number = 1; number <= 20; number++) {
        snprintf (body, sizeof body, "You said: message %d.", number);
        hears_at_last (ann, "bot", body);
    }
    leaves (&ann);
    stack_destroy (&stack);
}

//  An edge that has only just lost its postoffices, or not found them again, says 503 and when to
//  ask again.
static void
s_is_read_soon (router_stack_t *stack)
{
    bool is_read = false;
    uint64_t deadline = eventually_deadline (10000);
    while (!is_read && clock_mono_ms () < deadline) {
        http_answer_t answer =
            http_get (stack_edge_port (stack, 1), "/api/v1/sessions/s-1?userId=ann", NULL);
        is_read = answer.status == 200;
        cr_assert (is_read || (answer.status == 503 && strstr (answer.headers, "retry-after")),
                   "%d: %s", answer.status, answer.body);
        http_answer_free (&answer);
    }
    cr_assert (is_read, "no answer but 503 in 10 s");
}

Test (api, a_killed_postoffice_and_a_database_that_is_away)
{
    router_stack_t *stack = everything_starts (1, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");

    //  Whichever postoffice has it: the other one answers, at once or after the edge has noticed.
    stack_kill (stack, "postoffice-1");
    s_is_read_soon (stack);
    cr_assert (stack_start (stack, "postoffice-1"));
    stack_kill (stack, "postoffice-2");
    s_is_read_soon (stack);

    cr_assert (postgres_stop (stack_postgres (stack)));
    s_is_refused (stack, "s-1", "userId=ann", 503);
    cr_assert (postgres_start (stack_postgres (stack)));
    cr_assert (stack_wait_ready (stack, "postoffice-1"));
    cr_assert (stack_wait_ready (stack, "edge-1"));
    s_is_read_soon (stack);

    leaves (&ann);
    stack_destroy (&stack);
}

// ---------------------------------------------------------------------------------------------
//  The log, in pages

//  The seqs of a page, "1 2 3", and its cursors; the caller frees all of them.
typedef struct {
    char seqs[200];
    char *next, *prev;
} seqs_t;

static seqs_t
s_page (router_stack_t *stack, const char *query)
{
    seqs_t self = { .seqs = "" };
    json_object *page = s_get (stack, 1, "s-1/messages", query, 200);
    json_object *items = json_object_object_get (page, "items");
    for (size_t at = 0; at < json_object_array_length (items); at++) {
        size_t size = strlen (self.seqs);
        snprintf (self.seqs + size, sizeof self.seqs - size, "%s%s", at > 0 ? " " : "",
                  s_text (json_object_array_get_idx (items, at), "seq"));
    }
    const char *next = s_text (page, "next"), *prev = s_text (page, "prev");
    self.next = next ? strdup (next) : NULL;
    self.prev = prev ? strdup (prev) : NULL;
    json_object_put (page);
    return self;
}

static void
s_has_seqs (router_stack_t *stack, const char *query, const char *seqs)
{
    seqs_t page = s_page (stack, query);
    cr_expect_str_eq (page.seqs, seqs, "%s: %s", query, page.seqs);
    free (page.next);
    free (page.prev);
}

//  Follows the cursors to the end; all seqs, with a bar between pages.
static void
s_follows (router_stack_t *stack, const char *query, bool back, const char *expected)
{
    char all[400] = "", *cursor = NULL;
    for (unsigned pages = 0; pages < 20; pages++) {
        char with[5000];
        snprintf (with, sizeof with, "%s%s%s", query, cursor ? "&cursor=" : "",
                  cursor ? cursor : "");
        seqs_t page = s_page (stack, with);
        size_t size = strlen (all);
        snprintf (all + size, sizeof all - size, "%s%s", pages > 0 ? " | " : "", page.seqs);
        free (cursor);
        cursor = back && pages > 0 ? page.prev : page.next;
        free (back && pages > 0 ? page.next : page.prev);
        if (!cursor)
            break;
    }
    free (cursor);
    cr_expect_str_eq (all, expected, "%s: %s", query, all);
}

Test (api, a_log_is_read_in_pages)
{
    router_stack_t *stack = everything_starts (1, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    for (unsigned at = 0; at < 4; at++) {
        says (ann, "hello");
        hears (ann, "bot", "You said: hello");
    }
    //  1 is that she came, which agents see.
    s_has_seqs (stack, ANN, "2 3 4 5 6 7 8 9");
    s_has_seqs (stack, CARL, "1 2 3 4 5 6 7 8 9");
    s_has_seqs (stack, CARL "&order=desc&limit=3", "9 8 7");
    s_has_seqs (stack, CARL "&after=3&before=6", "4 5");
    s_has_seqs (stack, CARL "&around=6&limit=3", "5 6 7");
    s_has_seqs (stack, CARL "&around=6&limit=3&order=desc", "7 6 5");
    s_has_seqs (stack, CARL "&around=1&limit=3", "1 2 3");
    s_has_seqs (stack, CARL "&after=9", "");
    s_follows (stack, CARL "&limit=4", false, "1 2 3 4 | 5 6 7 8 | 9");
    s_follows (stack, ANN "&limit=3&order=desc", false, "9 8 7 | 6 5 4 | 3 2");
    s_follows (stack, CARL "&limit=2&after=2&before=8", false, "3 4 | 5 6 | 7");
    s_follows (stack, CARL "&limit=2&around=6", true, "5 6 | 7 8 | 5 6 | 3 4 | 1 2");
    json_object *page = s_get (stack, 1, "s-1/messages", CARL "&limit=2", 200);
    json_object *said = json_object_array_get_idx (json_object_object_get (page, "items"), 1);
    cr_expect_str_eq (s_text (said, "event"), "new message");
    cr_expect_str_eq (s_text (said, "role"), "visitor");
    cr_expect_str_eq (s_text (json_object_object_get (said, "data"), "rawQuery"), "hello");
    json_object_put (page);

    s_is_refused (stack, "s-1/messages", "userId=bob", 404);
    s_is_refused (stack, "s-1/messages", ANN "&limit=201", 400);
    s_is_refused (stack, "s-1/messages", ANN "&order=up", 400);
    s_is_refused (stack, "s-1/messages", ANN "&sort=asc", 400);
    s_is_refused (stack, "s-1/messages", ANN "&limit=1&limit=2", 400);
    s_is_refused (stack, "s-1/messages", ANN "&cursor=e30", 400);
    leaves (&ann);
    stack_destroy (&stack);
}

// ---------------------------------------------------------------------------------------------
//  The log as one text

//  The caller frees it.
static char *
s_transcript (router_stack_t *stack, const char *query, int status)
{
    char target[300];
    snprintf (target, sizeof target, "/api/v1/sessions/s-1/transcript?%s", query);
    http_answer_t answer = http_get (stack_edge_port (stack, 1), target, NULL);
    cr_assert_eq (answer.status, status, "%s: %d\n%s", target, answer.status, answer.body);
    char *text = strdup (answer.body);
    http_answer_free (&answer);
    return text;
}

//  Lines of JSON, with the seqs 1, 2, 3 …; returns how many.
static size_t
s_is_whole (char *text)
{
    size_t lines = 0;
    char *rest = text;
    for (char *line; (line = strsep (&rest, "\n")) && *line; lines++) {
        json_object *entry = json_tokener_parse (line);
        cr_assert (entry, "%s", line);
        int64_t seq = json_object_get_int64 (json_object_object_get (entry, "seq"));
        cr_assert_eq (seq, (int64_t) lines + 1);
        cr_assert (s_text (entry, "time") && s_text (entry, "messageId"));
        json_object_put (entry);
    }
    return lines;
}

Test (api, a_transcript_is_whole_however_long)
{
    router_stack_t *stack = everything_starts (1, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "hello");
    hears (ann, "bot", "You said: hello");
    leaves (&ann);
    char *text = s_transcript (stack, CARL, 200);
    cr_expect_eq (s_is_whole (text), 3);
    free (text);

    //  Larger than a record of the bus, and more entries than a piece has.
    cr_assert (postgres_exec (
        stack_postgres (stack),
        "INSERT INTO log (session, day, seq, message_id, event, time_ms, writer, role, user_id,"
        " sender, data, hidden) SELECT s.session, s.day, n, 'm' || n, 3, 1787533323004 + n, 1, 1,"
        " 'ann', '{}', json_build_object ('rawQuery', repeat ('x', 3000)), false"
        " FROM session s, generate_series (4, 3000) AS n"));
    text = s_transcript (stack, CARL, 200);
    size_t lines = s_is_whole (text);
    cr_expect_geq (lines, 3000, "%zu lines", lines); //  she has left meanwhile, perhaps
    free (text);

    text = s_transcript (stack, "userId=bob", 404);
    free (text);
    text = s_transcript (stack, CARL "&format=text&zone=Middle/Earth", 400);
    cr_expect (strstr (text, "Europe/Zurich"));
    free (text);
    text = s_transcript (stack, CARL "&zone=UTC", 400);
    free (text);
    stack_destroy (&stack);
}

Test (api, a_transcript_for_people)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "hello");
    hears (ann, "bot", "You said: hello");
    leaves (&ann);
    //  What a text of PostgreSQL's cannot have, and what a terminal should not be told.
    cr_assert (postgres_exec (
        stack_postgres (stack),
        "INSERT INTO log (session, day, seq, message_id, event, time_ms, writer, role, user_id,"
        " sender, data, hidden) SELECT s.session, s.day, 4, 'odd', 3, 1787533323004, 1, 1, 'ann',"
        " '{}', '{\"rawQuery\":\"a\\u0000b\\\\u0000\\r\\u001b[31m\\u202e\\nc\"}',"
        " false FROM session s"));
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE log SET stored_at = timestamptz '2026-07-01 22:59:00+00'"
                              " + seq * interval '1 minute'"));
    char *text = s_transcript (stack, CARL "&format=text&zone=Europe/Zurich", 200);
    cr_expect_str_eq (text, "# times are of Europe/Zurich\n"
                            "2026-07-02 01:00:00  * user joined: Visitor (visitor ann) *\n"
                            "2026-07-02 01:01:00  Visitor (visitor ann): hello\n"
                            "2026-07-02 01:02:00  Bot (bot): You said: hello\n"
                            "2026-07-02 01:03:00  ann (visitor ann): a b\\u0000  [31m \n    c\n",
                      "%s", text);
    free (text);
    text = s_transcript (stack, ANN "&format=text", 200);
    cr_expect_str_eq (text, "# times are of UTC\n"
                            "2026-07-01 23:01:00  Visitor (visitor ann): hello\n"
                            "2026-07-01 23:02:00  Bot (bot): You said: hello\n"
                            "2026-07-01 23:03:00  ann (visitor ann): a b\\u0000  [31m \n    c\n",
                      "%s", text);
    free (text);
    stack_destroy (&stack);
}

// ---------------------------------------------------------------------------------------------
//  Who is connected

static size_t
s_connections (router_stack_t *stack, const char *query)
{
    json_object *page = s_get (stack, 1, "s-1/endpoints", query, 200);
    json_object *items = json_object_object_get (page, "items");
    size_t count = json_object_array_length (items);
    for (size_t at = 0; at < count; at++)
        cr_expect (s_text (json_object_array_get_idx (items, at), "connectionId"));
    json_object_put (page);
    return count;
}

Test (api, who_is_connected)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *carl = agent_opens (stack, 2, "carl", "s-1");
    cr_expect_eq (s_connections (stack, CARL), 2);
    cr_expect_eq (s_connections (stack, ANN), 1);
    s_is_refused (stack, "s-1/endpoints", "userId=bob", 404);
    s_is_refused (stack, "s-2/endpoints", ANN, 404);
    leaves (&carl);
    EVENTUALLY (10000, s_connections (stack, CARL) == 1);
    leaves (&ann);
    EVENTUALLY (10000, s_connections (stack, CARL) == 0);
    s_is_refused (stack, "s-1/endpoints", "userId=bob", 404);
    stack_destroy (&stack);
}
