//  notifier, e-mail, with a real mail server: Exim (exim_server.py), with STARTTLS, a login and a
//  Maildir. What arrives is read by Python's parser of mails (exim_mails.py).

#include "model/model.h"
#include "worker_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BODY_MOST (1 << 16)
#define SETTINGS_MOST 6

static char s_directory[] = "/tmp/notifier-exim-XXXXXX";
static char s_apps[80], s_ca[80];
static process_t *s_server;

static void
s_start_server (void)
{
    cr_assert (mkdtemp (s_directory));
    cr_assert_eq (chmod (s_directory, 0755), 0);
    s_server = process_new ("exim", "python3",
                            (const char *const[]){ EXIM_SERVER, s_directory, NULL }, NULL);
    cr_assert (process_wait_log (s_server, "ready", 30000));
    snprintf (s_apps, sizeof s_apps, "APPS_FILE=%s/apps.json", s_directory);
    snprintf (s_ca, sizeof s_ca, "OUT_CA_FILE=%s/ca.pem", s_directory);
}

static void
s_end_server (void)
{
    char command[80];
    process_destroy (&s_server);
    snprintf (command, sizeof command, "rm -rf %s", s_directory);
    cr_assert_eq (system (command), 0);
}

//  Returns what exim_mails.py says; the caller frees it.
static char *
s_mails (const char *what, int expected)
{
    process_t *process = process_new ("mails", "python3",
                                      (const char *const[]){ EXIM_MAILS, what, s_directory, NULL },
                                      NULL);
    int code = process_wait_exit (process, 30000);
    char *said = process_log (process);
    cr_assert_eq (code, expected, "%s", said);
    process_destroy (&process);
    return said;
}

static void
s_hand (worker_fixture_t *fixture, const char *item, unsigned number, const char *app)
{
    char path[80];
    static char body[BODY_MOST];
    snprintf (path, sizeof path, "%s/item-%u.json", s_directory, number);
    FILE *file = fopen (path, "r");
    cr_assert (file);
    size_t size = fread (body, 1, sizeof body, file);
    fclose (file);
    cr_assert (size > 0 && size < sizeof body);
    worker_fixture_hand (fixture, &(bus_work_t){ .item = text_of (item),
                                                 .app = text_of (app),
                                                 .topic = TEXT ("notify.email"),
                                                 .body = { body, size } });
}

static worker_fixture_t *
s_start_notifier (void)
{
    return worker_fixture_start ("notifier",
                                 (const char *const[]){ s_apps, s_ca, "MAIL_NAME=chat.example.com",
                                                        NULL });
}

Test (exim, mails_arrive_as_they_were_meant, .timeout = 120)
{
    s_start_server ();
    char *said = s_mails ("items", 0);
    unsigned count = (unsigned) strtoul (said, NULL, 10);
    free (said);
    worker_fixture_t *fixture = s_start_notifier ();
    char item[20];
    for (unsigned number = 0; number < count; number++) {
        snprintf (item, sizeof item, "i-%u", number);
        s_hand (fixture, item, number, "a");
    }
    for (unsigned number = 0; number < count; number++) {
        snprintf (item, sizeof item, "i-%u", number);
        const worker_heard_t *done = worker_fixture_done (fixture, item, 1, 60000);
        cr_assert_eq (done->outcome, OUTCOME_ANSWERED, "%s: %s", item, done->detail);
    }
    char command[120];
    snprintf (command, sizeof command, "test \"$(ls %s/Maildir/new | wc -l)\" = %u", s_directory,
              count);
    EVENTUALLY (30000, system (command) == 0);
    said = s_mails ("check", 0);
    cr_assert (strstr (said, "are as they were meant"), "%s", said);
    free (said);
    worker_fixture_end (fixture);
    s_end_server ();
}

Test (exim, refuses_what_it_must, .timeout = 120)
{
    s_start_server ();
    free (s_mails ("items", 0));
    worker_fixture_t *fixture = s_start_notifier ();
    s_hand (fixture, "login", 0, "b");
    const worker_heard_t *done = worker_fixture_done (fixture, "login", 1, 30000);
    cr_assert_eq (done->outcome, OUTCOME_RETRY);
    cr_assert_str_eq (done->detail, "the server refuses the login: 535");
    worker_fixture_hand (fixture,
                         &(bus_work_t){ .item = TEXT ("nobody"),
                                        .app = TEXT ("a"),
                                        .topic = TEXT ("notify.email"),
                                        .body = TEXT ("{\"address\":\"unknown@example.com\"}") });
    done = worker_fixture_done (fixture, "nobody", 1, 30000);
    cr_assert_eq (done->outcome, OUTCOME_DEAD);
    cr_assert_str_eq (done->detail,
                      "the server refuses the mail: 550 no such user; another try would not help");
    worker_fixture_end (fixture);
    s_end_server ();
}

//  What an operator does first.
Test (exim, a_mail_to_try_it_out, .timeout = 120)
{
    static const struct {
        const char *words[8];
        int code;
        const char *said;
    } rows[] = {
        { { "--send-test", "email", "--app", "a", "--to", "anna@example.com" }, 0,
          "sent: 250 OK id=" },
        { { "--send-test", "email", "--to", "unknown@example.com", "--app", "a" }, 69,
          "the server refuses the mail: 550 no such user" },
        { { "--send-test", "email", "--app", "b", "--to", "anna@example.com" }, 69,
          "the server refuses the login: 535" },
        { { "--send-test", "email", "--app", "c", "--to", "anna@example.com" }, 78,
          "APPS_FILE has no such app" },
        { { "--send-test", "email", "--app", "a", "--to", "anna" }, 64, "is no address" },
        { { "--send-test", "pigeon", "--app", "a", "--to", "x@example.com" }, 64, "usage" },
        { { "--send-test", "email", "--app", "a" }, 64, "usage" },
        { { "--send-test" }, 64, "usage" },
    };
    s_start_server ();
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        process_t *process = process_new ("notifier", "notifier", rows[row].words,
                                          (const char *const[]){ s_apps, s_ca, NULL });
        cr_assert (process);
        int code = process_wait_exit (process, 30000);
        char *said = process_log (process);
        cr_assert_eq (code, rows[row].code, "%d: %s", code, said);
        cr_assert (strstr (said, rows[row].said), "%s", said);
        free (said);
        process_destroy (&process);
    }
    s_end_server ();
}
