#include "texting_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTINGS_MOST 16
#define DIRECTORY_SIZE 40

worker_fixture_t *texting_fixture;
const char *texting_twilio = "good";

static char s_directory[DIRECTORY_SIZE];
static process_t *s_server;

void
texting_start (const char *const *more)
{
    char apps[80], ca[80], twilio[100], slack[100];
    snprintf (s_directory, sizeof s_directory, "/tmp/notifier-texting-XXXXXX");
    cr_assert (mkdtemp (s_directory));
    s_server = process_new ("texting server", "python3",
                            (const char *const[]){ TEXTING_SERVER, s_directory, NULL }, NULL);
    cr_assert (process_wait_log (s_server, "ready", 20000));
    char *good = texting_file ("good"), *at_twilio = texting_file (texting_twilio);
    snprintf (apps, sizeof apps, "APPS_FILE=%s/apps.json", s_directory);
    snprintf (ca, sizeof ca, "OUT_CA_FILE=%s/ca.pem", s_directory);
    snprintf (twilio, sizeof twilio, "TWILIO_URL=%s", at_twilio);
    snprintf (slack, sizeof slack, "SLACK_URL=%s/api", good);
    free (good);
    free (at_twilio);
    const char *const usual[] = { apps, ca, twilio, slack, "TRY_WITHIN=20s",
                                  "ALERT_PAUSES=1m,5m,15m",
                                  "EDGE_PUBLIC_URL=https://chat.example.com", NULL };
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    texting_fixture = worker_fixture_start ("notifier", settings);
}

void
texting_end (void)
{
    char command[80];
    static const char *const secrets[] = { "open-sesame", "SECRET", "b3Blbi1", "+4930" };
    for (size_t at = 0; at < sizeof secrets / sizeof *secrets; at++)
        cr_assert_eq (process_log_count (texting_fixture->process, secrets[at]), 0, "%s",
                      secrets[at]);
    worker_fixture_end (texting_fixture);
    process_destroy (&s_server);
    snprintf (command, sizeof command, "rm -rf %s", s_directory);
    cr_assert_eq (system (command), 0);
}

void
texting_hand (const bus_work_t *work)
{
    worker_fixture_hand (texting_fixture, work);
}

const worker_heard_t *
texting_done_again (const char *item, unsigned nth)
{
    const worker_heard_t *done = worker_fixture_done (texting_fixture, item, nth, 30000);
    cr_assert (!strstr (done->detail, "open-sesame") && !strstr (done->detail, "SECRET"), "%s",
               done->detail);
    worker_fixture_settle (texting_fixture, item);
    return done;
}

const worker_heard_t *
texting_done (const char *item)
{
    return texting_done_again (item, 1);
}

#define FILE_MOST (1u << 20)

char *
texting_file (const char *name)
{
    char path[DIRECTORY_SIZE + 40], *text = calloc (1, FILE_MOST);
    snprintf (path, sizeof path, "%s/%s", s_directory, name);
    FILE *file = fopen (path, "r");
    if (file) {
        text[fread (text, 1, FILE_MOST - 1, file)] = '\0';
        fclose (file);
    }
    return text;
}

char *
texting_log (const char *app)
{
    char name[40];
    snprintf (name, sizeof name, "%s.log", app);
    char *log = texting_file (name);
    cr_assert (!strstr (log, "WRONG"), "%s", log);
    return log;
}

unsigned
texting_count (const char *app, const char *text)
{
    char *log = texting_log (app);
    unsigned count = 0;
    for (const char *at = log; (at = strstr (at, text)); at++)
        count++;
    free (log);
    return count;
}

double
texting_metric (const char *sample)
{
    return process_metric (texting_fixture->process, sample);
}
