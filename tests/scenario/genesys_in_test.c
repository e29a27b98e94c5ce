//  genesys_in — what people at Genesys Cloud say, over its webhooks: the visitor sees it in the
//  order in which it was said, once, and nobody sees what is not for them. The connector is a
//  scripted one here (platform_worker.c), and what people at Genesys say is this test's.

#include "chat.h"
#include "desk.h"
#include "eventually.h"
#include "http_get.h"

#include "auth/webhook_signature.h"
#include "base/clock.h"
#include "json/json_write.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "/webhooks/demo/genesys"
#define SECRET "a secret of sixteen and more"
#define AS "{\"as\":{\"kind\":\"platform\",\"userId\":\"platform.genesys\"}}"
#define CONTROL "SELECT control_role || ' ' || control_user FROM session WHERE session = 'demo/s1'"
#define SAID "SELECT count (*)::text FROM log WHERE role = 4 AND event = 3"
#define RECEIPTS                                                                                  \
    "SELECT string_agg (concat_ws (' ', b->>'id', b->>'status', b->>'code'), ', '"                 \
    " ORDER BY number)"                                                                            \
    " FROM (SELECT number, body::json AS b FROM work_item WHERE item LIKE ':receipt:%') AS r"

static bot_t *s_bot;
static char s_external_id[100], s_directory[100], s_heard[120], s_script[120];

static router_stack_t *
s_begin (void)
{
    static const char section[] =
        "\"offerSeconds\":60,\"giveBack\":\"question\"},\"genesys\":{\"region\":\"eu_central_1\","
        "\"clientId\":\"c\",\"clientSecret\":\"s\",\"integrationId\":"
        "\"99999999-8888-7777-6666-555555555555\",\"webhookSecret\":\"" SECRET "\"},"
        "\"retention\":{\"days\":0";
    static char settings[2][160];
    snprintf (s_directory, sizeof s_directory, "%s/stentor-genesys-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    cr_assert (mkdtemp (s_directory));
    snprintf (s_heard, sizeof s_heard, "%s/heard", s_directory);
    snprintf (s_script, sizeof s_script, "%s/script", s_directory);
    snprintf (settings[0], sizeof settings[0], "WORKER_TELLS=%s", s_heard);
    snprintf (settings[1], sizeof settings[1], "PLATFORM_SCRIPT=%s", s_script);
    FILE *file = fopen (s_script, "w");
    cr_assert (file && fputs ("accepts", file) >= 0 && fclose (file) == 0);
    s_bot = bot_new ();
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
    return desk_begins (section, &(stack_plan_t){ .edges = 2,
                                                  .postoffices = 2,
                                                  .worker = BIN_DIR "/platform-worker",
                                                  .workers = 1,
                                                  .bot_url = bot_url (s_bot),
                                                  .settings = (const char *const[]){
                                                      settings[0], settings[1],
                                                      "EDGE_DEMO_MODE=on", NULL } });
}

static void
s_end (router_stack_t **stack_p)
{
    desk_ends (stack_p);
    bot_destroy (&s_bot);
    unlink (s_heard);
    unlink (s_script);
    rmdir (s_directory);
}

//  The platform has the visitor.
static person_t *
s_visitor_is_there (router_stack_t *stack)
{
    person_t *eve = visitor_opens (stack, 1, "eve", "s1");
    says (eve, "hello");
    hears (eve, "bot", "You said: hello");
    desk_offers (stack, "s1", "[\"platform:genesys\"]");
    EVENTUALLY (20000, strcmp (desk_sql (stack, CONTROL), "4 platform.genesys") == 0);
    snprintf (s_external_id, sizeof s_external_id, "%s",
              desk_sql (stack, "SELECT external_id FROM external_ref WHERE channel = "
                               "'platform.genesys' AND session = 'demo/s1'"));
    cr_assert_eq (strlen (s_external_id), 32);
    return eve;
}

//  Posts what is signed to an edge; returns the status.
static int
s_post (router_stack_t *stack, unsigned edge, const char *body)
{
    char headers[200];
    webhook_signed_t made = webhook_genesys_sign (TEXT (SECRET), text_of (body));
    snprintf (headers, sizeof headers, "X-Hub-Signature-256: %.*s\r\n", (int) made.size,
              made.data);
    http_answer_t answer = http_request (stack_edge_port (stack, edge), "POST", PATH, headers, body,
                                         strlen (body));
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

typedef struct {
    router_stack_t *stack;
    unsigned edge;
    int status;
    char body[600];
    pthread_t thread;
} word_t;

static void *
s_run (void *state)
{
    word_t *self = state;
    self->status = s_post (self->stack, self->edge, self->body);
    return NULL;
}

//  Says it at this time of their clock, in a thread of its own.
static void
s_say (word_t *self, router_stack_t *stack, unsigned edge, const char *id, const char *text,
       uint64_t time_ms)
{
    char time[JSON_TIME_MAX];
    json_time (time_ms, time);
    self->stack = stack;
    self->edge = edge;
    snprintf (self->body, sizeof self->body,
              "{\"id\":\"%s\",\"channel\":{\"to\":{\"id\":\"%s\"},\"time\":\"%s\"},\"type\":"
              "\"Text\",\"text\":\"%s\",\"conversationId\":\"c1\"}",
              id, s_external_id, time, text);
    cr_assert_eq (pthread_create (&self->thread, NULL, s_run, self), 0);
}

static void
s_is_taken (word_t *self)
{
    pthread_join (self->thread, NULL);
    cr_expect_eq (self->status, 200, "%d %s", self->status, self->body);
}

Test (genesys_in, the_order_in_which_it_was_said, .timeout = 120)
{
    router_stack_t *stack = s_begin ();
    person_t *eve = s_visitor_is_there (stack);
    word_t words[4];
    uint64_t now = clock_wall_ms ();
    //  Over two edges, the later one first; and one of them twice.
    s_say (&words[0], stack, 1, "g3", "three", now + 30);
    s_say (&words[1], stack, 2, "g2", "two", now + 20);
    s_say (&words[2], stack, 1, "g1", "one", now + 10);
    s_say (&words[3], stack, 2, "g1", "one", now + 10);
    for (size_t at = 0; at < 4; at++)
        s_is_taken (&words[at]);
    hears (eve, "platform.genesys", "one");
    hears (eve, "platform.genesys", "two");
    hears (eve, "platform.genesys", "three");
    //  What comes late is shown all the same; what was there is not shown again.
    s_say (&words[0], stack, 1, "g0", "zero", now);
    s_is_taken (&words[0]);
    hears (eve, "platform.genesys", "zero");
    s_say (&words[0], stack, 2, "g3", "three", now + 30);
    s_is_taken (&words[0]);
    hears_nothing (eve, 700);
    cr_expect_str_eq (desk_sql (stack, SAID), "4");
    cr_expect_str_eq (desk_sql (stack, "SELECT count (*)::text FROM work_item"
                                       " WHERE item LIKE ':receipt:%'"
                                       " AND body::json ->> 'status' = 'Delivered'"),
                      "4");
    leaves (&eve);
    s_end (&stack);
}

Test (genesys_in, what_is_for_nobody, .timeout = 120)
{
    router_stack_t *stack = s_begin ();
    person_t *eve = s_visitor_is_there (stack);
    word_t word;
    uint64_t now = clock_wall_ms ();
    cr_assert_eq (desk_asks (stack, "POST sessions/s1/release", AS), 200);
    s_say (&word, stack, 1, "late", "too late", now);
    s_is_taken (&word);
    cr_assert_eq (desk_asks (stack, "POST sessions/s1/close", "{}"), 200);
    s_say (&word, stack, 1, "closed", "closed", now);
    s_is_taken (&word);
    snprintf (s_external_id, sizeof s_external_id, "0123456789abcdef0123456789abcdef");
    s_say (&word, stack, 2, "stray", "of nobody", now);
    s_is_taken (&word);
    cr_expect_str_eq (desk_sql (stack, RECEIPTS),
                      "late Failed MessageNotAllowed, closed Failed MessageNotAllowed,"
                      " stray Failed InvalidDestination");
    cr_expect_str_eq (desk_sql (stack, SAID), "0");
    leaves (&eve);
    s_end (&stack);
}

#define TYPING                                                                                    \
    "{\"channel\":{\"to\":{\"id\":\"%s\"}},\"type\":\"Event\",\"events\":[{\"eventType\":"         \
    "\"Typing\",\"typing\":{\"type\":\"On\",\"duration\":%u}}]}"

Test (genesys_in, typing_ends_by_itself, .timeout = 120)
{
    char body[400];
    router_stack_t *stack = s_begin ();
    person_t *eve = s_visitor_is_there (stack);
    word_t word;
    snprintf (body, sizeof body, TYPING, s_external_id, 800u);
    cr_expect_eq (s_post (stack, 1, body), 200);
    sees (eve, "typing", "platform.genesys");
    sees (eve, "stop typing", "platform.genesys");
    //  And with what is said
    snprintf (body, sizeof body, TYPING, s_external_id, 60000u);
    cr_expect_eq (s_post (stack, 2, body), 200);
    sees (eve, "typing", "platform.genesys");
    s_say (&word, stack, 1, "g1", "here I am", clock_wall_ms ());
    s_is_taken (&word);
    sees (eve, "stop typing", "platform.genesys");
    hears (eve, "platform.genesys", "here I am");
    leaves (&eve);
    s_end (&stack);
}

#define STATE_OF_MESSAGE                                                                          \
    "SELECT state || ' ' || detail FROM work_item WHERE topic = 'platform.genesys'"                \
    " AND body::json ->> 'event' = 'new message'"

//  Posts a receipt that says that what has this id at Genesys failed; returns the status.
static int
s_fails (router_stack_t *stack, const char *id, const char *to)
{
    char body[400];
    snprintf (body, sizeof body,
              "{\"id\":\"%s\",\"channel\":{\"to\":{\"id\":\"%s\"}},\"type\":\"Receipt\",\"status\":"
              "\"Failed\",\"reasons\":[{\"code\":\"MessageExpired\"}]}",
              id, to);
    return s_post (stack, 1, body);
}

//  A message of the visitor's did not reach the agent: somebody is to see that.
Test (genesys_in, a_receipt_that_says_failed, .timeout = 120)
{
    router_stack_t *stack = s_begin ();
    person_t *eve = s_visitor_is_there (stack);
    says (eve, "is anybody there?");
    EVENTUALLY (20000, strcmp (desk_sql (stack, STATE_OF_MESSAGE), "2 as the script says") == 0);
    //  As the connector reports it: with the id that Genesys gave it.
    (void) desk_sql (stack, "UPDATE work_item SET detail = 'o1' WHERE detail = 'as the script says'"
                            " AND body::json ->> 'event' = 'new message' RETURNING item");
    cr_expect_eq (s_fails (stack, "o1", s_external_id), 200);
    cr_expect_str_eq (desk_sql (stack, STATE_OF_MESSAGE), "3 o1 failed: MessageExpired");
    cr_expect_eq (s_fails (stack, "o1", s_external_id), 200, "it may come twice");
    cr_expect_eq (s_fails (stack, "o1", "of nobody"), 200);
    leaves (&eve);
    s_end (&stack);
}

//  One part of several, and what the offer began with.
Test (genesys_in, a_part_that_failed, .timeout = 120)
{
    static const char offer[] = "SELECT state || ' ' || detail FROM work_item"
                                " WHERE item LIKE ':offer:%'";
    router_stack_t *stack = s_begin ();
    person_t *eve = s_visitor_is_there (stack);
    says (eve, "is anybody there?");
    EVENTUALLY (20000, strcmp (desk_sql (stack, STATE_OF_MESSAGE), "2 as the script says") == 0);
    (void) desk_sql (stack, "UPDATE work_item SET detail = 'o1 o2 o3'"
                            " WHERE body::json ->> 'event' = 'new message' AND state = 2"
                            " AND topic = 'platform.genesys' RETURNING item");
    EVENTUALLY (20000, strncmp (desk_sql (stack, offer), "2 ", 2) == 0);
    (void) desk_sql (stack, "UPDATE work_item SET detail = 'f1 f2' WHERE item LIKE ':offer:%'"
                            " RETURNING item");
    cr_expect_eq (s_fails (stack, "o2", s_external_id), 200);
    cr_expect_str_eq (desk_sql (stack, STATE_OF_MESSAGE), "3 o2 failed: MessageExpired; o1 o2 o3");
    cr_expect_eq (s_fails (stack, "o3", s_external_id), 200);
    cr_expect_str_eq (desk_sql (stack, STATE_OF_MESSAGE), "3 o2 failed: MessageExpired; o1 o2 o3");
    cr_expect_eq (s_fails (stack, "f1", s_external_id), 200);
    cr_expect_str_eq (desk_sql (stack, offer), "3 f1 failed: MessageExpired; f1 f2");
    leaves (&eve);
    s_end (&stack);
}

//  It was quicker than the report of what it is about: it comes again, and is seen then.
Test (genesys_in, a_receipt_before_its_report, .timeout = 120)
{
    router_stack_t *stack = s_begin ();
    person_t *eve = s_visitor_is_there (stack);
    says (eve, "is anybody there?");
    EVENTUALLY (20000, strcmp (desk_sql (stack, STATE_OF_MESSAGE), "2 as the script says") == 0);
    cr_expect_eq (s_fails (stack, "o1", s_external_id), 503);
    cr_expect_str_eq (desk_sql (stack, STATE_OF_MESSAGE), "2 as the script says");
    //  In hand, of a lease that nobody ends here
    (void) desk_sql (stack, "UPDATE work_item SET state = 1, detail = 'o1'"
                            " WHERE body::json ->> 'event' = 'new message' AND state = 2"
                            " AND topic = 'platform.genesys' RETURNING item");
    cr_expect_eq (s_fails (stack, "o1", s_external_id), 503);
    (void) desk_sql (stack, "UPDATE work_item SET state = 2"
                            " WHERE body::json ->> 'event' = 'new message' AND state = 1"
                            " AND topic = 'platform.genesys' RETURNING item");
    cr_expect_eq (s_fails (stack, "o1", s_external_id), 200);
    cr_expect_str_eq (desk_sql (stack, STATE_OF_MESSAGE), "3 o1 failed: MessageExpired");
    leaves (&eve);
    s_end (&stack);
}
