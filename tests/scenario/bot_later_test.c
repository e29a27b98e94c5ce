//  bot_later — a bot that says 202 and answers later, at the address that it was given: the whole
//  way, with all that can go wrong about it.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY "0123456789abcdef0123456789abcdef"
#define SAID(text) "{\"outputSpeech\":{\"displayText\":\"" text "\"}}"

//  The bot answers with 202 within `timeout`, and then with words within `later`. An address of
//  ours is good for both together.
static router_stack_t *
s_start_with (unsigned connectors, const char *timeout, const char *later)
{
    char timeout_setting[60], later_setting[60];
    snprintf (timeout_setting, sizeof timeout_setting, "BOT_TIMEOUT=%s", timeout);
    snprintf (later_setting, sizeof later_setting, "BOT_LATER_WITHIN=%s", later);
    const char *const settings[] = { "SESSION_GRACE=2s",
                                     "BOT_ANSWER_KEY=" KEY,
                                     "BOT_ANSWER_URL=https://chat.example.com",
                                     "BOT_TRIES=1",
                                     timeout_setting,
                                     later_setting,
                                     NULL };
    router_stack_t *stack = stack_new (&(stack_plan_t){
        .edges = 2, .postoffices = 2, .connectors = connectors, .settings = settings });
    cr_assert (stack);
    bot_rule (stack_bot (stack), "ask", 0, &(bot_reply_t){ .status = 202 });
    return stack;
}

static router_stack_t *
s_start (unsigned connectors, const char *later)
{
    return s_start_with (connectors, "2s", later);
}

//  The path at which the bot may answer what was asked last with these words, once it was asked so
//  often; the caller frees it.
static char *
s_path (router_stack_t *stack, const char *words, unsigned times)
{
    static const char before[] = "\r\nStentor-Answer-Url: https://chat.example.com";
    EVENTUALLY (10000, bot_asked (stack_bot (stack), words) >= times);
    char *request = bot_request (stack_bot (stack), words);
    cr_assert (request);
    char *url = strstr (request, before);
    cr_assert (url, "%s", request);
    url += sizeof before - 1;
    char *path = strndup (url, strcspn (url, "\r"));
    free (request);
    return path;
}

static int
s_answers_by (router_stack_t *stack, unsigned edge, const char *method, const char *path,
              const char *body)
{
    http_answer_t answer = http_request (stack_edge_port (stack, edge), method, path,
                                         "Content-Type: application/json\r\n", body,
                                         strlen (body));
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

static int
s_answers (router_stack_t *stack, unsigned edge, const char *path, const char *body)
{
    return s_answers_by (stack, edge, "POST", path, body);
}

Test (bot_later, an_answer_counts_once, .timeout = 120)
{
    router_stack_t *stack = s_start (1, "1m");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *bob = visitor_opens (stack, 2, "bob", "s-2");
    says (ann, "ask");
    char *path = s_path (stack, "ask", 1);
    sees (ann, "typing", "bot");
    hears_nothing (ann, 500);
    EVENTUALLY (5000, stack_metric (stack, "stentor-connector-", "stentor_connector_bot_later")
                          == 1);

    cr_assert_eq (s_answers (stack, 2, path, "no JSON"), 400);
    cr_assert_eq (s_answers (stack, 2, path, ""), 400);
    cr_assert_eq (s_answers (stack, 2, path, "[]"), 400);
    cr_assert_eq (s_answers_by (stack, 2, "PUT", path, SAID ("A")), 405);
    static char large[300000] = "{\"outputSpeech\":\"";
    memset (large + strlen (large), 'x', sizeof large - strlen (large) - 1);
    cr_assert_eq (s_answers (stack, 2, path, large), 413);
    hears_nothing (ann, 200);
    cr_assert_eq (s_answers (stack, 2, path, SAID ("At last")), 201);
    hears (ann, "bot", "At last");
    //  It did not hear that it was stored, and says it again; and then it says something else.
    cr_assert_eq (s_answers (stack, 1, path, SAID ("At last")), 200);
    cr_assert_eq (s_answers (stack, 1, path, SAID ("At first")), 409);
    hears_nothing (ann, 500);
    EVENTUALLY (5000, stack_metric (stack, "stentor-connector-", "stentor_connector_bot_later")
                          == 0);
    cr_assert_eq (stack_metric (stack, "stentor-connector-", "stentor_worker_items"), 0);

    says (bob, "ask for a person");
    char *other = s_path (stack, "ask for a person", 1);
    cr_assert_eq (s_answers (stack, 1, other,
                             "{\"outputSpeech\":\"I call\",\"system\":\"HANDOFF\","
                             "\"data\":{\"handoffTargetId\":\"sales\"}}"), 201);
    hears (bob, "bot", "I call");
    cr_assert_eq (s_answers (stack, 1, other,
                             "{\"outputSpeech\":\"I call\",\"system\":\"HANDOFF\","
                             "\"data\":{\"handoffTargetId\":\"sales\"}}"), 200);
    //  The next question is not held up by those before.
    says (ann, "hello");
    hears (ann, "bot", "ok");
    cr_assert_eq (bot_asked (stack_bot (stack), "ask"), 2);
    free (path);
    free (other);
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

//  Whoever has no address of ours is told the same, whatever it is.
Test (bot_later, a_wrong_address, .timeout = 120)
{
    router_stack_t *stack = s_start (1, "1m");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "ask");
    char *path = s_path (stack, "ask", 1);
    size_t size = strlen (path);
    for (size_t at = sizeof "/bot-answers/" - 1; at < size; at += 7) {
        char byte = path[at];
        path[at] = byte == '1' ? '2' : '1';
        cr_expect_eq (s_answers (stack, 1, path, SAID ("x")), 404, "%zu", at);
        path[at] = byte;
    }
    cr_expect_eq (s_answers (stack, 1, "/bot-answers/", SAID ("x")), 404);
    cr_expect_eq (s_answers (stack, 1, "/bot-answers/31.31", SAID ("x")), 404);
    cr_expect_eq (s_answers_by (stack, 1, "GET", "/bot-answers/a", ""), 404);
    hears_nothing (ann, 300);
    cr_assert_eq (s_answers (stack, 1, path, SAID ("right")), 201);
    hears (ann, "bot", "right");
    free (path);
    leaves (&ann);
    stack_destroy (&stack);
}

//  The address is good for a minute more, however slow the machine is.
Test (bot_later, an_answer_that_comes_too_late, .timeout = 120)
{
    router_stack_t *stack = s_start_with (1, "1m", "1s");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "ask");
    char *path = s_path (stack, "ask", 1);
    sees (ann, "failure", "bot");
    cr_assert_eq (s_answers (stack, 1, path, SAID ("late")), 410);
    EVENTUALLY (10000, stack_metric (stack, "postoffice-", "stentor_postoffice_late_answers_total")
                           == 1);
    hears_nothing (ann, 300);
    says (ann, "hello");
    hears (ann, "bot", "ok");
    free (path);
    leaves (&ann);
    stack_destroy (&stack);
}

//  It is refused at the door, and no postoffice is asked.
Test (bot_later, an_address_that_has_expired, .timeout = 120)
{
    router_stack_t *stack = s_start (1, "1s");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "ask");
    char *path = s_path (stack, "ask", 1);
    sees (ann, "failure", "bot");
    hears_nothing (ann, 4000);
    cr_assert_eq (s_answers (stack, 2, path, SAID ("late")), 410);
    hears_nothing (ann, 300);
    cr_assert_eq (stack_metric (stack, "postoffice-", "stentor_postoffice_late_answers_total"), 0);
    free (path);
    leaves (&ann);
    stack_destroy (&stack);
}

Test (bot_later, an_agent_answers_now, .timeout = 120)
{
    router_stack_t *stack = s_start (1, "1m");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = rich_agent_opens (stack, 2, "alice", "s-1");
    says (ann, "ask");
    char *path = s_path (stack, "ask", 1);
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    cr_assert_eq (s_answers (stack, 1, path, SAID ("late")), 409);
    hears_nothing (ann, 500);
    EVENTUALLY (5000, stack_metric (stack, "stentor-connector-", "stentor_connector_bot_later")
                          == 0);
    free (path);
    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  The bot is asked again, and has two addresses for one question: what comes first counts.
Test (bot_later, a_connector_dies_meanwhile, .timeout = 120)
{
    router_stack_t *stack = s_start (1, "1m");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *bob = rich_visitor_opens (stack, 2, "bob", "s-2");
    says (ann, "ask one");
    says (bob, "ask two");
    char *one = s_path (stack, "ask one", 1), *two = s_path (stack, "ask two", 1);
    stack_kill (stack, "stentor-connector-1");
    //  Nobody has the question in hand.
    cr_assert_eq (s_answers (stack, 1, one, SAID ("first")), 201);
    hears (ann, "bot", "first");
    cr_assert (stack_start (stack, "stentor-connector-1"));
    char *again = s_path (stack, "ask two", 2);
    cr_assert_eq (s_answers (stack, 2, two, SAID ("by the first address")), 201);
    hears (bob, "bot", "by the first address");
    cr_assert_eq (s_answers (stack, 2, again, SAID ("by the second one")), 409);
    cr_assert_eq (s_answers (stack, 2, again, SAID ("by the first address")), 200);
    hears_nothing (bob, 1000);
    cr_assert_eq (bot_asked (stack_bot (stack), "ask one"), 1);
    free (one);
    free (two);
    free (again);
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

//  Another postoffice takes the session and the answer; the connector is told to forget it.
Test (bot_later, a_postoffice_dies_meanwhile, .timeout = 120)
{
    router_stack_t *stack = s_start (1, "1m");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "ask");
    char *path = s_path (stack, "ask", 1);
    stack_kill (stack, "postoffice-1");
    EVENTUALLY (10000, s_answers (stack, 1, path, SAID ("first")) == 201);
    hears (ann, "bot", "first");
    stack_kill (stack, "postoffice-2");
    cr_assert (stack_start (stack, "postoffice-1"));
    EVENTUALLY (10000, s_answers (stack, 1, path, SAID ("first")) == 200);
    hears_nothing (ann, 500);
    EVENTUALLY (10000, stack_metric (stack, "stentor-connector-", "stentor_connector_bot_later")
                           == 0);
    free (path);
    leaves (&ann);
    stack_destroy (&stack);
}
