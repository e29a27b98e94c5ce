//  notifier, e-mail: what it makes of everything that a mail server can say, leave out or break off
//  (smtp_server.py is the server), and what it tells the postoffice.

#include "model/model.h"
#include "worker_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTINGS_MOST 12
#define BODY                                                                                     \
    "{\"kind\":\"alert\",\"appId\":\"a\",\"sessionId\":\"s-1\",\"alert\":\"7\","                 \
    "\"rule\":\"waiting\",\"event\":\"visitor-waits\",\"step\":0,"                               \
    "\"time\":\"2026-11-26T21:00:00.000Z\",\"person\":{\"id\":\"anna\",\"name\":\"Anna\"},"      \
    "\"address\":\"anna@example.com\",\"subject\":\"Bob waits\",\"text\":\"Hello\\n.\\nbye\"}"

static char s_directory[] = "/tmp/notifier-mail-XXXXXX";
static process_t *s_server;
static worker_fixture_t *s_fixture;

static void
s_start (const char *const *more)
{
    char apps[80], ca[80];
    cr_assert (mkdtemp (s_directory));
    s_server = process_new ("mail server", "python3",
                            (const char *const[]){ SMTP_SERVER, s_directory, NULL }, NULL);
    cr_assert (process_wait_log (s_server, "ready", 20000));
    snprintf (apps, sizeof apps, "APPS_FILE=%s/apps.json", s_directory);
    snprintf (ca, sizeof ca, "OUT_CA_FILE=%s/ca.pem", s_directory);
    const char *const usual[] = { apps, ca, "TRY_WITHIN=2s", "ALERT_PAUSES=1m,5m,15m", NULL };
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    s_fixture = worker_fixture_start ("notifier", settings);
}

static void
s_end (void)
{
    char command[80];
    worker_fixture_end (s_fixture);
    process_destroy (&s_server);
    snprintf (command, sizeof command, "rm -rf %s", s_directory);
    cr_assert_eq (system (command), 0);
}

static void
s_hand (const char *item, const char *app, const char *memory, uint64_t lost, uint64_t attempt)
{
    worker_fixture_hand (s_fixture, &(bus_work_t){ .item = text_of (item),
                                                   .app = text_of (app),
                                                   .topic = TEXT ("notify.email"),
                                                   .body = TEXT (BODY),
                                                   .memory = text_of (memory),
                                                   .lost = lost,
                                                   .attempt = attempt });
}

static const worker_heard_t *
s_done (const char *item)
{
    return worker_fixture_done (s_fixture, item, 1, 20000);
}

//  What clients said to the app's server; the caller frees it.
static char *
s_log (const char *app)
{
    char path[120], *log = calloc (1, 1 << 16);
    snprintf (path, sizeof path, "%s/%s.log", s_directory, app);
    FILE *file = fopen (path, "r");
    if (file) {
        log[fread (log, 1, (1 << 16) - 1, file)] = '\0';
        fclose (file);
    }
    cr_assert (!strstr (log, "WRONG"), "%s", log);
    return log;
}

static unsigned
s_count (const char *app, const char *line)
{
    char *log = s_log (app);
    unsigned count = 0;
    for (const char *at = log; (at = strstr (at, line)); at++)
        count++;
    free (log);
    return count;
}

static double
s_metric (const char *result)
{
    char sample[100];
    snprintf (sample, sizeof sample, "stentor_notifier_mails_total{result=\"%s\"}", result);
    return process_metric (s_fixture->process, sample);
}

// ------------------------------------------------------------------------------------------------

Test (mail, is_sent_with_tls_and_login, .timeout = 60)
{
    s_start (NULL);
    s_hand ("one", "good", "", 0, 1);
    const worker_heard_t *done = s_done ("one");
    cr_assert_eq (done->outcome, OUTCOME_ANSWERED, "%s", done->detail);
    cr_assert_eq (done->status, 250);
    cr_assert_eq (done->destination, DESTINATION_WELL);
    cr_assert_str_eq (done->detail, "sent: 250 2.0.0 taken as 7");
    char *log = NULL; //  QUIT may come later: nobody waits for what it comes to
    EVENTUALLY (20000, (free (log), log = s_log ("good"), strstr (log, "\nQUIT\n")));
    static const char *const lines[] = {
        "connected\nEHLO example.com\nSTARTTLS\nEHLO example.com\nAUTH PLAIN\nMAIL FROM:",
        "\nMAIL FROM:<alerts@example.com>\nRCPT TO:<anna@example.com>\nDATA\n",
        "\n Date: Thu, 26 Nov 2026 21:00:00 +0000\n",
        "\n From: \"Chat\" <alerts@example.com>\n",
        "\n To: \"Anna\" <anna@example.com>\n",
        "\n Subject: Bob waits\n",
        "\n References: <session.a.s-1@example.com>\n",
        "\n Auto-Submitted: auto-generated\n",
        "\n Hello\n .\n bye\n",
        "\n.\nQUIT\n",
    };
    for (size_t at = 0; at < sizeof lines / sizeof *lines; at++)
        cr_assert (strstr (log, lines[at]), "%s\nin\n%s", lines[at], log);
    free (log);
    cr_assert_eq (process_log_count (s_fixture->process, "open-sesame"), 0);
    cr_assert_eq (process_log_count (s_fixture->process, "anna@"), 0);
    s_end ();
}

typedef struct {
    const char *app;
    uint64_t outcome;
    const char *detail; //  how it begins
    uint64_t destination;
    const char *result; //  of the metric
    uint64_t status;
} row_t;

#define UNSURE "no answer to the mail: it may have been delivered"
#define NOW "the server does not take it now: "
#define NOTHING "the server takes nothing now: "
#define REFUSED "the server refuses the mail: "
#define CUT "the connection ended before the mail was sent"
#define NO_LOGIN "the server offers no login (withoutLogin would send without one): "

//  Every row of the fact sheet.
static const row_t s_rows[] = {
    { "good-tls", OUTCOME_ANSWERED, "sent: 250", DESTINATION_WELL, "sent", 250 },
    { "good-plain", OUTCOME_ANSWERED, "sent: 250", DESTINATION_WELL, "sent", 250 },
    { "greeting-421", OUTCOME_RETRY, NOTHING "421", DESTINATION_FAILED, "service_later", 421 },
    { "greeting-554", OUTCOME_DEAD, "the server takes no mail from us: 554 5.7.1",
      DESTINATION_FAILED, "no_service", 554 },
    { "greeting-close", OUTCOME_RETRY, CUT, DESTINATION_FAILED, "cut", 0 },
    { "greeting-hang", OUTCOME_RETRY, "the server did not answer in time", DESTINATION_FAILED,
      "timeout", 0 },
    { "greeting-then-close", OUTCOME_RETRY, CUT, DESTINATION_FAILED, "cut", 0 },
    { "helo-only", OUTCOME_DEAD, "the server offers no STARTTLS", DESTINATION_FAILED, "no_starttls",
      502 },
    { "helo-only-tls", OUTCOME_DEAD, NO_LOGIN "250", DESTINATION_FAILED, "no_login", 250 },
    { "helo-only-plain", OUTCOME_ANSWERED, "sent: 250", DESTINATION_WELL, "sent", 250 },
    { "no-starttls", OUTCOME_DEAD, "the server offers no STARTTLS: nothing is sent in clear",
      DESTINATION_FAILED, "no_starttls", 250 },
    { "starttls-454", OUTCOME_RETRY, "the server cannot begin TLS now: 454", DESTINATION_FAILED,
      "starttls_later", 454 },
    { "injected", OUTCOME_RETRY, "the server said more than it may before TLS", DESTINATION_FAILED,
      "injected", 0 },
    { "not-trusted", OUTCOME_DEAD, "the server's certificate is not valid", DESTINATION_FAILED,
      "certificate", 0 },
    { "expired", OUTCOME_DEAD,
      "the server's certificate is not valid: SSL certificate problem: certificate has expired",
      DESTINATION_FAILED, "certificate", 0 },
    { "tls-to-plain", OUTCOME_RETRY, "TLS could not be set up", DESTINATION_FAILED, "tls", 0 },
    { "no-auth", OUTCOME_DEAD, NO_LOGIN "250", DESTINATION_FAILED, "no_login", 250 },
    { "no-auth-starttls", OUTCOME_DEAD, NO_LOGIN "250", DESTINATION_FAILED, "no_login", 250 },
    { "no-auth-allowed", OUTCOME_ANSWERED, "sent: 250", DESTINATION_WELL, "sent", 250 },
    { "no-mechanism", OUTCOME_RETRY, "the server refuses the login", DESTINATION_FAILED,
      "login_refused", 250 },
    { "auth-535", OUTCOME_RETRY, "the server refuses the login: 535", DESTINATION_FAILED,
      "login_refused", 535 },
    { "auth-454", OUTCOME_RETRY, "the server cannot check the login now: 454", DESTINATION_FAILED,
      "login_later", 454 },
    { "auth-538", OUTCOME_RETRY, "the server refuses the login: 538", DESTINATION_FAILED,
      "login_refused", 538 },
    { "mail-451", OUTCOME_RETRY, NOW "451", DESTINATION_UNSAID, "later", 451 },
    { "mail-452", OUTCOME_RETRY, NOW "452", DESTINATION_UNSAID, "later", 452 },
    { "mail-421", OUTCOME_RETRY, NOTHING "421", DESTINATION_FAILED, "service_later", 421 },
    { "mail-530", OUTCOME_DEAD, "the server wants a login, or another one: 530",
      DESTINATION_FAILED, "needs_login", 530 },
    { "mail-550", OUTCOME_DEAD, REFUSED "550", DESTINATION_WELL, "refused", 550 },
    { "mail-close", OUTCOME_RETRY, CUT, DESTINATION_FAILED, "cut", 0 },
    { "rcpt-450", OUTCOME_RETRY, NOW "450 4.2.0 greylisted", DESTINATION_UNSAID, "later", 450 },
    { "rcpt-501", OUTCOME_DEAD, "the server does not understand us: 501", DESTINATION_UNSAID,
      "syntax", 501 },
    { "rcpt-550", OUTCOME_DEAD, REFUSED "550 5.1.1 no such", DESTINATION_WELL, "refused", 550 },
    { "rcpt-550-4", OUTCOME_RETRY, NOW "550 4.2.1", DESTINATION_UNSAID, "later", 550 },
    { "rcpt-552", OUTCOME_RETRY, NOW "552", DESTINATION_UNSAID, "later", 552 },
    { "rcpt-553", OUTCOME_DEAD, REFUSED "553", DESTINATION_WELL, "refused", 553 },
    { "rcpt-close", OUTCOME_RETRY, CUT, DESTINATION_FAILED, "cut", 0 },
    { "rcpt-hang", OUTCOME_RETRY, "the server did not answer in time", DESTINATION_FAILED,
      "timeout", 0 },
    { "data-421", OUTCOME_RETRY, NOTHING "421", DESTINATION_FAILED, "service_later", 421 },
    { "data-554", OUTCOME_DEAD, REFUSED "554", DESTINATION_WELL, "refused", 554 },
    { "end-421", OUTCOME_RETRY, NOTHING "421", DESTINATION_FAILED, "service_later", 421 },
    { "end-451", OUTCOME_RETRY, NOW "451", DESTINATION_UNSAID, "later", 451 },
    { "end-552", OUTCOME_DEAD, REFUSED "552", DESTINATION_WELL, "refused", 552 },
    { "end-554", OUTCOME_DEAD, REFUSED "554 5.7.1 spam", DESTINATION_WELL, "refused", 554 },
    { "end-554-4", OUTCOME_RETRY, NOW "554 4.7.1", DESTINATION_UNSAID, "later", 554 },
    { "end-close", OUTCOME_RETRY, UNSURE, DESTINATION_FAILED, "unsure", 0 },
    { "end-reset", OUTCOME_RETRY, UNSURE, DESTINATION_FAILED, "unsure", 0 },
    { "end-hang", OUTCOME_RETRY, UNSURE, DESTINATION_FAILED, "unsure", 0 },
    { "end-half", OUTCOME_RETRY, UNSURE, DESTINATION_FAILED, "unsure", 0 },
    { "quit-hang", OUTCOME_ANSWERED, "sent: 250", DESTINATION_WELL, "sent", 250 },
    { "quit-close", OUTCOME_ANSWERED, "sent: 250", DESTINATION_WELL, "sent", 250 },
    { "refused", OUTCOME_RETRY, "the server cannot be reached", DESTINATION_FAILED, "unreachable",
      0 },
    { "resolve", OUTCOME_RETRY, "the server's name has no address", DESTINATION_FAILED, "resolve",
      0 },
    { "no-email", OUTCOME_RETRY, "the app has no section \"email\" here", DESTINATION_UNSAID, NULL,
      0 },
};
#define ROWS (sizeof s_rows / sizeof *s_rows)

static double
s_expected (const char *result)
{
    double count = 0;
    for (size_t row = 0; row < ROWS; row++)
        count += s_rows[row].result && strcmp (s_rows[row].result, result) == 0;
    return count;
}

Test (mail, every_way_to_fail, .timeout = 120)
{
    s_start (NULL);
    for (size_t row = 0; row < ROWS; row++)
        s_hand (s_rows[row].app, s_rows[row].app, "", 0, 1);
    for (size_t row = 0; row < ROWS; row++) {
        const row_t *wanted = &s_rows[row];
        const worker_heard_t *done = s_done (wanted->app);
        cr_expect_eq (done->outcome, wanted->outcome, "%s: %s", wanted->app, done->detail);
        cr_expect (strncmp (done->detail, wanted->detail, strlen (wanted->detail)) == 0, "%s: %s",
                   wanted->app, done->detail);
        cr_expect_eq (done->destination, wanted->destination, "%s", wanted->app);
        cr_expect_eq (done->status, wanted->status, "%s: %" PRIu64, wanted->app, done->status);
        cr_expect_eq (done->after_ms > 0, done->outcome == OUTCOME_RETRY, "%s", wanted->app);
        cr_expect (!strstr (done->detail, "b3Blbi1"), "%s", done->detail);
        cr_expect (!strstr (done->detail, "open-sesame"), "%s", done->detail);
    }
    for (size_t row = 0; row < ROWS; row++)
        if (s_rows[row].result)
            cr_expect_eq (s_metric (s_rows[row].result), s_expected (s_rows[row].result), "%s",
                          s_rows[row].result);
    cr_assert_eq (process_metric (s_fixture->process, "stentor_notifier_mails_sending"), 0);
    cr_assert_eq (process_log_count (s_fixture->process, "b3Blbi1"), 0);
    cr_assert_eq (process_log_count (s_fixture->process, "open-sesame"), 0);
    //  Nothing of a mail where it must not go.
    static const char *const silent[] = { "no-starttls", "helo-only",    "injected",
                                          "not-trusted", "no-mechanism", "helo-only-tls",
                                          "no-auth",     "auth-535" };
    for (size_t at = 0; at < sizeof silent / sizeof *silent; at++)
        cr_expect_eq (s_count (silent[at], "RCPT"), 0, "%s", silent[at]);
    s_end ();
}

//  The server may have it: once more, and with the same Message-ID; never a third time.
Test (mail, whose_answer_is_lost_is_sent_once_more, .timeout = 60)
{
    s_start (NULL);
    s_hand ("one", "end-close-once", "", 0, 1);
    const worker_heard_t *first = s_done ("one");
    cr_assert_eq (first->outcome, OUTCOME_RETRY);
    worker_fixture_settle (s_fixture, "one");
    s_hand ("one", "end-close-once", first->remember, 0, 2);
    const worker_heard_t *second = worker_fixture_done (s_fixture, "one", 2, 20000);
    cr_assert_eq (second->outcome, OUTCOME_ANSWERED, "%s", second->detail);
    cr_assert_str_eq (second->detail, "possible duplicate, sent: 250 2.0.0 taken");
    char *log = s_log ("end-close-once");
    char *one = strstr (log, "Message-ID: <alert.");
    char *other = one ? strstr (one + 1, "Message-ID: <alert.") : NULL;
    cr_assert (other && strncmp (one, other, strcspn (one, "\n") + 1) == 0, "%s", log);
    free (log);
    cr_assert_eq (
        process_metric (s_fixture->process, "stentor_notifier_mails_possibly_twice_total"), 1);
    s_end ();
}

Test (mail, is_not_sent_a_third_time, .timeout = 60)
{
    s_start (NULL);
    s_hand ("one", "end-close", "", 0, 1);
    const worker_heard_t *first = s_done ("one");
    worker_fixture_settle (s_fixture, "one");
    s_hand ("one", "end-close", first->remember, 0, 2);
    const worker_heard_t *second = worker_fixture_done (s_fixture, "one", 2, 20000);
    cr_assert_eq (second->outcome, OUTCOME_DEAD, "%s", second->detail);
    //  A kill in the middle of a try counts as well.
    s_hand ("two", "end-close", "", 1, 2);
    cr_assert_eq (s_done ("two")->outcome, OUTCOME_DEAD);
    s_hand ("three", "good", "", 1, 2);
    cr_assert_str_eq (s_done ("three")->detail, "possible duplicate, sent: 250 2.0.0 taken as 7");
    s_hand ("four", "good", "{\"unsure\":1}", 1, 3);
    cr_assert_str_eq (s_done ("four")->detail,
                      "it may have been sent twice, and is not tried again");
    cr_assert_eq (s_count ("good", "DATA"), 1);
    //  Somebody has replayed it.
    s_hand ("five", "good", s_done ("four")->remember, 1, 4);
    cr_assert_str_eq (s_done ("five")->detail, "sent: 250 2.0.0 taken as 7");
    s_end ();
}

//  Nobody knows whether the server has it: not lost, and not more than twice.
Test (mail, a_kill_in_the_middle_sends_it_twice_at_most, .timeout = 60)
{
    s_start ((const char *const[]){ "TRY_WITHIN=20s", NULL });
    s_hand ("one", "held", "", 0, 1);
    RIG_UNTIL (&s_fixture->rig, 10000, s_count ("held", "\n.\n") == 1);
    process_kill (s_fixture->process, SIGKILL);
    worker_fixture_again (s_fixture);
    process_kill (s_server, SIGUSR1);
    s_hand ("one", "held", "", 1, 2);
    const worker_heard_t *done = s_done ("one");
    cr_assert_str_eq (done->detail, "possible duplicate, sent: 250 2.0.0 taken as 7");
    cr_assert_eq (s_count ("held", "\n.\n"), 2);
    char *log = s_log ("held");
    char *one = strstr (log, "Message-ID: <alert.");
    char *other = strstr (one + 1, "Message-ID: <alert.");
    cr_assert (other && strncmp (one, other, strcspn (one, "\n") + 1) == 0, "%s", log);
    free (log);
    s_end ();
}

//  A server that is asked again and again locks the account.
Test (mail, a_wrong_login_is_made_a_few_times, .timeout = 60)
{
    s_start (NULL);
    char item[20];
    for (int at = 0; at < 20; at++) {
        snprintf (item, sizeof item, "item-%d", at);
        s_hand (item, "auth-535", "", 0, 1);
    }
    unsigned disabled = 0, back = 0;
    for (int at = 0; at < 20; at++) {
        snprintf (item, sizeof item, "item-%d", at);
        const worker_heard_t *done = s_done (item);
        disabled += done->destination == DESTINATION_DISABLED;
        back += done->outcome == OUTCOME_RETRY;
        cr_assert_eq (done->destination == DESTINATION_DISABLED, done->outcome == OUTCOME_DEAD);
        cr_assert (done->outcome == OUTCOME_DEAD || done->after_ms >= 60000);
    }
    cr_assert_eq (s_count ("auth-535", "AUTH"), 4, "the four that were under way at once");
    cr_assert (disabled >= 1 && disabled <= 2 && back + disabled == 20, "%u, %u", disabled, back);
    s_end ();
}

Test (mail, one_item_alone_disables_a_wrong_login, .timeout = 60)
{
    s_start (NULL);
    const char *memory = "";
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        s_hand ("one", "auth-538", memory, 0, attempt);
        const worker_heard_t *done = worker_fixture_done (s_fixture, "one", attempt, 20000);
        worker_fixture_settle (s_fixture, "one");
        cr_assert_eq (done->outcome, attempt < 3 ? OUTCOME_RETRY : OUTCOME_DEAD);
        cr_assert_eq (done->pause_ms, 60000);
        cr_assert_eq (done->destination,
                      attempt < 3 ? DESTINATION_FAILED : DESTINATION_DISABLED);
        memory = done->remember;
        worker_fixture_again (s_fixture);
    }
    s_end ();
}

//  Each app has four connections; what hangs at one delays no other.
Test (mail, a_server_that_hangs_delays_no_other_app, .timeout = 60)
{
    s_start ((const char *const[]){ "TRY_WITHIN=20s", NULL });
    char item[20];
    for (int at = 0; at < 10; at++) {
        snprintf (item, sizeof item, "held-%d", at);
        s_hand (item, "held", "", 0, 1);
    }
    RIG_UNTIL (&s_fixture->rig, 10000, s_count ("held", "\n.\n") == 4);
    s_hand ("other", "good", "", 0, 1);
    cr_assert_eq (s_done ("other")->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (process_metric (s_fixture->process, "stentor_notifier_mails_sending"), 4);
    cr_assert_eq (process_metric (s_fixture->process, "stentor_notifier_mails_waiting"), 6);
    worker_fixture_cancel (s_fixture, "held-9");
    worker_fixture_cancel (s_fixture, "held-0");
    RIG_UNTIL (&s_fixture->rig, 10000, s_count ("held", "\n.\n") == 5);
    process_kill (s_server, SIGUSR1);
    for (int at = 1; at < 9; at++) {
        snprintf (item, sizeof item, "held-%d", at);
        cr_assert_eq (s_done (item)->outcome, OUTCOME_ANSWERED);
    }
    cr_assert_eq (worker_fixture_count (s_fixture, "held-0", BUS_DONE), 0);
    cr_assert_eq (worker_fixture_count (s_fixture, "held-9", BUS_DONE), 0);
    s_end ();
}

//  Those that wait in vain come back, and that was no try.
Test (mail, waits_within_its_time, .timeout = 60)
{
    s_start (NULL);
    char item[20];
    for (int at = 0; at < 5; at++) {
        snprintf (item, sizeof item, "held-%d", at);
        s_hand (item, "held", "", 0, 1);
    }
    const worker_heard_t *done = s_done ("held-4");
    cr_assert_eq (done->outcome, OUTCOME_RETRY);
    cr_assert_str_eq (done->detail, "other mails of the app took all the time");
    cr_assert (strstr (done->remember, "\"waited\":1"), "%s", done->remember);
    s_end ();
}

Test (mail, items_that_cannot_be_mails, .timeout = 60)
{
    static const char *const bodies[] = {
        "", "[]", "{}", "{\"address\":1}", "{\"address\":\"anna\"}",
        "{\"address\":\"a@b\\r\\nX: y\"}",
        "{\"address\":\"a@b>\"}", "{\"address\":\"a@b,c@d\"}", "{\"address\":\"\u00e4@b.de\"}",
        "{\"address\":\"a@b.c\",\"person\":7}", "{\"address\":\"a@b.c\",\"step\":\"x\"}",
    };
    s_start (NULL);
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        char item[20];
        snprintf (item, sizeof item, "bad-%zu", at);
        worker_fixture_hand (s_fixture, &(bus_work_t){ .item = text_of (item),
                                                       .app = TEXT ("good-plain"),
                                                       .topic = TEXT ("notify.email"),
                                                       .body = text_of (bodies[at]) });
        cr_assert_eq (s_done (item)->outcome, OUTCOME_DEAD, "%s", bodies[at]);
    }
    cr_assert_eq (s_count ("good-plain", "connected"), 0);
    worker_fixture_hand (s_fixture, &(bus_work_t){ .item = TEXT ("unwanted"),
                                                   .app = TEXT ("good-plain"),
                                                   .topic = TEXT ("notify.email"),
                                                   .suppressed = 1,
                                                   .body = TEXT (BODY) });
    cr_assert_str_eq (s_done ("unwanted")->detail, "the address wants no more mail");
    s_hand ("unknown", "nobody", "", 0, 1);
    cr_assert_eq (s_done ("unknown")->outcome, OUTCOME_RETRY);
    s_end ();
}

//  It finishes what it has begun, and takes nothing more.
Test (mail, drains, .timeout = 60)
{
    s_start ((const char *const[]){ "TRY_WITHIN=20s", "SHUTDOWN_GRACE=20s", NULL });
    s_hand ("held", "held", "", 0, 1);
    RIG_UNTIL (&s_fixture->rig, 10000, s_count ("held", "\n.\n") == 1);
    process_kill (s_fixture->process, SIGTERM);
    RIG_UNTIL (&s_fixture->rig, 10000, !process_is_ready (s_fixture->process));
    process_kill (s_server, SIGUSR1);
    cr_assert_eq (s_done ("held")->outcome, OUTCOME_ANSWERED);
    worker_fixture_settle (s_fixture, "held");
    RIG_UNTIL (&s_fixture->rig, 10000, !process_is_alive (s_fixture->process));
    cr_assert_eq (process_wait_exit (s_fixture->process, 100), 0);
    s_end ();
}

//  A transfer under way, and one whose name is being resolved, hold nothing up at the end.
Test (mail, ends_at_once_when_it_must, .timeout = 60)
{
    s_start ((const char *const[]){ "TRY_WITHIN=30s", "SHUTDOWN_GRACE=0", NULL });
    s_hand ("held", "held", "", 0, 1);
    s_hand ("hang", "greeting-hang", "", 0, 1);
    RIG_UNTIL (&s_fixture->rig, 10000, s_count ("held", "\n.\n") == 1);
    process_kill (s_fixture->process, SIGTERM);
    RIG_UNTIL (&s_fixture->rig, 10000, !process_is_alive (s_fixture->process));
    s_end ();
}
