//  company — who is told, and how soon, that somebody's connection is dead: cables that go silent,
//  edges and postoffices that are killed. With the settings that everybody has.

#include "eventually.h"
#include "fault_proxy.h"
#include "http_get.h"
#include "ports.h"
#include "stack.h"
#include "ws_client.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

//  What is promised.
#define SOON_MS 10000

static router_stack_t *s_stack;

static void
s_begin (unsigned postoffices)
{
    //  As everybody has it; other tests have more patience (stack.c).
    static const char *const settings[] = { "EDGE_LIVE_PONG_WITHIN=5s", NULL };
    s_stack = stack_new (&(stack_plan_t){ .edges = 2,
                                          .postoffices = postoffices,
                                          .settings = settings });
    cr_assert (s_stack, "the stack does not start");
}

static ws_client_t *
s_opens (const char *name, bool is_agent, uint16_t port)
{
    char target[200];
    snprintf (target, sizeof target, "/?userId=%s&isAdmin=%s&protocol=2", name,
              is_agent ? "true" : "false");
    ws_client_t *client = ws_client_connect (name, port, target);
    cr_assert (client, "%s cannot connect", name);
    cr_assert (ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}"));
    cr_assert (ws_client_wait_event (client, "connection update", 10000));
    return client;
}

static void
s_says (ws_client_t *client, const char *id)
{
    cr_assert (ws_client_send_format (
        client,
        "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"messageId\":\"%s\","
        "\"data\":{\"rawQuery\":\"hello\"}}",
        id));
    cr_assert (ws_client_wait_event (client, "ack", 10000));
}

static void
s_does (ws_client_t *client, const char *event, const char *rest)
{
    cr_assert (ws_client_send_format (client, "{\"event\":\"%s\",\"sessionId\":\"s-1\"%s}", event,
                                      rest));
}

//  Waits until the client is told that this one is connected, or is not. In how many milliseconds.
static uint64_t
s_learns (ws_client_t *client, const char *user, bool is_connected)
{
    uint64_t began = clock_mono_ms (), passed = 0;
    for (bool is_so = false; !is_so; passed = clock_mono_ms () - began) {
        uint64_t left = passed < 2 * SOON_MS ? 2 * SOON_MS - passed : 1;
        json_object *frame =
            ws_client_wait_where (client, "presence", "data.userId", user, left);
        cr_assert (frame, "is not told of %s", user);
        json_object *data = json_object_object_get (frame, "data");
        is_so = json_object_get_boolean (json_object_object_get (data, "connected"))
                == is_connected;
    }
    return passed;
}

//  What the API says of a participant, at this edge: "connected readSeq".
static void
s_look (unsigned edge, const char *user, char said[40])
{
    http_answer_t answer =
        http_get (stack_edge_port (s_stack, edge),
                  "/api/v1/sessions/s-1?userId=carl&isAdmin=true", NULL);
    json_object *session = answer.status == 200 ? json_tokener_parse (answer.body) : NULL;
    json_object *all = json_object_object_get (session, "participants");
    strcpy (said, "none");
    for (size_t at = 0; all && at < json_object_array_length (all); at++) {
        json_object *one = json_object_array_get_idx (all, at);
        if (strcmp (json_object_get_string (json_object_object_get (one, "userId")), user) == 0)
            snprintf (said, 40, "%s %d",
                      json_object_get_boolean (json_object_object_get (one, "connected")) ? "yes"
                                                                                          : "no",
                      json_object_get_int (json_object_object_get (one, "readSeq")));
    }
    json_object_put (session);
    http_answer_free (&answer);
}

static bool
s_is (unsigned edge, const char *user, const char *expected)
{
    char said[40];
    s_look (edge, user, said);
    return strcmp (said, expected) == 0;
}

//  A cable of which both ends stand, and nothing comes through: no end, no reset.
Test (company, cables_go_silent, .timeout = 120)
{
    s_begin (1);
    fault_proxy_t *proxy = fault_proxy_new ();
    uint16_t port = ports_free ();
    int cable = fault_proxy_lay (proxy, "127.0.0.1", port, stack_edge_port (s_stack, 2));
    cr_assert_geq (cable, 0);
    ws_client_t *ann = s_opens ("ann", false, port);
    ws_client_t *anna = s_opens ("anna", true, port);
    ws_client_t *otto = s_opens ("otto", true, stack_edge_port (s_stack, 1));
    s_says (ann, "a-1");
    (void) s_learns (otto, "ann", true);
    fault_proxy_set (proxy, cable, &(cable_state_t){ .manner = CABLE_SILENT });
    //  Both were heard last within a moment of each other.
    uint64_t passed = s_learns (otto, "ann", false);
    fprintf (stderr, "a visitor's silent cable was noticed after %u ms\n", (unsigned) passed);
    cr_expect_leq (passed, SOON_MS);
    EVENTUALLY (SOON_MS - passed, s_is (1, "anna", "no 0") && s_is (1, "ann", "no 0"));
    cr_expect (s_is (1, "otto", "yes 0"));
    ws_client_t *clients[] = { ann, anna, otto };
    for (size_t at = 0; at < 3; at++)
        ws_client_destroy (&clients[at]);
    fault_proxy_destroy (&proxy);
    stack_destroy (&s_stack);
}

Test (company, an_edge_is_killed, .timeout = 120)
{
    s_begin (2);
    ws_client_t *ann = s_opens ("ann", false, stack_edge_port (s_stack, 2));
    ws_client_t *anna = s_opens ("anna", true, stack_edge_port (s_stack, 1));
    (void) s_learns (anna, "ann", true);
    stack_kill (s_stack, "edge-2");
    cr_expect_leq (s_learns (anna, "ann", false), SOON_MS);
    cr_expect (s_is (1, "ann", "no 0") && s_is (1, "anna", "yes 0"));
    ws_client_destroy (&ann);
    ann = s_opens ("ann", false, stack_edge_port (s_stack, 1));
    cr_expect_leq (s_learns (anna, "ann", true), SOON_MS);
    ws_client_destroy (&ann);
    ws_client_destroy (&anna);
    stack_destroy (&s_stack);
}

//  The visitor's edge and the session's postoffice at once: nobody is left who knows. What the
//  agent has read, its edge says again.
Test (company, an_edge_and_a_postoffice_are_killed, .timeout = 120)
{
    s_begin (2);
    ws_client_t *ann = s_opens ("ann", false, stack_edge_port (s_stack, 2));
    ws_client_t *anna = s_opens ("anna", true, stack_edge_port (s_stack, 1));
    (void) s_learns (anna, "ann", true);
    s_says (ann, "a-1");
    cr_assert (ws_client_wait_event (anna, "new message", 10000));
    s_does (anna, "read", ",\"seq\":3");
    EVENTUALLY (5000, s_is (1, "anna", "yes 3"));
    bool is_first = stack_metric (s_stack, "postoffice-1", "stentor_postoffice_endpoints") > 0;
    stack_kill (s_stack, is_first ? "postoffice-1" : "postoffice-2");
    stack_kill (s_stack, "edge-2");
    cr_expect_leq (s_learns (anna, "ann", false), SOON_MS);
    EVENTUALLY (2000, s_is (1, "ann", "no 0") && s_is (1, "anna", "yes 3"));
    ws_client_destroy (&ann);
    ws_client_destroy (&anna);
    stack_destroy (&s_stack);
}

//  The visitor stays: another postoffice of its session is no absence.
Test (company, a_postoffice_is_killed, .timeout = 120)
{
    s_begin (2);
    ws_client_t *ann = s_opens ("ann", false, stack_edge_port (s_stack, 2));
    ws_client_t *anna = s_opens ("anna", true, stack_edge_port (s_stack, 1));
    (void) s_learns (anna, "ann", true);
    bool is_first = stack_metric (s_stack, "postoffice-1", "stentor_postoffice_endpoints") > 0;
    stack_kill (s_stack, is_first ? "postoffice-1" : "postoffice-2");
    (void) s_learns (anna, "ann", true);
    cr_expect (ws_client_expect_no (anna, "presence", 5000));
    EVENTUALLY (2000, s_is (1, "ann", "yes 0") && s_is (1, "anna", "yes 0"));
    ws_client_destroy (&ann);
    ws_client_destroy (&anna);
    stack_destroy (&s_stack);
}
