//  after_pass — an agent passes its visitor on in an app in which it is out then: its connections
//  to both edges hear no more, are told, and come in again only when it means to; with postoffices
//  that are killed before, in between and behind.

#include "chat.h"
#include "desk.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ACCEPT                                                                                   \
    "SELECT count (*) FROM log WHERE session = 'demo/s1' AND event = 4 AND user_id = 'bob'"

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    return strcmp (desk_sql (stack, sql), value) == 0;
}

//  The last update says why; those before said that it was let in.
static void
s_is_told_out (person_t *anna)
{
    const char *code;
    do
        code = ws_json_text (sees (anna, "connection update", NULL), "data.code");
    while (!code || strcmp (code, "passed_on") != 0);
}

static int64_t s_has; //  what the page has of the log

static void
s_resumes (person_t *anna, const char *join)
{
    ws_client_send_format (client_of (anna), "{\"event\":\"resume\",\"sessionId\":\"s1\","
                                             "\"lastSeq\":%lld%s}",
                           (long long) s_has, join);
}

static void
s_restart (router_stack_t *stack, const char *name)
{
    stack_kill (stack, name);
    cr_assert (stack_start (stack, name));
}

Test (after_pass, out_and_in_again_while_postoffices_die, .timeout = 280)
{
    router_stack_t *stack = desk_begins ("\"afterPass\":\"out\",\"offerSeconds\":60",
                                         &(stack_plan_t){ .edges = 2, .postoffices = 2 });
    person_t *vic = rich_visitor_opens (stack, 1, "vic", "s1");
    says (vic, "hello?");
    person_t *page = rich_agent_opens (stack, 1, "anna", "s1");
    person_t *widget = agent_opens (stack, 2, "anna", "s1");
    person_t *bob = rich_agent_opens (stack, 2, "bob", "s1");
    s_has = ws_json_number (hears (page, "vic", "hello?"), "seq");
    hears (widget, "vic", "hello?");
    hears (bob, "vic", "hello?");
    barges_in (widget, "Anna");
    sees (page, "user joined", "anna");
    desk_agent (stack, "bob", "available", 2, "sales");
    cr_assert_eq (desk_asks (stack, "POST sessions/s1/offer",
                             "{\"to\":[\"agent:bob\"],"
                             "\"as\":{\"kind\":\"agent\",\"userId\":\"anna\"}}"),
                  200);
    DESK_OFFERED (stack, "s1", "bob");
    stack_kill (stack, "postoffice-1");
    EVENTUALLY (30000, desk_acts (stack, "s1", "bob", "accept") == 200
                           || s_is (stack, ACCEPT, "1"));
    stack_kill (stack, "postoffice-2");
    cr_assert (stack_start (stack, "postoffice-1") && stack_start (stack, "postoffice-2"));

    //  All that anna had is told, and hears nothing of what is said behind it.
    sees (widget, "user left", "anna");
    s_is_told_out (page);
    EVENTUALLY (20000, s_is (stack, "SELECT (NOT present AND is_out)::text FROM participant WHERE"
                                    " session = 'demo/s1' AND user_id = 'anna'", "true"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE session = 'demo/s1' AND event = 2 AND"
                            " user_id = 'anna' AND data LIKE '%passed%'", "1"));
    says (vic, "who is there?");
    hears (bob, "vic", "who is there?");
    hears_nothing (page, 300);
    hears_nothing (widget, 300);

    //  What brings a connection back does not bring it in, whichever postoffice is asked.
    s_restart (stack, "postoffice-1");
    s_resumes (page, "");
    s_is_told_out (page);
    s_restart (stack, "postoffice-2");
    s_resumes (page, "");
    s_is_told_out (page);

    //  It comes in again, on purpose: by joining, and by taking.
    s_resumes (page, ",\"join\":true");
    json_object *update = sees (page, "connection update", NULL);
    cr_assert (ws_json_true (update, "data.sessionCreated"));
    hears (page, "vic", "who is there?");
    may_be_told_again (widget); //  what it was not known to have when it was put out
    does (widget, "barge in");
    sees (bob, "user left", "bob");
    says (vic, "hello again");
    hears_at_last (widget, "vic", "hello again");

    //  Bob decides by what he saw before: he is told who was faster, and nothing changes.
    ws_client_send_format (client_of (bob), "{\"event\":\"barge in\",\"sessionId\":\"s1\","
                                            "\"messageId\":\"late\",\"version\":1}");
    json_object *late = sees (bob, "error", NULL);
    cr_expect_str_eq (ws_json_text (late, "data.code"), "precondition");
    cr_expect_str_eq (ws_json_text (late, "data.messageId"), "late");
    cr_expect_str_eq (ws_json_text (late, "data.control.userId"), "anna");
    cr_expect_neq (ws_json_text (late, "data.control.since"), NULL);
    says (vic, "still there?");
    hears (widget, "vic", "still there?");
    leaves (&vic);
    leaves (&bob);
    leaves (&page);
    leaves (&widget);
    desk_ends (&stack);
}
