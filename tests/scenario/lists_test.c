//  lists — sessions and people in pages, and the search, the whole way: edge, postoffice, database.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANN "userId=ann"
#define BOB "userId=bob"
#define CARL "userId=carl&isAdmin=true"

//  The answer's body, given back with json_object_put.
static json_object *
s_get (router_stack_t *stack, unsigned edge, const char *path, const char *query, int status)
{
    char target[6000];
    snprintf (target, sizeof target, "/api/v1/%s?%s", path, query);
    http_answer_t answer = http_get (stack_edge_port (stack, edge), target, NULL);
    cr_expect_eq (answer.status, status, "%s: %d\n%s", target, answer.status, answer.body);
    json_object *body = json_tokener_parse (answer.body ? answer.body : "");
    cr_assert (body, "%s: no JSON: %s", target, answer.body);
    http_answer_free (&answer);
    return body;
}

static const char *
s_text (json_object *object, const char *name)
{
    return json_object_get_string (json_object_object_get (object, name));
}

//  A member, or two of them, of each item: "s-1 s-2", "s-1/2 s-1/3".
static const char *
s_items (json_object *page, const char *name, const char *second)
{
    static char all[1000];
    json_object *items = json_object_object_get (page, "items");
    cr_assert (json_object_is_type (items, json_type_array));
    all[0] = 0;
    for (size_t at = 0; at < json_object_array_length (items); at++) {
        json_object *item = json_object_array_get_idx (items, at);
        size_t size = strlen (all);
        snprintf (all + size, sizeof all - size, "%s%s%s%s", at > 0 ? " " : "",
                  s_text (item, name), second ? "/" : "", second ? s_text (item, second) : "");
    }
    return all;
}

static bool
s_has (router_stack_t *stack, const char *path, const char *query, const char *second,
       const char *expected)
{
    json_object *page = s_get (stack, 1, path, query, 200);
    bool is_so = strcmp (s_items (page, "sessionId", second), expected) == 0;
    json_object_put (page);
    return is_so;
}

static void
s_expect (router_stack_t *stack, const char *path, const char *query, const char *second,
          const char *expected)
{
    json_object *page = s_get (stack, 1, path, query, 200);
    cr_expect_str_eq (s_items (page, "sessionId", second), expected, "%s?%s", path, query);
    json_object_put (page);
}

static void
s_is_refused (router_stack_t *stack, const char *path, const char *query, const char *detail)
{
    json_object *problem = s_get (stack, 1, path, query, 400);
    const char *said = s_text (problem, "detail");
    cr_expect (said && strstr (said, detail), "%s?%s: %s", path, query, said);
    json_object_put (problem);
}

//  Two visitors who have said something, one after the other.
static router_stack_t *
s_two_sessions (person_t **ann, person_t **bob)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (*ann, "Opening hours in Zürich?");
    hears (*ann, "bot", "You said: Opening hours in Zürich?");
    *bob = visitor_opens (stack, 2, "bob", "s-2");
    says (*bob, "hello");
    hears (*bob, "bot", "You said: hello");
    return stack;
}

Test (lists, sessions_are_seen_by_whoever_may)
{
    person_t *ann, *bob;
    router_stack_t *stack = s_two_sessions (&ann, &bob);
    s_expect (stack, "sessions", CARL "&sort=createdAt", NULL, "s-2 s-1");
    s_expect (stack, "sessions", CARL "&sort=createdAt&order=asc", NULL, "s-1 s-2");
    s_expect (stack, "sessions", CARL "&visitor=ann&state=open&control=bot", NULL, "s-1");
    s_expect (stack, "sessions", CARL "&state=closed", NULL, "");
    s_expect (stack, "sessions", CARL "&createdAfter=2099-01-01T00:00:00Z", NULL, "");
    s_expect (stack, "sessions", ANN, NULL, "s-1");
    s_expect (stack, "sessions", ANN "&visitor=bob", NULL, "");
    s_expect (stack, "sessions", "userId=eve", NULL, "");
    s_expect (stack, "participants", CARL "&present=true", "userId", "s-1/ann s-2/bob");
    s_expect (stack, "participants", CARL "&session=s-2", "userId", "s-2/bob");
    s_expect (stack, "participants", CARL "&user=ann&role=agent", "userId", "");
    s_expect (stack, "participants", BOB, "userId", "s-2/bob");
    s_expect (stack, "participants", BOB "&session=s-1", "userId", "");

    //  A row says what the session says.
    json_object *page = s_get (stack, 2, "sessions", ANN, 200);
    json_object *row = json_object_array_get_idx (json_object_object_get (page, "items"), 0);
    json_object *session = s_get (stack, 2, "sessions/s-1", ANN, 200);
    static const char *const same[] = { "sessionId", "appId",  "visitor", "createdAt",
                                        "state",     "lastAt", "lastSeq", "lastActivity",
                                        "control",   "closedAt" };
    for (size_t at = 0; at < sizeof same / sizeof *same; at++)
        cr_expect (json_object_equal (json_object_object_get (row, same[at]),
                                      json_object_object_get (session, same[at])),
                   "%s", same[at]);
    cr_expect_eq (json_object_get_int (json_object_object_get (row, "presentCount")), 1);
    cr_expect (!json_object_get_boolean (json_object_object_get (row, "waiting")));
    json_object_put (session);
    json_object_put (page);
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

Test (lists, cursors_belong_to_their_list)
{
    person_t *ann, *bob;
    router_stack_t *stack = s_two_sessions (&ann, &bob);
    json_object *page = s_get (stack, 1, "sessions", CARL "&sort=createdAt&limit=1", 200);
    cr_expect_str_eq (s_items (page, "sessionId", NULL), "s-2");
    cr_expect_null (s_text (page, "prev"));
    char query[5000];
    snprintf (query, sizeof query, CARL "&limit=1&cursor=%s", s_text (page, "next"));
    json_object *next = s_get (stack, 2, "sessions", query, 200);
    cr_expect_str_eq (s_items (next, "sessionId", NULL), "s-1");
    cr_expect_null (s_text (next, "next"));
    s_is_refused (stack, "participants", query, "cursor");
    s_is_refused (stack, "search", query, "cursor");
    snprintf (query, sizeof query, CARL "&sort=lastActivity&cursor=%s", s_text (page, "next"));
    s_is_refused (stack, "sessions", query, "another filter or order");
    snprintf (query, sizeof query, CARL "&cursor=%s", s_text (next, "prev"));
    s_expect (stack, "sessions", query, NULL, "s-2");
    //  Who has another one's cursor sees with it what is its own.
    snprintf (query, sizeof query, ANN "&cursor=%s", s_text (page, "next"));
    s_expect (stack, "sessions", query, NULL, "s-1");
    snprintf (query, sizeof query, BOB "&cursor=%s", s_text (page, "next"));
    s_expect (stack, "sessions", query, NULL, "");
    json_object_put (next);
    json_object_put (page);

    //  Positions that no list has had: ["abc","x"]; a number of 30 digits; a role that is none.
    s_is_refused (stack, "sessions",
                  CARL "&cursor=eyJvIjozLCJmIjp7fSwiYiI6ZmFsc2UsInAiOlsiYWJjIiwieCJdfQ", "cursor");
    s_is_refused (stack, "search",
                  CARL "&cursor=eyJvIjoxMiwiZiI6eyJxIjoiYSJ9LCJiIjpmYWxzZSwicCI6WyI5OTk5OTk5OTk5OTk"
                       "5OTk5OTk5OTk5OTk5OTk5OTkiXX0",
                  "cursor");
    s_is_refused (stack, "participants",
                  CARL "&cursor=eyJvIjoyNCwiZiI6e30sImIiOmZhbHNlLCJwIjpbImRlbW8vcy0xIiwieCIsImFubi"
                       "JdfQ",
                  "cursor");
    s_is_refused (stack, "sessions", CARL "&state=ajar", "state");
    s_is_refused (stack, "sessions", CARL "&activeAfter=yesterday", "activeAfter");
    s_is_refused (stack, "search", CARL, "q ");
    s_is_refused (stack, "participants", CARL "&present=maybe", "present");
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

Test (lists, what_is_said_is_found_and_opened)
{
    person_t *ann, *bob;
    router_stack_t *stack = s_two_sessions (&ann, &bob);
    EVENTUALLY (20000, s_has (stack, "search", CARL "&q=zurich%20OPEN", "seq", "s-1/3 s-1/2"));
    EVENTUALLY (20000, s_has (stack, "search", CARL "&q=hello", "seq", "s-2/3 s-2/2"));
    s_expect (stack, "search", CARL "&q=bob", "kind", "s-2/visitor");
    s_expect (stack, "search", CARL "&q=s-1", "kind", "s-1/visitor");
    s_expect (stack, "search", CARL "&q=hello&session=s-1", "kind", "");
    s_expect (stack, "search", ANN "&q=zurich", "seq", "s-1/3 s-1/2");
    s_expect (stack, "search", ANN "&q=hello", "seq", "");
    s_expect (stack, "search", BOB "&q=zurich", "seq", "");
    s_expect (stack, "search", CARL "&q=%27%29%20--%20%26%7C%21%3A%2A", "seq", "");

    //  It opens at the hit.
    json_object *page = s_get (stack, 1, "search", CARL "&q=zurich&limit=1", 200);
    json_object *hit = json_object_array_get_idx (json_object_object_get (page, "items"), 0);
    char query[5000];
    snprintf (query, sizeof query, CARL "&limit=1&around=%s", s_text (hit, "seq"));
    json_object *messages = s_get (stack, 1, "sessions/s-1/messages", query, 200);
    cr_expect_str_eq (s_items (messages, "seq", NULL), s_text (hit, "seq"));
    json_object_put (messages);
    snprintf (query, sizeof query, CARL "&cursor=%s", s_text (page, "next"));
    s_expect (stack, "search", query, "seq", "s-1/2");
    json_object_put (page);
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

//  Nothing is filled then, and who asks is told so.
Test (lists, the_search_can_be_switched_off)
{
    static const char *const settings[] = { "SEARCH_SHARE=0", NULL };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .settings = settings });
    cr_assert (stack);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    s_expect (stack, "sessions", CARL, NULL, "s-1");
    json_object *problem = s_get (stack, 1, "search", CARL "&q=ann", 501);
    cr_expect_str_eq (s_text (problem, "type"), "urn:stentor:problem:search-off");
    json_object_put (problem);
    //  Nobody has the lock of who fills it.
    char *locks = postgres_query (stack_postgres (stack), "SELECT count (*) FROM pg_locks WHERE"
                                                          " locktype = 'advisory' AND objid = 5");
    cr_expect_str_eq (locks, "0");
    free (locks);
    leaves (&ann);
    stack_destroy (&stack);
}
