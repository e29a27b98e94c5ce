//  webhooks — people who write by SMS, by a server's webhook, by RCS: the whole way, with bots,
//  agents, and processes that die in the middle.

#include "chat.h"
#include "desk.h"
#include "eventually.h"
#include "webhook_sender.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKER "channel-worker-1"
#define SMS "/webhooks/demo/sms"
#define CRM "/webhooks/demo/crm"
#define PERSON "+447700900513"

static char s_directory[100], s_heard[120];
static bot_t *s_bot;

static router_stack_t *
s_begin (const char *switchboard)
{
    char setting[160], section[1500];
    snprintf (s_directory, sizeof s_directory, "%s/stentor-webhooks-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    cr_assert (mkdtemp (s_directory));
    snprintf (s_heard, sizeof s_heard, "%s/heard", s_directory);
    snprintf (setting, sizeof setting, "WORKER_TELLS=%s", s_heard);
    s_bot = bot_new ();
    bot_says (s_bot, "\"rawQuery\":\"services\"",
              "{\"outputSpeech\":{\"displayText\":\"What?\"},\"displays\":[{\"type\":\"LIST\","
              "\"title\":\"Services\",\"items\":[{\"title\":\"Repairs\",\"token\":\"t-repairs\"},"
              "{\"title\":\"Rental\",\"token\":\"t-rental\"}]}]}");
    bot_says (s_bot, "\"token\":\"t-rental\"", "{\"outputSpeech\":\"You rent\"}");
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
    snprintf (section, sizeof section,
              "%s},\"sms\":{\"accountSid\":\"AC00000000000000000000000000000000\","
              "\"token\":\"" SENDER_TOKEN "\",\"from\":\"+447700900000\"},\"webhooksIn\":["
              "{\"channel\":\"sms\",\"kind\":\"twilio\",\"secret\":\"" SENDER_TOKEN "\"},"
              "{\"channel\":\"crm\",\"kind\":\"standard\",\"secret\":\"" SENDER_SECRET
              "\",\"reply\":\"crm\"},"
              "{\"channel\":\"plain\",\"kind\":\"standard\",\"secret\":\"" SENDER_SECRET "\"},"
              "{\"channel\":\"rcs\",\"kind\":\"rcs\",\"secret\":\"client-token\"},"
              "{\"channel\":\"gbm\",\"kind\":\"business-messages\",\"secret\":\"partner-key\"}],"
              "\"webhooksOut\":[{\"name\":\"crm\",\"url\":\"https://crm.example.com/\","
              "\"secret\":\"" SENDER_SECRET "\"}],\"retention\":{\"days\":0",
              switchboard);
    return desk_begins (section, &(stack_plan_t){ .edges = 2,
                                                  .postoffices = 2,
                                                  .worker = BIN_DIR "/channel-worker",
                                                  .workers = 1,
                                                  .bot_url = bot_url (s_bot),
                                                  .settings = (const char *const[]){
                                                      setting,
                                                      "EDGE_PUBLIC_URL=" SENDER_PUBLIC,
                                                      "EDGE_DEMO_MODE=on", NULL } });
}

static void
s_end (router_stack_t **stack_p)
{
    desk_ends (stack_p);
    bot_destroy (&s_bot);
    unlink (s_heard);
    rmdir (s_directory);
}

//  What workers have been given, as one text.
static const char *
s_all (void)
{
    static char all[256 * 1024];
    FILE *file = fopen (s_heard, "r");
    size_t size = file ? fread (all, 1, sizeof all - 1, file) : 0;
    all[size] = 0;
    if (file)
        fclose (file);
    return all;
}

static unsigned
s_count (const char *text)
{
    unsigned count = 0;
    for (const char *at = s_all (); (at = strstr (at, text)); at += strlen (text))
        count++;
    return count;
}

//  The person gets this text, and for the first time.
#define GETS(text) EVENTUALLY (20000, s_count ("\"text\":\"" text "\"") == 1)

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    const char *found = desk_sql (stack, sql);
    if (strcmp (found, value) == 0)
        return true;
    fprintf (stderr, "%s: %s\n", sql, found);
    return false;
}

static int
s_sms (router_stack_t *stack, unsigned edge, const char *sid, const char *text)
{
    return writes_sms (stack_edge_port (stack, edge), SMS, PERSON, sid, text);
}

#define SESSIONS "SELECT count (*) FROM session WHERE visitor = '@sms:" PERSON "'"
#define SAID                                                                                       \
    "SELECT string_agg (data::json->>'rawQuery', '|' ORDER BY seq) FROM log"                       \
    " WHERE event = 3 AND role = 1"

Test (webhooks, a_person_by_sms_talks_to_the_bot_and_an_agent, .timeout = 200)
{
    router_stack_t *stack = s_begin ("");
    cr_assert_eq (s_sms (stack, 1, "SM1", "hello"), 200);
    GETS ("You said: hello");
    //  The same again, at the other edge: Twilio did not hear the answer.
    cr_assert_eq (s_sms (stack, 2, "SM1", "hello"), 200);
    cr_assert_eq (s_sms (stack, 2, "SM2", "services"), 200);
    GETS ("What?\\nServices\\n1. Repairs\\n2. Rental");
    cr_assert_eq (s_sms (stack, 1, "SM3", " 2 "), 200);
    EVENTUALLY (20000, bot_asked (s_bot, "\"token\":\"t-rental\"") == 1);
    GETS ("You rent");
    cr_assert_eq (s_sms (stack, 1, "SM4", "2"), 200);
    GETS ("You said: 2");
    cr_expect (s_is (stack, SESSIONS, "1"));
    cr_expect (s_is (stack, SAID, "hello|services|Rental|2"));
    char session[200];
    snprintf (session, sizeof session, "%s",
              desk_sql (stack, "SELECT substr (session, 6) FROM session"));
    person_t *ann = rich_agent_opens (stack, 1, "ann", session);
    barges_in (ann, "Ann");
    EVENTUALLY (20000, s_is (stack, "SELECT control_user FROM session", "ann"));
    cr_assert_eq (s_sms (stack, 2, "SM5", "is anybody there?"), 200);
    (void) hears_at_last (ann, "@sms:" PERSON, "is anybody there?");
    says (ann, "here I am");
    GETS ("here I am");
    //  Of what happens in the session nothing else is an SMS; and of whispers nothing at all.
    //  They depend on the app's account, and go to whoever has not said STOP.
    cr_expect (s_is (stack,
                     "SELECT string_agg (DISTINCT destination || ' ' || address, '|')"
                     " FROM work_item WHERE topic = 'sms.out'",
                     "sms:demo " PERSON));
    cr_expect_eq (s_count ("\"externalId\":\"" PERSON "\",\"via\":\"sms\""),
                  s_count ("\"participant\""));
    leaves (&ann);
    s_end (&stack);
}

Test (webhooks, kills_in_the_middle_lose_and_double_nothing, .timeout = 280)
{
    router_stack_t *stack = s_begin ("");
    static const char *const victims[] = { "postoffice-1", "edge-1", "postoffice-2", WORKER,
                                           "stentor-connector-1" };
    char sid[20], text[40], expected[2000] = "";
    for (unsigned at = 0; at < 10; at++) {
        const char *victim = victims[at % 5];
        snprintf (sid, sizeof sid, "SM%u", at);
        snprintf (text, sizeof text, "message %u", at);
        stack_kill (stack, victim);
        //  Whoever is not answered, or told that it failed, sends it again, as senders do.
        EVENTUALLY (30000, s_sms (stack, 2, sid, text) == 200);
        cr_assert (stack_start (stack, victim));
        cr_assert_eq (s_sms (stack, 1, sid, text), 200);
        snprintf (expected + strlen (expected), sizeof expected - strlen (expected), "%s%s",
                  at ? "|" : "", text);
        snprintf (text, sizeof text, "\"text\":\"You said: message %u\"", at);
        EVENTUALLY (60000, s_count (text) >= 1);
    }
    cr_expect (s_is (stack, SESSIONS, "1"));
    cr_expect (s_is (stack, SAID, expected));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 3 AND role = 3", "10"));
    cr_expect (s_is (stack, "SELECT count (*) FROM work_item WHERE topic = 'sms.out' AND state = 3",
                     "0"));
    s_end (&stack);
}

//  A case that was closed is over; what is written next begins another.
Test (webhooks, a_new_session_when_the_last_one_is_closed, .timeout = 200)
{
    router_stack_t *stack = s_begin ("");
    cr_assert_eq (s_sms (stack, 1, "SM1", "one"), 200);
    GETS ("You said: one");
    char session[200], request[300];
    snprintf (session, sizeof session, "%s",
              desk_sql (stack, "SELECT substr (session, 6) FROM session"));
    snprintf (request, sizeof request, "POST sessions/%s/close", session);
    cr_assert_eq (desk_asks (stack, request, "{}"), 200);
    //  What was stored before is not stored in the next one, either.
    cr_assert_eq (s_sms (stack, 2, "SM1", "one"), 200);
    cr_expect (s_is (stack, SESSIONS, "1"));
    cr_assert_eq (s_sms (stack, 2, "SM2", "two"), 200);
    GETS ("You said: two");
    cr_expect (s_is (stack, SESSIONS, "2"));
    cr_assert_eq (s_sms (stack, 1, "SM1", "one"), 200);
    cr_assert_eq (s_sms (stack, 1, "SM3", "three"), 200);
    GETS ("You said: three");
    cr_expect (s_is (stack, SESSIONS, "2"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 3 AND role = 1", "3"));
    s_end (&stack);
}

Test (webhooks, other_channels_and_what_they_can_say, .timeout = 200)
{
    router_stack_t *stack = s_begin ("\"handoff\":[\"group:sales\"]");
    uint16_t port = stack_edge_port (stack, 1);
    cr_assert_eq (writes_standard (port, CRM, "ann", "m-1", "from a server"), 200);
    GETS ("You said: from a server");
    cr_expect_eq (s_count ("\"channel\":\"webhook.out\",\"externalId\":\"ann\",\"via\":\"crm\""),
                  1);
    cr_assert_eq (writes_standard (port, "/webhooks/demo/plain", "ann", "m-1", "no way back"),
                  200);
    EVENTUALLY (20000, bot_asked (s_bot, "no way back") == 1);
    http_answer_t answer = send_google (
        port, "/webhooks/demo/rcs", "client-token",
        "{\"senderPhoneNumber\":\"+15555550111\",\"messageId\":\"m\",\"text\":\"by RCS\"}", true);
    cr_expect_eq (answer.status, 200);
    http_answer_free (&answer);
    //  Another person's client may have made the same id.
    answer = send_google (
        port, "/webhooks/demo/rcs", "client-token",
        "{\"senderPhoneNumber\":\"+15555550112\",\"messageId\":\"m\",\"text\":\"by RCS\"}", true);
    cr_expect_eq (answer.status, 200);
    http_answer_free (&answer);
    EVENTUALLY (20000, bot_asked (s_bot, "by RCS") == 2);
    //  Business Messages: a person is asked for before anything was said.
    desk_agent (stack, "bob", "available", 1, "sales");
    static const char asks[] = "{\"requestId\":\"r-1\",\"conversationId\":\"c-1\",\"userStatus\":{"
                               "\"requestedLiveAgent\":true}}";
    for (int again = 0; again < 2; again++) {
        answer = send_google (port, "/webhooks/demo/gbm", "partner-key", asks, false);
        cr_expect_eq (answer.status, 200);
        http_answer_free (&answer);
    }
    EVENTUALLY (20000, s_is (stack,
                             "SELECT offered_to FROM session WHERE visitor = '@gbm:c-1'",
                             "agent:bob")
                           || s_is (stack,
                                    "SELECT offered_to FROM session WHERE visitor = '@gbm:c-1'",
                                    "bob"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 6", "1"));
    //  Nothing waits for a worker that there is none of.
    EVENTUALLY (20000,
                s_is (stack, "SELECT count (*) FROM work_item WHERE kind = 2 AND state < 2", "0"));
    s_end (&stack);
}

static int
s_status (router_stack_t *stack, const char *item, const char *sid, const char *status,
          const char *code)
{
    char path[600], form[400], *to = path;
    to += sprintf (path, SMS "/status?item=");
    for (const char *at = item; *at; at++)
        to += sprintf (to, "%%%02X", (unsigned char) *at);
    snprintf (form, sizeof form,
              "SmsSid=%s&SmsStatus=%s&MessageStatus=%s&To=%%2B447700900513&MessageSid=%s%s%s", sid,
              status, status, sid, *code ? "&ErrorCode=" : "", code);
    http_answer_t answer = send_twilio (stack_edge_port (stack, 2), path, SENDER_TOKEN, form);
    int code_of = answer.status;
    if (code_of != 200)
        fprintf (stderr, "status: %d %s\n", code_of, answer.body);
    http_answer_free (&answer);
    return code_of;
}

#define SID_OLD "SM00000000000000000000000000000000"
#define SID_NEW "SM11111111111111111111111111111111"
#define ITEM "SELECT state || ' ' || detail FROM work_item WHERE topic = 'sms.out' ORDER BY seq"

//  What became of an SMS never goes back; STOP is obeyed until START, and the bot hears neither.
Test (webhooks, status_callbacks_and_stop, .timeout = 200)
{
    router_stack_t *stack = s_begin ("");
    char item[300];
    cr_assert_eq (s_sms (stack, 1, "SM1", "hello"), 200);
    GETS ("You said: hello");
    EVENTUALLY (20000, strncmp (desk_sql (stack, ITEM), "2", 1) == 0);
    snprintf (item, sizeof item, "%s",
              desk_sql (stack, "SELECT item FROM work_item WHERE topic = 'sms.out'"));
    cr_assert_eq (s_status (stack, item, "SMout", "sent", ""), 200);
    cr_expect (s_is (stack, ITEM, "2 SMout sent"));
    cr_assert_eq (s_status (stack, item, "SMout", "delivered", ""), 200);
    cr_assert_eq (s_status (stack, item, "SMout", "sent", ""), 200);
    cr_assert_eq (s_status (stack, item, "SMout", "undelivered", "30003"), 200);
    cr_expect (s_is (stack, ITEM, "2 SMout delivered"));
    cr_assert_eq (s_status (stack, "another", "SMout", "failed", ""), 200);
    cr_assert_eq (s_sms (stack, 1, "SM2", "again"), 200);
    GETS ("You said: again");
    EVENTUALLY (20000, s_is (stack,
                             "SELECT count (*) FROM work_item WHERE topic = 'sms.out' AND"
                             " state = 2",
                             "2"));
    snprintf (item, sizeof item, "%s",
              desk_sql (stack, "SELECT item FROM work_item WHERE topic = 'sms.out' AND"
                               " detail = ''"));
    cr_assert_eq (s_status (stack, item, "SMother", "undelivered", "30003"), 200);
    cr_assert_eq (s_status (stack, item, "SMother", "delivered", ""), 200);
    cr_expect (s_is (stack, "SELECT detail FROM work_item WHERE state = 3",
                     "SMother undelivered 30003"));
    //  A dead letter that is to be told of.
    cr_expect (s_is (stack, "SELECT is_told FROM work_item WHERE state = 3", "f"));

    cr_assert_eq (s_sms (stack, 2, "SM3", " stop "), 200);
    cr_expect (s_is (stack, "SELECT app || channel || address FROM suppressed_address",
                     "demosms" PERSON));
    cr_assert_eq (s_sms (stack, 1, "SM3", " stop "), 200);
    cr_assert_eq (s_sms (stack, 1, "SM4", "START"), 200);
    cr_expect (s_is (stack, "SELECT count (*) FROM suppressed_address", "0"));
    //  An alert's SMS was accepted, and reaches nobody: the next step does not wait for its time.
    //  Code 21610 says that the number wants nothing more.
    cr_assert (postgres_exec (
        stack_postgres (stack),
        "INSERT INTO alert (alert, app, rule, event, seq, step, next_at) VALUES"
        " (':alert:r::demo:x', 'demo', 'r', 'dead-letter', 0, 1, now () + interval '1 hour');"
        "INSERT INTO work_item (item, kind, app, topic, seq, body, next_at) VALUES"
        " (':alert:r::demo:x', 3, 'demo', 'alert', 0, '{}', now () + interval '1 hour');"
        "INSERT INTO work_item (item, app, topic, body, destination, address, state, attempts,"
        " detail) VALUES (':notify:dead-letter::demo:x:anna:sms:0', 'demo', 'notify.sms',"
        " '{\"alert\": \":alert:r::demo:x\", \"event\": \"dead-letter\"}', 'sms:demo', '+4930',"
        " 2, 1, 'SMalert sent')"));
    cr_assert_eq (s_status (stack, ":notify:dead-letter::demo:x:anna:sms:0", "SMalert",
                            "undelivered", "21610"), 200);
    cr_expect (s_is (stack, "SELECT next_at <= now () FROM alert WHERE rule = 'r'", "t"));
    cr_expect (s_is (stack, "SELECT string_agg (address, ' ') FROM suppressed_address", "+4930"));
    cr_assert (postgres_exec (stack_postgres (stack), "DELETE FROM suppressed_address"));
    //  A STOP that was stored before is not obeyed once more.
    cr_assert_eq (s_sms (stack, 1, "SM3", " stop "), 200);
    cr_expect (s_is (stack, "SELECT count (*) FROM suppressed_address", "0"));
    cr_assert_eq (s_sms (stack, 1, "SM5", "thanks"), 200);
    GETS ("You said: thanks");
    //  Of the attempt before a replay nothing is heard: the report has the newer one's sid.
    EVENTUALLY (20000, s_is (stack, "SELECT count (*) FROM work_item WHERE detail = ''"
                                    " AND topic = 'sms.out' AND state = 2",
                             "1"));
    snprintf (item, sizeof item, "%s",
              desk_sql (stack, "UPDATE work_item SET detail = 'sent: " SID_NEW ", segments: 1'"
                               " WHERE detail = '' AND topic = 'sms.out' RETURNING item"));
    cr_assert_eq (s_status (stack, item, SID_OLD, "failed", "30003"), 200);
    cr_assert_eq (s_status (stack, item, SID_NEW, "delivered", ""), 200);
    cr_expect (s_is (stack, "SELECT state FROM work_item WHERE detail = '" SID_NEW " delivered'",
                     "2"));
    cr_expect (s_is (stack, SAID, "hello|again| stop |START|thanks"));
    cr_expect_eq (bot_asked (s_bot, "stop"), 0);
    cr_expect_eq (bot_asked (s_bot, "START"), 0);
    s_end (&stack);
}

//  So many senders at once, each of which sends all of these messages to an edge: as a child.
#define SENDERS 6
#define MESSAGES 8

static void
s_sends_all (router_stack_t *stack, unsigned edge)
{
    char sid[20], text[40];
    for (unsigned at = 0; at < MESSAGES; at++) {
        snprintf (sid, sizeof sid, "SM%u", at);
        snprintf (text, sizeof text, "message %u", at);
        if (s_sms (stack, edge, sid, text) != 200)
            _exit (1);
    }
    _exit (0);
}

//  Nobody has written before, and all come at once: one session, each message once.
Test (webhooks, many_at_once_make_one_session, .timeout = 200)
{
    router_stack_t *stack = s_begin ("");
    for (unsigned sender = 0; sender < SENDERS; sender++) {
        pid_t pid = fork ();
        cr_assert (pid >= 0);
        if (pid == 0)
            s_sends_all (stack, 1 + sender % 2);
    }
    for (unsigned sender = 0; sender < SENDERS; sender++) {
        int status;
        cr_assert (wait (&status) > 0);
        cr_expect_eq (status, 0);
    }
    cr_expect (s_is (stack, SESSIONS, "1"));
    cr_expect (s_is (stack,
                     "SELECT count (*) || ' ' || count (DISTINCT data::json->>'rawQuery') FROM log"
                     " WHERE event = 3 AND role = 1",
                     "8 8"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 1", "1"));
    s_end (&stack);
}

//  A bot that hangs delays no answer; a person whose data were erased is a new one.
Test (webhooks, a_bot_that_hangs_and_an_erasure, .timeout = 200)
{
    router_stack_t *stack = s_begin ("");
    bot_forget_rules (s_bot);
    bot_rule (s_bot, "", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    cr_assert_eq (s_sms (stack, 1, "SM1", "one"), 200);
    EVENTUALLY (20000, bot_asked (s_bot, "\"rawQuery\":\"one\"") == 1);
    cr_assert_eq (s_sms (stack, 2, "SM2", "two"), 200);
    cr_expect (s_is (stack, SAID, "one|two"));
    int status = desk_asks (stack, "DELETE visitors/%40sms:%2B447700900513", "%s", "");
    cr_assert (status == 200 || status == 202, "%d", status);
    EVENTUALLY (60000, s_is (stack, SESSIONS, "0"));
    cr_expect (s_is (stack, "SELECT count (*) FROM external_ref", "0"));
    cr_assert_eq (s_sms (stack, 1, "SM3", "three"), 200);
    cr_expect (s_is (stack, SESSIONS, "1"));
    cr_expect (s_is (stack, SAID " AND session IN (SELECT session FROM session)", "three"));
    s_end (&stack);
}

static void
s_server_tells (router_stack_t *stack, const char *id, const char *body)
{
    http_answer_t answer = send_standard (stack_edge_port (stack, 2), CRM, SENDER_SECRET, id,
                                          time (NULL), body);
    cr_expect_eq (answer.status, 200, "%s", answer.body);
    http_answer_free (&answer);
}

#define TYPES(user)                                                                                \
    "{\"type\":\"typing.changed\",\"data\":{\"userId\":\"" user "\",\"isTyping\":true}}"
#define READS(id)                                                                                  \
    "{\"type\":\"message.read\",\"data\":{\"userId\":\"ann\",\"messageId\":\"" id "\"}}"

//  Agents see that a person is writing, and what it has read.
Test (webhooks, signs_of_life, .timeout = 200)
{
    router_stack_t *stack = s_begin ("");
    char session[200], body[400];
    cr_assert_eq (writes_standard (stack_edge_port (stack, 1), CRM, "ann", "m-1", "hello"), 200);
    GETS ("You said: hello");
    snprintf (session, sizeof session, "%s",
              desk_sql (stack, "SELECT substr (session, 6) FROM session"));
    person_t *bob = rich_agent_opens (stack, 1, "bob", session);
    //  A sign is for whoever is up to date: bob is, when he has heard both.
    cr_assert_eq (writes_standard (stack_edge_port (stack, 1), CRM, "ann", "m-2", "bob?"), 200);
    hears_at_last (bob, "@crm:ann", "bob?");
    hears_at_last (bob, "bot", "You said: bob?");
    s_server_tells (stack, "t-1", TYPES ("ann"));
    (void) sees (bob, "typing", "@crm:ann");
    snprintf (body, sizeof body, READS ("%s"),
              desk_sql (stack, "SELECT message_id FROM log WHERE role = 3 AND event = 3"
                               " ORDER BY seq DESC LIMIT 1"));
    s_server_tells (stack, "t-2", body);
    (void) sees (bob, "receipt", NULL);
    //  Of somebody who has never written, and of a message that is none of ours: nothing happens.
    s_server_tells (stack, "t-3", TYPES ("eve"));
    s_server_tells (stack, "t-4", READS ("x"));
    cr_expect (s_is (stack, "SELECT count (*) FROM session", "1"));
    leaves (&bob);
    s_end (&stack);
}
