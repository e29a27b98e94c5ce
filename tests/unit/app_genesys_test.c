//  app_genesys — what the section may say, who has to have what, and where the platform is.

#include "config/apps_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define UUID "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
#define CLIENT "\"clientId\":\"c\",\"clientSecret\":\"s\","
#define WEBHOOK "\"webhookSecret\":\"0123456789abcdef\""
#define GOOD "\"region\":\"eu_central_1\"," CLIENT "\"integrationId\":\"" UUID "\"," WEBHOOK

static char s_complaint[500];
static char s_warnings[1000];

//  NULL, and the complaint, when it is refused.
static apps_file_t *
s_read (const char *section, unsigned reader)
{
    char json[4000];
    buffer_t said, warned;
    buffer_init (&said, sizeof s_complaint - 1);
    buffer_init (&warned, sizeof s_warnings - 1);
    snprintf (json, sizeof json, "{\"apps\":[{\"appId\":\"demo\",\n\"genesys\":{%s}}]}", section);
    apps_file_t *file = apps_file_new (text_of (json), &(apps_reading_t){ .reader = reader,
                                                                        .complaint = &said,
                                                                        .warnings = &warned });
    snprintf (s_complaint, sizeof s_complaint, "%.*s", TEXT_ARGS (buffer_text (&said)));
    snprintf (s_warnings, sizeof s_warnings, "%.*s", TEXT_ARGS (buffer_text (&warned)));
    buffer_free (&said);
    buffer_free (&warned);
    return file;
}

static void
s_expect_good (const char *section, unsigned reader)
{
    apps_file_t *file = s_read (section, reader);
    cr_assert (file, "%s: %s", section, s_complaint);
    apps_file_destroy (&file);
}

static void
s_expect_bad (const char *section, unsigned reader, const char *complaint)
{
    apps_file_t *file = s_read (section, reader);
    cr_assert_null (file, "%s", section);
    cr_assert_eq (strncmp (s_complaint, complaint, strlen (complaint)), 0, "%s: %s", section,
                  s_complaint);
}

#define CALLS APP_READER_GENESYS
#define IN APP_READER_EDGE

Test (app_genesys, says_who_needs_what)
{
    s_expect_good (GOOD, CALLS);
    s_expect_good (GOOD, IN);
    s_expect_good (GOOD, APP_READER_POSTOFFICE);
    s_expect_good (GOOD, APP_READERS_ALL);
    s_expect_good ("\"domain\":\"mypurecloud.de\"," CLIENT "\"integrationId\":\"" UUID "\"", CALLS);
    s_expect_good ("\"loginUrl\":\"https://l\",\"apiUrl\":\"https://a/x/\"," CLIENT
                   "\"integrationId\":\"" UUID "\"",
                   CALLS);
    s_expect_bad (CLIENT "\"integrationId\":\"" UUID "\"," WEBHOOK, CALLS,
                  "line 2: \"genesys\" needs a \"region\" or a \"domain\", or");
    s_expect_bad ("\"loginUrl\":\"https://l\"," CLIENT "\"integrationId\":\"" UUID "\"", CALLS,
                  "line 2: \"genesys\" needs a \"region\"");
    s_expect_bad (GOOD ",\n\"domain\":\"mypurecloud.de\"", CALLS, "line 3: \"region\" and");
    s_expect_bad ("\"region\":\"eu_central_1\",\"clientId\":\"c\",\"integrationId\":\"" UUID
                  "\"," WEBHOOK,
                  CALLS, "line 2: \"genesys\" needs a \"clientSecret\"");
    s_expect_good ("\"clientId\":\"c\",\"integrationId\":\"" UUID "\"," WEBHOOK, IN);
    s_expect_bad ("\"clientId\":\"c\",\"integrationId\":\"" UUID "\"", IN,
                  "line 2: \"genesys\" needs a \"webhookSecret\"");
    s_expect_bad ("\"clientId\":\"c\",\"integrationId\":\"" UUID
                  "\",\n\"webhookSecret\":\"0123456789abcde\"",
                  IN, "line 3: a \"webhookSecret\" is longer than 15 bytes");
    s_expect_bad (GOOD ",\n\"previousWebhookSecret\":\"short\"", IN,
                  "line 3: a \"previousWebhookSecret\" is longer");
    s_expect_bad (GOOD ",\n\"webhookHeader\":\"X-Router\"", IN,
                  "line 3: \"webhookHeader\" and \"webhookHeaderValue\" need each other");
    s_expect_bad (GOOD ",\"webhookHeaderValue\":\"v\"", IN, "line 2: \"webhookHeader\" and");
    s_expect_good (GOOD ",\"webhookHeader\":\"X-Router\",\"webhookHeaderValue\":\"v\"", IN);
}

Test (app_genesys, refuses_what_is_none)
{
    static const struct {
        const char *more, *complaint;
    } rows[] = {
        { "\"region\":\"moon_1\"", "line 3: a \"region\" is one of" },
        { "\"region\":\"EU_CENTRAL_1\"", "line 3: a \"region\" is one of" },
        { "\"domain\":\"https://mypurecloud.de\"", "line 3: a \"domain\" is like" },
        { "\"domain\":\"localhost\"", "line 3: a \"domain\" is like" },
        { "\"domain\":\"a..de\"", "line 3: a \"domain\" is like" },
        { "\"apiUrl\":\"http://api.example.com\"", "line 3: a URL here begins with https://" },
        { "\"apiUrl\":\"http://127.evil.example\"", "line 3: a URL here begins with https://" },
        { "\"apiUrl\":\"http://localhost.evil.example\"", "line 3: a URL here begins with" },
        { "\"apiUrl\":\"https://a/?q=1\"", "line 3: a URL here begins with https://" },
        { "\"apiUrl\":\"https://user@a/\"", "line 3: a URL here begins with https://" },
        { "\"loginUrl\":\"ftp://a\"", "line 3: a URL here begins with https://" },
        { "\"clientId\":\"a:b\"", "line 3: a \"clientId\" has no" },
        { "\"integrationId\":\"7\"", "line 3: an \"integrationId\" is a UUID" },
        { "\"integrationId\":\"0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5g\"", "line 3: an \"integ" },
        { "\"webhookHeader\":\"Content-type\"", "line 3: a \"webhookHeader\" is" },
        { "\"webhookHeader\":\"x-hub-signature-256\"", "line 3: a \"webhookHeader\" is" },
        { "\"webhookHeader\":\"X Y\"", "line 3: a \"webhookHeader\" is" },
        { "\"transcript\":\"some\"", "line 3: \"transcript\" is \"last\"" },
        { "\"transcriptMessages\":0", "line 3: \"transcriptMessages\" must be" },
        { "\"queueSeconds\":0", "line 3: \"queueSeconds\" must be a whole number from 1" },
        { "\"pollSeconds\":301", "line 3: \"pollSeconds\" must be" },
        { "\"requestsPerMinute\":29", "line 3: \"requestsPerMinute\" must be" },
        { "\"queue\":\"support\"", "line 3: \"queue\" is no member" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char section[1000];
        bool has_id = strstr (rows[at].more, "\"clientId\"");
        bool has_integration = strstr (rows[at].more, "\"integrationId\"");
        snprintf (section, sizeof section, "\"clientSecret\":\"s\",%s%s" WEBHOOK ",\n%s",
                  has_id ? "" : "\"clientId\":\"c\",",
                  has_integration ? "" : "\"integrationId\":\"" UUID "\",", rows[at].more);
        s_expect_bad (section, APP_READERS_ALL, rows[at].complaint);
    }
    s_expect_good ("\"loginUrl\":\"http://localhost:8080\",\"apiUrl\":\"http://[::1]/v\"," CLIENT
                   "\"integrationId\":\"" UUID "\"",
                   CALLS);
    s_expect_good ("\"loginUrl\":\"http://127.0.0.1\",\"apiUrl\":\"HTTPS://A\"," CLIENT
                   "\"integrationId\":\"" UUID "\"",
                   CALLS);
}

static void
s_expect_bases (const char *section, const char *login, const char *api)
{
    char all[1000], room[APP_GENESYS_BASE_ROOM];
    snprintf (all, sizeof all, "%s," CLIENT "\"integrationId\":\"" UUID "\"", section);
    apps_file_t *file = s_read (all, CALLS);
    cr_assert (file, "%s", s_complaint);
    const app_genesys_t *genesys = &apps_file_first (file)->genesys;
    cr_assert (text_is (app_genesys_base (genesys, GENESYS_LOGIN, room), text_of (login)), "%s",
               room);
    cr_assert (text_is (app_genesys_base (genesys, GENESYS_API, room), text_of (api)), "%s", room);
    apps_file_destroy (&file);
}

Test (app_genesys, knows_where_it_is)
{
    s_expect_bases ("\"region\":\"eu_central_1\"", "https://login.mypurecloud.de",
                    "https://api.mypurecloud.de");
    s_expect_bases ("\"region\":\"us_east_1\",\"apiUrl\":\"https://gate.example.com/genesys/\"",
                    "https://login.mypurecloud.com", "https://gate.example.com/genesys");
    s_expect_bases ("\"domain\":\"new9.pure.cloud\"", "https://login.new9.pure.cloud",
                    "https://api.new9.pure.cloud");
    s_expect_bases ("\"loginUrl\":\"https://l//\",\"apiUrl\":\"https://a\"", "https://l",
                    "https://a");
}

Test (app_genesys, has_what_is_usual)
{
    apps_file_t *file = s_read (GOOD, CALLS | IN);
    const app_genesys_t *genesys = &apps_file_first (file)->genesys;
    cr_assert (genesys->is_there && genesys->receipts && genesys->typing && genesys->attributes);
    cr_assert_eq (genesys_transcript_named (genesys->transcript), GENESYS_TRANSCRIPT_LAST);
    cr_assert_eq (genesys->transcript_messages, 20);
    cr_assert_eq (genesys->queue_s, 300);
    cr_assert_eq (genesys->unreachable_s, 120);
    cr_assert_eq (genesys->poll_s, 5);
    cr_assert_eq (genesys->per_minute, 300);
    cr_assert (text_is (genesys->name, TEXT ("Agent")));
    apps_file_destroy (&file);
    //  Secrets are for those that need them.
    file = s_read (GOOD, CALLS);
    cr_assert_eq (apps_file_first (file)->genesys.webhook_secret.size, 0);
    cr_assert (text_is (apps_file_first (file)->genesys.client_secret, TEXT ("s")));
    apps_file_destroy (&file);
    file = s_read (GOOD, IN);
    cr_assert_eq (apps_file_first (file)->genesys.client_secret.size, 0);
    cr_assert_eq (apps_file_first (file)->genesys.webhook_secret.size, 16);
    apps_file_destroy (&file);
    file = s_read (GOOD, APP_READER_POSTOFFICE);
    cr_assert_eq (apps_file_first (file)->genesys.webhook_secret.size, 0);
    apps_file_destroy (&file);
}

//  What is right, and comes to nothing.
Test (app_genesys, warns_of_what_comes_to_nothing)
{
    static const char json[] = "{\"apps\":[{\"appId\":\"demo\",\"switchboard\":{\"handoff\":"
                               "[\n\"platform:genesys\"]}%s}]}";
    char text[1000];
    for (int has_section = 0; has_section < 2; has_section++) {
        buffer_t said, warned;
        buffer_init (&said, 500);
        buffer_init (&warned, 500);
        snprintf (text, sizeof text, json, has_section ? ",\"genesys\":{" GOOD "}" : "");
        apps_file_t *file = apps_file_new (
            text_of (text), &(apps_reading_t){ .reader = APP_READER_POSTOFFICE,
                                               .complaint = &said,
                                               .warnings = &warned });
        cr_assert (file, "%.*s", TEXT_ARGS (buffer_text (&said)));
        cr_assert (text_is (buffer_text (&warned),
                            has_section ? TEXT_EMPTY
                                        : TEXT ("line 2: the app has no section \"genesys\": "
                                                "nobody is there\n")),
                   "%.*s", TEXT_ARGS (buffer_text (&warned)));
        apps_file_destroy (&file);
        buffer_free (&said);
        buffer_free (&warned);
    }
    s_expect_good (GOOD ",\n\"previousWebhookSecret\":\"0123456789abcdef\"", IN);
    cr_assert_str_eq (s_warnings, "line 3: \"previousWebhookSecret\" is the same as "
                                  "\"webhookSecret\"\n");
}
