//  alert_kills — a visitor waits, and people are called until one of them comes: Slack, then an
//  SMS, over two postoffices and two notifiers, each of which is killed in the middle. The story
//  says what happens, and when.

#include "chat.h"
#include "desk.h"
#include "eventually.h"
#include "http_get.h"
#include "wait_report.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WITHIN_MS 60000 //  a lease that nobody gives back is one of 20 s
#define BASE "https://chat.example.com"
#define CROWD 16

//  Behind the section `switchboard` of the app others follow.
#define PEOPLE                                                                                     \
    "\"offerSeconds\":60,\"silenceSeconds\":0},"                                                   \
    "\"people\":[{\"id\":\"anna\",\"name\":\"Anna\",\"phone\":\"+4930123456\","               \
    "\"slack\":\"U012\","                                                                          \
    "\"groups\":[\"front-desk\"]},"                                                                \
    "{\"id\":\"otto\",\"name\":\"Otto\",\"phone\":\"+4930123457\"}],"                            \
    "\"sms\":{\"accountSid\":\"AC00000000000000000000000000000001\",\"token\":\"open-sesame\","    \
    "\"from\":\"+15555550111\",\"perSecond\":100},"                                                \
    "\"slack\":{\"token\":\"xoxb-open-sesame\",\"channel\":\"C012\"},"                             \
    "\"alerts\":["
#define BEHIND "],\"comments\":{"

static char s_place[40];
static process_t *s_peers;
static uint64_t s_began;

__attribute__ ((format (printf, 1, 2))) static void
s_tell (const char *form, ...)
{
    va_list arguments;
    va_start (arguments, form);
    fprintf (stderr, "%6.1f s  ", (double) (clock_mono_ms () - s_began) / 1000);
    vfprintf (stderr, form, arguments);
    fprintf (stderr, "\n");
    va_end (arguments);
}

static char *
s_path (const char *name)
{
    static char path[80];
    snprintf (path, sizeof path, "%s/%s", s_place, name);
    return path;
}

static bool
s_there_is (const char *name)
{
    return access (s_path (name), F_OK) == 0;
}

//  How many lines the file has; how many of these have the text, if any.
static unsigned
s_count (const char *name, const char *text)
{
    char line[4000];
    unsigned count = 0;
    FILE *file = fopen (s_path (name), "r");
    while (file && fgets (line, sizeof line, file))
        count += !text || strstr (line, text);
    if (file)
        fclose (file);
    return count;
}

static void
s_hold (const char *name)
{
    FILE *file = fopen (s_path (name), "w");
    cr_assert (file);
    fclose (file);
}

static router_stack_t *
s_begin (const char *rules)
{
    static char slack[120], twilio[120];
    char json[4000], url[80] = "";
    s_began = clock_mono_ms ();
    snprintf (s_place, sizeof s_place, "/tmp/alert-peers-XXXXXX");
    cr_assert (mkdtemp (s_place));
    s_peers = process_new ("Slack and Twilio", "python3",
                           (const char *const[]){ ALERT_PEERS, s_place, NULL }, NULL);
    cr_assert (s_peers && process_wait_log (s_peers, "ready", 20000));
    FILE *file = fopen (s_path ("url"), "r");
    cr_assert (file && fgets (url, sizeof url, file));
    fclose (file);
    snprintf (slack, sizeof slack, "SLACK_URL=%s/api", url);
    snprintf (twilio, sizeof twilio, "TWILIO_URL=%s", url);
    const char *const settings[] = { slack,
                                     twilio,
                                     "ALERT_URL=" BASE,
                                     "ALERT_KEY=0123456789abcdef0123456789abcdef",
                                     "ALERT_PAUSES=1s,1s,2s,2s",
                                     "WORK_LEASE=20s",
                                     NULL };
    snprintf (json, sizeof json, PEOPLE "%s" BEHIND, rules);
    return desk_begins (json, &(stack_plan_t){ .postoffices = 2,
                                               .worker = "notifier",
                                               .workers = 2,
                                               .settings = settings });
}

static void
s_end (router_stack_t **stack_p)
{
    char command[80];
    desk_ends (stack_p);
    process_destroy (&s_peers);
    snprintf (command, sizeof command, "rm -rf %s", s_place);
    cr_assert_eq (system (command), 0);
}

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    const char *found = desk_sql (stack, sql);
    wait_report_saw (sql, "%s", found);
    return strcmp (found, value) == 0;
}

//  The notifier whose request this is.
static const char *
s_sender (router_stack_t *stack, const char *metric)
{
    return stack_metric (stack, "notifier-1", metric) > 0 ? "notifier-1" : "notifier-2";
}

static void
s_kill (router_stack_t *stack, const char *name)
{
    stack_kill (stack, name);
    s_tell ("kill -9 %s", name);
    cr_assert (stack_start (stack, name));
    s_tell ("%s is there again", name);
}

static int
s_open (router_stack_t *stack, const char *method, const char *path, const char *words)
{
    http_answer_t answer = http_request (stack_edge_port (stack, 1), method, path, "", "", 0);
    cr_expect (answer.body && strstr (answer.body, words), "%s", answer.body);
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

//  The link of a message that was taken.
static const char *
s_link_path (const char *name)
{
    static char path[600];
    char line[4000] = "";
    FILE *file = fopen (s_path (name), "r");
    cr_assert (file && fgets (line, sizeof line, file));
    fclose (file);
    const char *link = strstr (line, BASE "/alerts/");
    cr_assert (link, "%s", line);
    snprintf (path, sizeof path, "%.*s", (int) strcspn (link + strlen (BASE), " \"\\|>"),
              link + strlen (BASE));
    return path;
}

#define ALERT_IS "SELECT concat_ws (' ', state, step) FROM alert"

Test (alert_kills, people_are_called_until_one_comes, .timeout = 300)
{
    router_stack_t *stack
        = s_begin ("{\"name\":\"waiting\",\"on\":\"visitor-waits\",\"afterSeconds\":2,\"steps\":["
                   "{\"by\":[\"slack\"],\"to\":[\"group:front-desk\"]},"
                   "{\"afterSeconds\":4,\"by\":[\"sms\"],\"to\":[\"person:anna\"]},"
                   "{\"afterSeconds\":600,\"by\":[\"sms\"],\"to\":[\"person:otto\"]}],"
                   "\"text\":\"{{visitor.id}} waits: {{message.text}}\"}");
    desk_agent (stack, "ann", "available", 0, "sales");
    person_t *vic = rich_visitor_opens (stack, 1, "vic", "s1");
    says (vic, "is anybody there?");
    s_hold ("hold-slack");
    s_hold ("hold-sms");
    desk_offers (stack, "s1", "[\"group:sales\"]");
    s_tell ("a visitor waits");

    EVENTUALLY (WITHIN_MS, s_there_is ("held-slack"));
    s_tell ("Slack is called, and has taken nothing yet");
    s_kill (stack, s_sender (stack, "stentor_notifier_slack_sending"));
    unlink (s_path ("hold-slack"));
    s_kill (stack, "postoffice-1");
    EVENTUALLY (WITHIN_MS, s_count ("slack.log", NULL) == 1);
    s_tell ("Slack has the message");
    cr_expect_eq (s_count ("slack.log", "vic waits: is anybody there?"), 1);
    //  One that is lost for the second time is a dead letter, as Slack cannot be asked what it has.
    EVENTUALLY (WITHIN_MS, s_is (stack, "SELECT state FROM work_item"
                                        " WHERE topic = 'notify.slack'", "2"));
    s_tell ("and that is stored");

    EVENTUALLY (WITHIN_MS, s_there_is ("held-sms"));
    s_tell ("nobody came: Twilio has taken an SMS to Anna, and has not said so yet");
    s_kill (stack, s_sender (stack, "stentor_notifier_sms_sending"));
    unlink (s_path ("hold-sms"));
    s_kill (stack, "postoffice-2");
    EVENTUALLY (WITHIN_MS, s_is (stack, "SELECT string_agg (concat_ws (' ', topic, state), ', '"
                                        " ORDER BY topic) FROM work_item"
                                        " WHERE topic LIKE 'notify.%'",
                                 "notify.slack 2, notify.sms 2"));
    s_tell ("the SMS stands in Twilio's list: it is not sent again");
    cr_expect (s_is (stack, ALERT_IS, "0 2"));

    const char *path = s_link_path ("sms.log");
    cr_expect_eq (s_open (stack, "GET", path, "<button>"), 200);
    cr_expect (s_is (stack, ALERT_IS, "0 2"));
    s_tell ("a scanner opens the link in the SMS: nothing");
    cr_expect_eq (s_open (stack, "POST", path, "Nobody else is called"), 200);
    cr_expect (s_is (stack, "SELECT concat_ws (' ', state, ended_by) FROM alert", "1 anna"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 15", "1"));
    cr_expect (s_is (stack, "SELECT state >= 2 FROM work_item WHERE topic = 'alert'", "t"));
    s_tell ("Anna presses the button: acknowledged, and Otto is not called");

    person_t *anna = rich_agent_opens (stack, 1, "anna", "s1");
    barges_in (anna, "Anna");
    sees (vic, "user joined", "anna");
    says (anna, "I am here");
    hears_at_last (vic, "anna", "I am here");
    s_tell ("Anna takes over, and answers");
    cr_expect_eq (s_count ("slack.log", NULL), 1);
    cr_expect_eq (s_count ("sms.log", NULL), 1);
    cr_expect (s_is (stack, "SELECT count (*) FROM alert", "1"));
    leaves (&anna);
    leaves (&vic);
    s_end (&stack);
}

//  Every postoffice and notifier, one after the other, while there is something to call about.
Test (alert_kills, many_alerts_none_lost_none_doubled, .timeout = 300)
{
    static const char *const victims[] = { "postoffice-1", "notifier-1", "postoffice-2",
                                           "notifier-2" };
    router_stack_t *stack = s_begin ("{\"name\":\"word\",\"on\":\"session-started\","
                                     "\"mostPerHour\":1000,"
                                     "\"steps\":[{\"by\":[\"sms\"],\"to\":[\"person:anna\"]}],"
                                     "\"text\":\"about {{visitor.id}}. {{link}}\"}");
    char name[20], text[40];
    for (unsigned at = 0; at < CROWD; at++) {
        snprintf (name, sizeof name, "c%u", at);
        desk_visitor (stack, name);
        if (at % 4 == 3)
            s_kill (stack, victims[at / 4]);
    }
    s_tell ("%u visitors have come", CROWD);
    EVENTUALLY (120000, s_is (stack, "SELECT count (*) FILTER (WHERE state = 2) = 16 AND"
                                     " count (*) = 16 FROM work_item WHERE topic = 'notify.sms'",
                              "t"));
    for (unsigned at = 0; at < CROWD; at++) {
        snprintf (text, sizeof text, "about v-c%u.", at);
        cr_expect_eq (s_count ("sms.log", text), 1, "%s %u", text, s_count ("sms.log", text));
    }
    s_tell ("%u SMS for %u alerts: none lost, none doubled", s_count ("sms.log", NULL), CROWD);
    cr_expect_eq (s_count ("sms.log", NULL), CROWD);
    s_end (&stack);
}
