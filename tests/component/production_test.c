//  All five services where PRODUCTION is on: what each refuses to start without, and that it
//  starts with it. And with an apps file that is wrong. Each is one line that names what to mend.

#include "eventually.h"
#include "ports.h"
#include "postgres_tls.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS_MOST 12

typedef struct {
    const char *program;
    const char *mends;      //  what the line names
    const char *setting;    //  that is wrong; NULL: one is left out
    const char *settings[SETTINGS_MOST]; //  the others
} refusal_t;

#define KEYS "BUS_KEYS=/nowhere"
#define TLS "EDGE_TLS_CERTIFICATE=/nowhere"
#define DATABASE "POSTGRES_URL=host=db.example sslmode=verify-full"

static const refusal_t s_refusals[] = {
    { "edge", "BUS_KEYS must be set", NULL, { TLS } },
    { "edge", "EDGE_TLS_CERTIFICATE must be set", NULL, { KEYS } },
    { "edge", "EDGE_DEMO_MODE must be off", "EDGE_DEMO_MODE=on", { KEYS, TLS } },
    { "edge", "EDGE_PUBLIC_URL must begin with https", "EDGE_PUBLIC_URL=http://x", { KEYS, TLS } },
    { "postoffice", "BUS_KEYS must be set", NULL, { DATABASE } },
    { "postoffice", "POSTGRES_URL must have sslmode=verify-full",
      "POSTGRES_URL=postgres://u:geheim@db.example/x", { KEYS } },
    { "postoffice", "POSTGRES_URL must have sslmode=verify-full",
      "POSTGRES_URL=postgres://u:geheim@db.example/x?sslmode=require", { KEYS } },
    { "postoffice", "ALERT_URL must begin with https", "ALERT_URL=http://x", { KEYS, DATABASE } },
    { "stentor-connector", "BUS_KEYS must be set", NULL, { NULL } },
    { "notifier", "BUS_KEYS must be set", NULL, { NULL } },
    { "notifier", "TWILIO_URL must begin with https", "TWILIO_URL=http://x", { KEYS } },
    { "notifier", "SLACK_URL must begin with https", "SLACK_URL=http://x", { KEYS } },
    { "notifier", "EDGE_PUBLIC_URL must begin with https", "EDGE_PUBLIC_URL=http://x", { KEYS } },
    { "genesys-connector", "BUS_KEYS must be set", NULL, { NULL } },
    //  A word that is none is not taken for a no.
    { "edge", "PRODUCTION must be on or off", "PRODUCTION=true", { NULL } },
};

//  Ends as for any wrong setting, with one line.
static void
s_is_refused (const refusal_t *refusal)
{
    const char *settings[SETTINGS_MOST + 3] = { refusal->setting ? refusal->setting : KEYS };
    size_t count = refusal->setting ? 1 : 0;
    bool is_set = refusal->setting && strncmp (refusal->setting, "PRODUCTION", 10) == 0;
    if (!is_set)
        settings[count++] = "PRODUCTION=on";
    for (size_t at = 0; refusal->settings[at]; at++)
        settings[count++] = refusal->settings[at];
    settings[count] = NULL;
    process_t *process = process_new (refusal->program, refusal->program, NULL, settings);
    cr_assert (process);
    cr_assert_eq (process_wait_exit (process, 10000), 78, "%s", refusal->mends);
    char *log = process_log (process);
    cr_assert (strstr (log, refusal->mends), "%s", log);
    cr_assert_eq (strchr (log, '\n'), log + strlen (log) - 1, "more than one line: %s", log);
    cr_assert_null (strstr (log, "geheim"), "%s", log);
    free (log);
    process_destroy (&process);
}

Test (production, is_refused_without_encryption_and_with_demo_mode, .timeout = 120)
{
    for (size_t at = 0; at < sizeof s_refusals / sizeof *s_refusals; at++)
        s_is_refused (&s_refusals[at]);
}

//  All that is missing is said at once.
Test (production, says_all_that_is_missing, .timeout = 60)
{
    const char *const settings[] = { "PRODUCTION=on", "POSTGRES_URL=postgres://u:geheim@db/x",
                                     "ALERT_URL=http://x", NULL };
    process_t *process = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert_eq (process_wait_exit (process, 10000), 78);
    cr_assert_eq (process_log_count (process, "wrong settings"), 3);
    cr_assert_eq (process_log_count (process, "PRODUCTION is on"), 3);
    process_destroy (&process);
}

// ---------------------------------------------------------------------------------------------

static char s_place[] = "/tmp/production-XXXXXX";

static void
s_run (const char *what, const char *more)
{
    char command[600];
    snprintf (command, sizeof command, "%s %s%s", what, s_place, more);
    cr_assert_eq (system (command), 0, "%s", command);
}

//  Of every edge that serves.
static char s_tls[2][160];

//  With the keys of deploy/make-secrets.
static process_t *
s_serve (const char *program, const char *setting, const char *address)
{
    char keys[100], port[40];
    uint16_t operations = ports_free ();
    snprintf (keys, sizeof keys, "BUS_KEYS=%s/secrets/bus/%s", s_place, program);
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", operations);
    const char *const settings[] = { "PRODUCTION=on", keys, port, setting, address,
                                     "SHUTDOWN_GRACE=1s", "EDGE_PORT=0", s_tls[0], s_tls[1],
                                     NULL };
    process_t *process = process_new (program, program, NULL, settings);
    cr_assert (process);
    process_set_operations_port (process, operations);
    return process;
}

Test (production, serves_when_all_is_encrypted, .timeout = 180)
{
    static const char *const nodes[] = { "edge", "stentor-connector", "notifier",
                                         "genesys-connector" };
    process_t *served[4];
    cr_assert (mkdtemp (s_place));
    s_run (MAKE_SECRETS, "/secrets >/dev/null");
    certificates_t *made = certificates_new ();
    certificate_t certificate = certificates_of (made, "ca", "DNS:localhost", 1);
    snprintf (s_tls[0], sizeof s_tls[0], "EDGE_TLS_CERTIFICATE=%s", certificate.certificate);
    snprintf (s_tls[1], sizeof s_tls[1], "EDGE_TLS_KEY=%s", certificate.key);
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres && postgres_set_tls (postgres, &certificate));
    char url[200], listens[60], bus[60];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url,
              "POSTGRES_URL=postgres://stentor@localhost:%u/postgres"
              "?sslmode=verify-full&sslrootcert=%s",
              postgres_port (postgres), certificates_ca (made, "ca"));
    snprintf (listens, sizeof listens, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", port);
    snprintf (bus, sizeof bus, "POSTOFFICE_ADDRESSES=127.0.0.1:%u", port);
    process_t *postoffice = s_serve ("postoffice", url, listens);
    cr_assert (process_wait_ready (postoffice, 30000));
    for (size_t at = 0; at < 4; at++)
        served[at] = s_serve (nodes[at], bus, "BOT_URL=http://bot.example/");
    for (size_t at = 0; at < 4; at++) {
        EVENTUALLY (20000, process_log_count (served[at], "\"event\":\"postoffice up\"") > 0);
        //  A bot in the clear is no reason to refuse: its network may be encrypted.
        cr_assert_eq (process_log_count (served[at], "bots are asked without encryption"), at == 1);
    }
    for (size_t at = 0; at < 4; at++)
        process_destroy (&served[at]);
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
    certificates_destroy (&made);
    s_run ("rm -rf", "");
}

// ---------------------------------------------------------------------------------------------

//  An apps file with a mistake in its third line.
Test (production, a_wrong_apps_file_is_one_line_of_each_service, .timeout = 60)
{
    static const char text[] = "{\"apps\": [\n  {\"appId\": \"a\",\n   \"appId\": \"b\"}\n]}\n";
    static const char *const programs[] = { "edge", "postoffice", "stentor-connector", "notifier",
                                            "genesys-connector" };
    char path[] = "/tmp/production-apps-XXXXXX", file[60], place[80];
    int handle = mkstemp (path);
    cr_assert_eq (write (handle, text, sizeof text - 1), (ssize_t) sizeof text - 1);
    close (handle);
    snprintf (file, sizeof file, "APPS_FILE=%s", path);
    snprintf (place, sizeof place, "\"complaint\":\"%s: line 3: ", path);
    const char *const settings[] = { file, "OPERATIONS_PORT=0", "EDGE_PORT=0",
                                     "POSTGRES_URL=host=127.0.0.1 port=1",
                                     "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*", NULL };
    for (size_t at = 0; at < sizeof programs / sizeof *programs; at++) {
        process_t *process = process_new (programs[at], programs[at], NULL, settings);
        cr_assert_eq (process_wait_exit (process, 10000), 78);
        char *log = process_log (process);
        cr_assert_eq (process_log_count (process, "\"level\":\"fatal\""), 1, "%s", log);
        cr_assert_eq (process_log_count (process, "\"event\":\"no apps\""), 1, "%s", log);
        cr_assert_eq (process_log_count (process, place), 1, "%s", log);
        free (log);
        process_destroy (&process);
    }
    unlink (path);
}
