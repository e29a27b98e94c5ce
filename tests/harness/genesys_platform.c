#include "genesys_platform.h"

#include "eventually.h"
#include "http_get.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY_SIZE 40
#define START_MS 120000 //  beside other programs that are loaded at the same time
#define TEXT_MOST 4096

static char s_directory[DIRECTORY_SIZE];
static char s_url[80];
static char s_apps[100];
static process_t *s_process;
static http_answer_t s_answer; //  the last one

const char *
genesys_platform_path (const char *name)
{
    static char path[DIRECTORY_SIZE + 40];
    snprintf (path, sizeof path, "%s/%s", s_directory, name);
    return path;
}

const char *
genesys_platform_url (void)
{
    return s_url;
}

const char *
genesys_platform_apps (void)
{
    return s_apps;
}

void
genesys_platform_start (const char *app)
{
    snprintf (s_directory, sizeof s_directory, "/tmp/genesys-XXXXXX");
    cr_assert (mkdtemp (s_directory));
    const char *const words[] = { s_directory, app, NULL };
    s_process = process_new ("genesys platform", GENESYS_PLATFORM, words, NULL);
    cr_assert (process_wait_log (s_process, "ready", START_MS), "tests/genesys/run --install");
    FILE *file = fopen (genesys_platform_path ("url"), "r");
    cr_assert (file && fgets (s_url, sizeof s_url, file));
    fclose (file);
    snprintf (s_apps, sizeof s_apps, "APPS_FILE=%s", genesys_platform_path ("apps.json"));
}

void
genesys_platform_end (void)
{
    char command[80];
    cr_assert_str_eq (genesys_control ("wrong"), "{\"lines\": []}");
    http_answer_free (&s_answer);
    process_destroy (&s_process);
    snprintf (command, sizeof command, "rm -rf %s", s_directory);
    cr_assert_eq (system (command), 0);
}

static const char *
s_ask (const char *method, const char *target, const char *json)
{
    http_answer_free (&s_answer);
    s_answer = http_request ((uint16_t) strtoul (strrchr (s_url, ':') + 1, NULL, 10), method,
                             target, json ? "Content-Type: application/json\r\n" : NULL, json,
                             json ? strlen (json) : 0);
    cr_assert_eq (s_answer.status, 200, "%s: %d %s", target, s_answer.status,
                  s_answer.body ? s_answer.body : "");
    return s_answer.body;
}

const char *
genesys_control (const char *format, ...)
{
    char target[TEXT_MOST];
    va_list values;
    int size = snprintf (target, sizeof target, "/control/");
    va_start (values, format);
    vsnprintf (target + size, sizeof target - (size_t) size, format, values);
    va_end (values);
    for (char *at = target; *at; at++)
        *at = *at == ' ' ? '+' : *at;
    return s_ask ("GET", target, NULL);
}

const char *
genesys_control_post (const char *verb, const char *json)
{
    char target[100];
    snprintf (target, sizeof target, "/control/%s", verb);
    return s_ask ("POST", target, json);
}

const char *
genesys_control_text (const char *member)
{
    static char text[TEXT_MOST];
    char key[80];
    snprintf (key, sizeof key, "\"%s\": \"", member);
    const char *at = s_answer.body ? strstr (s_answer.body, key) : NULL;
    snprintf (text, sizeof text, "%s", at ? at + strlen (key) : "");
    text[strcspn (text, "\"")] = '\0';
    return text;
}

unsigned
genesys_platform_count (const char *text)
{
    unsigned count = 0;
    cr_assert_eq (sscanf (genesys_control ("count?text=%s", text), "{\"count\": %u", &count), 1);
    return count;
}

bool
genesys_platform_comes_to (const char *text, unsigned count)
{
    uint64_t until = eventually_deadline (30000);
    while (genesys_platform_count (text) < count)
        if (!eventually_again (until)) {
            eventually_missed (30000, text);
            return false;
        }
    return true;
}
