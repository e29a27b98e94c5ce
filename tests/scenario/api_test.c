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

    json_object *session = s_get (stack, 1, "s-1", "userId=ann", 200);
    cr_expect_str_eq (s_text (session, "sessionId"), "s-1");
    cr_expect_str_eq (s_text (session, "appId"), "demo");
    cr_expect_str_eq (s_text (session, "visitor"), "ann");
    cr_expect_eq (json_object_get_int (json_object_object_get (session, "lastSeq")), 3);
    cr_expect_eq (strlen (s_text (session, "lastAt")), strlen ("2026-11-26T02:03:04.567Z"));
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
