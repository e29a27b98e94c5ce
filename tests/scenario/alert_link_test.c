//  alert_link — a visitor says a rule's keyword, somebody is called, and acknowledges by the link
//  in the mail: a scanner that opens it changes nothing.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WITHIN_MS 20000
#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define AUTHORIZED "authorization: Bearer " API_KEY "\r\n"
#define BASE "https://chat.example.com"

static const char s_apps[] =
    "{ \"apps\": [ { \"appId\": \"demo\", \"bot\": { \"url\": \"%s\" },"
    " \"apiKeys\": { \"keys\": [ { \"name\": \"crm\", \"hash\": \"" API_KEY_HASH "\" } ] },"
    " \"people\": [ { \"id\": \"anna\", \"name\": \"Anna\", \"email\": \"anna@example.com\" },"
    "   { \"id\": \"ben\", \"name\": \"Ben & <Co>\", \"email\": \"ben@example.com\" } ],"
    " \"email\": { \"url\": \"smtp://127.0.0.1:1\", \"security\": \"none\","
    "   \"from\": \"alerts@example.com\", \"withoutLogin\": true },"
    " \"alerts\": [ { \"name\": \"money\", \"on\": \"keyword\","
    "   \"where\": { \"keywords\": [\"refund\"] },"
    "   \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\", \"person:ben\"] },"
    "     { \"afterSeconds\": 600, \"by\": [\"email\"], \"to\": [\"person:anna\"] } ],"
    "   \"subject\": \"s\", \"text\": \"{{message.text}} {{link}}\" },"
    "   { \"name\": \"elsewhere\", \"on\": \"visitor-waits\","
    "     \"where\": { \"keywords\": [\"refund\"], \"pages\": [\"/checkout\"],"
    "       \"languages\": [\"de\"], \"groups\": [\"desk\"] },"
    "     \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\"] } ] } ] } ] }";

static char s_path[100];

static router_stack_t *
s_stack (void)
{
    static char setting[120];
    snprintf (s_path, sizeof s_path, "/tmp/stentor-apps-XXXXXX");
    int descriptor = mkstemp (s_path);
    FILE *file = fdopen (descriptor, "w");
    cr_assert (file);
    fprintf (file, s_apps, "http://127.0.0.1:1/");
    fclose (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "SESSION_GRACE=2s", "ALERT_URL=" BASE,
                                     "ALERT_KEY=0123456789abcdef0123456789abcdef",
                                     "CONSOLE_URL=https://console.example.com/{app}?a=1"
                                     "&s={session}",
                                     NULL };
    router_stack_t *stack =
        stack_new (&(stack_plan_t){ .postoffices = 2, .settings = settings });
    cr_assert (stack);
    EVENTUALLY (WITHIN_MS, stack_metric (stack, "edge-", "stentor_edge_postoffices") == 2);
    return stack;
}

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    char *answer = postgres_query (stack_postgres (stack), sql);
    bool is_so = answer && strcmp (answer, value) == 0;
    free (answer);
    return is_so;
}

//  The page's status; `words`, if any, stand in it.
static int
s_open (router_stack_t *stack, const char *method, const char *path, const char *words)
{
    http_answer_t answer = http_request (stack_edge_port (stack, 1), method, path, "", "", 0);
    cr_expect (!words || (answer.body && strstr (answer.body, words)), "%s", answer.body);
    static const char *const once[] = { "referrer-policy:", "x-content-type-options:" };
    for (size_t at = 0; at < sizeof once / sizeof *once; at++) {
        const char *first = strstr (answer.headers, once[at]);
        cr_expect (first && !strstr (first + 1, once[at]), "%s", answer.headers);
    }
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

//  By an app's server; item: with its slashes written as %2F.
static int
s_acknowledge (router_stack_t *stack, const char *item)
{
    char path[400];
    snprintf (path, sizeof path, "/api/v1/alerts/%s/acknowledge", item);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), "POST", path, AUTHORIZED, "", 0);
    int status = answer.status;
    http_answer_free (&answer);
    return status;
}

//  The path of the person's link, on the heap.
static char *
s_link (router_stack_t *stack, const char *person)
{
    char sql[200];
    snprintf (sql, sizeof sql, "SELECT body::json ->> 'link' FROM work_item"
                               " WHERE topic = 'notify.email' AND user_id = '%s' LIMIT 1", person);
    char *link = postgres_query (stack_postgres (stack), sql);
    cr_assert (link && strncmp (link, BASE "/alerts/", strlen (BASE "/alerts/")) == 0, "%s", link);
    memmove (link, link + strlen (BASE), strlen (link + strlen (BASE)) + 1);
    return link;
}

//  It says what it is about, and who has it; of two people the first one, however much was said
//  since. What people call themselves is text.
Test (alert_link, says_who_has_it, .timeout = 120)
{
    router_stack_t *stack = s_stack ();
    person_t *vic = rich_visitor_opens (stack, 1, "vic", "s-1");
    says (vic, "I want a refund");
    EVENTUALLY (WITHIN_MS, s_is (stack, "SELECT concat_ws (' ', state, step) FROM alert", "0 1"));
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE participant SET info = '{\"name\": \"<i>Vic\"}'"
                              " WHERE role = 1"));
    char *anna = s_link (stack, "anna"), *ben = s_link (stack, "ben");
    static const char *const shown[] = {
        "<dt>Rule</dt><dd>money</dd>", "<dt>App</dt><dd>demo</dd>",
        "<dt>Visitor</dt><dd>&lt;i&gt;Vic</dd>",
        "href=\"https://console.example.com/demo?a=1&amp;s=s-1\"", "<button>" };
    for (size_t at = 0; at < sizeof shown / sizeof *shown; at++)
        cr_expect_eq (s_open (stack, "GET", anna, shown[at]), 200);
    http_answer_t page = http_request (stack_edge_port (stack, 1), "GET", anna, "", "", 0);
    cr_expect (!strstr (page.body, "refund") && !strstr (page.body, "has it"), "%s", page.body);
    http_answer_free (&page);

    cr_expect_eq (s_open (stack, "POST", ben, "Ben &amp; &lt;Co&gt; has it since "), 200);
    cr_expect_eq (s_open (stack, "GET", anna, "Ben &amp; &lt;Co&gt; has it since "), 200);
    page = http_request (stack_edge_port (stack, 1), "GET", anna, "", "", 0);
    cr_expect (!strstr (page.body, "<button>") && strstr (page.body, " (UTC)"), "%s", page.body);
    http_answer_free (&page);
    cr_expect_eq (s_open (stack, "POST", anna, "Ben &amp; &lt;Co&gt; has it since "), 200);
    cr_expect (s_is (stack, "SELECT string_agg (user_id, ' ') FROM log WHERE event = 15", "ben"));
    //  More is said than a postoffice remembers ids of.
    person_t *abe = rich_agent_opens (stack, 1, "abe", "s-1");
    barges_in (abe, "Abe");
    for (unsigned at = 1; at <= 170; at++) {
        char sql[100];
        snprintf (sql, sizeof sql, "SELECT count (*) >= %u FROM log WHERE event = 3", at);
        says (vic, "well?");
        if (at % 10 == 0)
            EVENTUALLY (WITHIN_MS, s_is (stack, sql, "t"));
    }
    cr_expect_eq (s_open (stack, "POST", anna, "Ben &amp; &lt;Co&gt; has it since "), 200);
    cr_expect (s_is (stack, "SELECT string_agg (user_id, ' ') FROM log WHERE event = 15", "ben"));
    cr_expect (s_is (stack, "SELECT concat_ws (' ', state, ended_by) FROM alert", "1 ben"));
    free (anna);
    free (ben);
    leaves (&abe);
    leaves (&vic);
    stack_destroy (&stack);
    unlink (s_path);
}

//  Who may read work items is not to acknowledge by what stands in one, nor in the rule's words.
static void
s_expect_hidden (router_stack_t *stack, const char *link)
{
    char path[600];
    char *item = postgres_query (stack_postgres (stack),
                                 "SELECT replace (item, '/', '%2F') FROM work_item"
                                 " WHERE topic = 'notify.email' AND user_id = 'anna'");
    cr_assert (item);
    snprintf (path, sizeof path, "/api/v1/work-items/%s", item);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), "GET", path, AUTHORIZED, "", 0);
    cr_expect_eq (answer.status, 200);
    cr_expect (strstr (answer.body, "I want a refund " BASE "/alerts/…\""), "%s", answer.body);
    cr_expect (strstr (answer.body, "\"link\":\"" BASE "/alerts/…\""), "%s", answer.body);
    cr_expect_not (strstr (answer.body, strrchr (link, '/') + 1), "%s", answer.body);
    http_answer_free (&answer);
    free (item);
}

//  What a rule would do about the session as it is.
static void
s_expect_tried (router_stack_t *stack, const char *rule, const char *conditions)
{
    char path[200];
    snprintf (path, sizeof path, "/api/v1/alerts/try?rule=%s&session=s-1", rule);
    http_answer_t answer =
        http_request (stack_edge_port (stack, 1), "POST", path, AUTHORIZED, "", 0);
    cr_expect_eq (answer.status, 200);
    cr_expect (strstr (answer.body, conditions), "%s", answer.body);
    http_answer_free (&answer);
}

//  Presses a button, somewhen; what the page says then.
typedef struct {
    pthread_t thread;
    router_stack_t *stack;
    char *path;
    char who[40];
} presser_t;

static void *
s_presses (void *of_presser)
{
    presser_t *self = of_presser;
    http_answer_t page =
        http_request (stack_edge_port (self->stack, 1), "POST", self->path, "", "", 0);
    const char *end = page.body ? strstr (page.body, " has it since ") : NULL;
    const char *begin = end ? end : "";
    while (end && begin[-1] != '>')
        begin--;
    snprintf (self->who, sizeof self->who, "%.*s", end ? (int) (end - begin) : 0, begin);
    http_answer_free (&page);
    return NULL;
}

//  Two people press at once, again and again: one of them has it, and both are told who.
Test (alert_link, is_pressed_by_two_at_once, .timeout = 120)
{
    enum { ROUNDS = 8 };
    router_stack_t *stack = s_stack ();
    for (unsigned round = 1; round <= ROUNDS; round++) {
        char session[20], sql[300];
        presser_t pressers[2] = { { .stack = stack }, { .stack = stack } };
        snprintf (session, sizeof session, "s-%u", round);
        person_t *vic = rich_visitor_opens (stack, 1, "vic", session);
        says (vic, "I want a refund");
        for (unsigned at = 0; at < 2; at++) {
            snprintf (sql, sizeof sql, "SELECT replace (body::json ->> 'link', '" BASE "', '')"
                                       " FROM work_item WHERE topic = 'notify.email' AND user_id ="
                                       " '%s' AND session = 'demo/%s'",
                      at == 0 ? "anna" : "ben", session);
            EVENTUALLY (WITHIN_MS, (pressers[at].path =
                                        postgres_query (stack_postgres (stack), sql)) != NULL
                                       && *pressers[at].path);
        }
        for (unsigned at = 0; at < 2; at++)
            pthread_create (&pressers[at].thread, NULL, s_presses, &pressers[at]);
        for (unsigned at = 0; at < 2; at++)
            pthread_join (pressers[at].thread, NULL);
        snprintf (sql, sizeof sql, "SELECT string_agg (user_id, ' ') FROM log WHERE event = 15"
                                   " AND session = 'demo/%s'", session);
        cr_expect (s_is (stack, sql, strcmp (pressers[0].who, "Anna") == 0 ? "anna" : "ben"));
        cr_expect (*pressers[0].who && strcmp (pressers[0].who, pressers[1].who) == 0, "%s, %s",
                   pressers[0].who, pressers[1].who);
        for (unsigned at = 0; at < 2; at++)
            free (pressers[at].path);
        leaves (&vic);
    }
    stack_destroy (&stack);
    unlink (s_path);
}

Test (alert_link, is_opened_by_a_scanner_and_pressed_by_a_person, .timeout = 120)
{
    router_stack_t *stack = s_stack ();
    person_t *vic = rich_visitor_opens (stack, 1, "vic", "s-1");
    says (vic, "I want a refund");
    EVENTUALLY (WITHIN_MS, s_is (stack, "SELECT concat_ws (' ', state, step) FROM alert", "0 1"));
    char *path = s_link (stack, "anna");
    s_expect_hidden (stack, path);
    //  A scanner, and somebody who guesses.
    cr_expect_eq (s_open (stack, "GET", path, "<button>"), 200);
    cr_expect_eq (s_open (stack, "HEAD", path, NULL), 200);
    cr_expect_eq (s_open (stack, "PUT", path, NULL), 405);
    cr_expect_eq (s_open (stack, "POST", "/alerts/00.00", NULL), 404);
    char *forged = strdup (path);
    forged[strlen (forged) - 1] ^= 1;
    cr_expect_eq (s_open (stack, "POST", forged, NULL), 404);
    free (forged);
    cr_expect (s_is (stack, "SELECT state FROM alert", "0"));
    //  An agent hears of it, the visitor does not.
    person_t *abe = rich_agent_opens (stack, 1, "abe", "s-1");
    cr_expect_eq (s_open (stack, "POST", path, "Anna has it since "), 200);
    sees (abe, "alert acknowledged", NULL);
    sees_no (vic, "alert acknowledged", 300);
    cr_expect_eq (s_open (stack, "POST", path, "Anna has it since "), 200);
    cr_expect (s_is (stack, "SELECT concat_ws (' ', state, ended_by) FROM alert", "1 anna"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 15", "1"), "said once");
    cr_expect (s_is (stack, "SELECT string_agg (DISTINCT state::text, ' ') FROM work_item"
                            " WHERE topic IN ('alert', 'notify.email')", "4"));
    http_answer_t answer = http_request (stack_edge_port (stack, 1), "GET",
                                         "/api/v1/alerts?state=acknowledged", AUTHORIZED, "", 0);
    cr_expect_eq (answer.status, 200);
    cr_expect (strstr (answer.body, "\"anna\""), "%s", answer.body);
    http_answer_free (&answer);
    s_expect_tried (stack, "money", "\"isMet\":true,\"unmet\":[]");
    s_expect_tried (stack, "elsewhere",
                    "\"isMet\":false,\"unmet\":[\"languages\",\"pages\",\"groups\"]");
    //  What it would say now.
    answer = http_request (stack_edge_port (stack, 1), "POST",
                           "/api/v1/alerts/try?rule=money&session=s-1", AUTHORIZED, "", 0);
    cr_expect_eq (answer.status, 200);
    cr_expect (strstr (answer.body, "\"address\":\"anna@example.com\"")
                   && strstr (answer.body, "I want a refund " BASE "/alerts/"),
               "%s", answer.body);
    http_answer_free (&answer);
    cr_expect (s_is (stack, "SELECT count (*) FROM alert", "1"));
    answer = http_request (stack_edge_port (stack, 1), "POST", "/api/v1/alerts/try?rule=money",
                           AUTHORIZED, "", 0);
    cr_expect_eq (answer.status, 400);
    http_answer_free (&answer);
    free (path);
    //  One that nobody has raised, in a session that there is: nothing is written.
    cr_expect_eq (s_acknowledge (stack, ":alert:money:demo%2Fs-1:1:1"), 404);
    cr_expect_eq (s_acknowledge (stack, ":alert:made-up:demo%2Fs-1:999999:1"), 404);
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 15", "1"));
    //  One that is still to come calls nobody. The session is closed by then, and stays so.
    answer = http_request (stack_edge_port (stack, 1), "POST", "/api/v1/sessions/s-1/close",
                           AUTHORIZED, "{}", 2);
    cr_expect_eq (answer.status, 200);
    http_answer_free (&answer);
    static const char item[] = ":alert:later:demo%2Fs-1:1:1003";
    cr_assert (postgres_exec (stack_postgres (stack),
                              "INSERT INTO work_item (item, kind, app, session, topic, seq, body,"
                              " next_at) VALUES (':alert:later:demo/s-1:1:1003', 3, 'demo',"
                              " 'demo/s-1', 'alert', 1, '{\"rule\": \"later\","
                              " \"event\": \"visitor-waits\"}', now () + interval '1 hour')"));
    cr_expect_eq (s_acknowledge (stack, item), 200);
    cr_expect (s_is (stack, "SELECT state FROM work_item WHERE item LIKE ':alert:later:%'", "4"));
    cr_expect (s_is (stack, "SELECT concat_ws (' ', state, step, ended_by) FROM alert"
                            " WHERE rule = 'later'", "1 0 crm"));
    cr_expect_eq (s_acknowledge (stack, item), 200);
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 15", "2"));
    cr_expect (s_is (stack, "SELECT closed_at IS NOT NULL FROM session", "t"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE event = 9", "0"), "reopened");
    leaves (&abe);
    leaves (&vic);
    stack_destroy (&stack);
    unlink (s_path);
}
