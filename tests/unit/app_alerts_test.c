//  app_alerts — the sections of an app about who is called and what goes in and out: every mistake
//  is refused with its line, and each process keeps what it reads, and no secret of others.

#include "config/apps_file.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define HEX "0123456789abcdef0123456789abcdef"
#define KEY "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

#define PEOPLE                                                                                     \
    "\"people\":[{\"id\":\"anna\",\"email\":\"anna@example.com\",\"groups\":[\"desk\"]},"          \
    "{\"id\":\"bob\",\"name\":\"Bob\",\"phone\":\"+4930123\",\"slack\":\"U012\"},"                 \
    "{\"id\":\"carl\",\"groups\":[\"night\"]}]"
#define EMAIL                                                                                      \
    "\"email\":{\"url\":\"smtp://mail:587\",\"user\":\"x\",\"password\":\"hidden\","               \
    "\"from\":\"alerts@example.com\"}"
#define SMS "\"sms\":{\"accountSid\":\"AC" HEX "\",\"token\":\"hidden\",\"from\":\"+15550100\"}"
#define SLACK "\"slack\":{\"token\":\"xoxb-hidden\",\"channel\":\"C012\"}"
#define HOOK "\"slack\":{\"webhook\":\"https://hooks.slack.com/services/hidden\"}"
#define WAYS PEOPLE "," EMAIL "," SMS "," SLACK
//  Each on a line of its own: 1 the app, 2 the rule, 3 its steps, 4 what follows.
#define STEP(ways, recipients) "{\"by\":[" ways "],\"to\":[" recipients "]}"
#define RULE(on, steps, more)                                                                      \
    "\n\"alerts\":[{\"name\":\"r\",\"on\":\"" on "\",\n\"steps\":[" steps "]" more "}]"
#define TO_ANNA STEP ("\"email\"", "\"person:anna\"")
#define WAITS(more) WAYS "," RULE ("visitor-waits", TO_ANNA, "," more)

//  The path stands for the contents of the file.
static const char *
s_read_secret (void *unused, text_t path, buffer_t *to)
{
    (void) unused;
    return buffer_put_text (to, path) == 0 ? NULL : "too large";
}

static apps_file_t *
s_file (const char *sections, app_reader_t reader, buffer_t *complaint)
{
    buffer_t json, warnings;
    buffer_init (&json, 100000);
    buffer_init (&warnings, 1000);
    int rc = buffer_put_string (&json, "{\"apps\":[{\"appId\":\"a\"")
             + buffer_put_string (&json, *sections ? "," : "")
             + buffer_put_string (&json, sections) + buffer_put_string (&json, "}]}");
    cr_assert_eq (rc, 0);
    apps_reading_t reading = { .reader = reader,
                               .read_secret = s_read_secret,
                               .complaint = complaint,
                               .warnings = &warnings };
    apps_file_t *file = apps_file_new (buffer_text (&json), &reading);
    buffer_free (&json);
    buffer_free (&warnings);
    return file;
}

//  How the complaint must begin, or what it has after the line; NULL: the sections are good.
static void
s_expect (app_reader_t reader, const char *sections, const char *complaint)
{
    buffer_t said;
    buffer_init (&said, 1000);
    apps_file_t *file = s_file (sections, reader, &said);
    int rc = buffer_put (&said, "", 1);
    cr_assert_eq (rc, 0);
    cr_expect_eq (file == NULL, complaint != NULL, "%s: %s", sections, said.data);
    if (complaint)
        cr_expect (strstr (said.data, complaint), "%s: %s", sections, said.data);
    apps_file_destroy (&file);
    buffer_free (&said);
}

static void
s_rule (const char *sections, const char *complaint)
{
    s_expect (APP_READER_POSTOFFICE, sections, complaint);
}

Test (app_alerts, people)
{
    s_rule (PEOPLE, NULL);
    s_rule ("\"people\":[]", NULL);
    s_rule ("\"people\":[{}]", "\"id\" is missing");
    s_rule ("\"people\":[{\"id\":\"a b\"}]", "a name here");
    s_rule ("\"people\":[{\"id\":\"a\"},\n{\"id\":\"a\"}]",
            "line 2: there is a \"a\" of \"people\"");
    s_rule ("\"people\":[{\"id\":\"a\",\"mail\":\"x\"}]", "\"mail\" is no member");
}

Test (app_alerts, addresses_are_strict)
{
    static const char *const good[] = { "a@b", "anna.b+c@mail.example.com", "x_{y}@1.example" };
    static const char *const bad[] = {
        "",         "anna",          "@b",         "a@",          "a@b@c",       "a@b.",  "a@.b",
        "a@-b",     "a@b..c",        ".a@b",       "a.@b",        "a..b@c",      "a b@c", "<a@b>",
        "a@b,c@d",  "a@b;c@d",       "\\\"a\\\"@b", "a@b>",       "a@[1.2.3.4]", "ä@b",   "a@ä",
        "a@b\\r\\nRCPT TO:<v@x>",    "a@b\\u0000", "a@b\\n",      "a(c)@b",      "a\\\\@b",
        "0123456789012345678901234567890123456789012345678901234567890123x@b",
    };
    char sections[400];
    for (size_t at = 0; at < sizeof good / sizeof *good; at++) {
        snprintf (sections, sizeof sections, "\"people\":[{\"id\":\"a\",\"email\":\"%s\"}]",
                  good[at]);
        s_rule (sections, NULL);
    }
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        snprintf (sections, sizeof sections, "\"people\":[{\"id\":\"a\",\n\"email\":\"%s\"}]",
                  bad[at]);
        s_rule (sections, "line 2: ");
    }
}

Test (app_alerts, numbers_and_ids_are_strict)
{
    static const char *const bad[] = { "",         "+",          "4930123456", "+0930123456",
                                       "+49 30",   "+49-301234", "+49301x",    "+493012",
                                       "+4930123456789012",      "00493012345" };
    char sections[200];
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        snprintf (sections, sizeof sections, "\"people\":[{\"id\":\"a\",\n\"phone\":\"%s\"}]",
                  bad[at]);
        s_rule (sections, "line 2: ");
    }
    s_rule ("\"people\":[{\"id\":\"a\",\"phone\":\"+493012345678901\"}]", NULL);
    s_rule ("\"people\":[{\"id\":\"a\",\"slack\":\"W012AB\"}]", NULL);
    s_rule ("\"people\":[{\"id\":\"a\",\"slack\":\"@anna\"}]", "a member's id");
    s_rule ("\"people\":[{\"id\":\"a\",\"slack\":\"C012\"}]", "a member's id");
}

Test (app_alerts, a_rule_has_an_event_and_times_that_fit)
{
    s_rule (WAYS "," RULE ("visitor-waits", TO_ANNA, ",\"afterSeconds\":60"), NULL);
    s_rule (WAYS "," RULE ("visitor-sings", TO_ANNA, ""), "line 2: \"on\" must be an event");
    s_rule (WAYS "," RULE ("offer-expired", TO_ANNA, ",\n\"afterSeconds\":5"),
            "line 4: \"offer-expired\" does not last");
    s_rule (WAYS "," RULE ("agent-silent", TO_ANNA, ""),
            "line 2: \"afterSeconds\" of \"agent-silent\" must be from 5 to 86400");
    s_rule (WAYS "," RULE ("agent-silent", TO_ANNA, ",\"afterSeconds\":86401"),
            "a whole number from 0 to 86400");
    s_rule (WAYS "," RULE ("keyword", TO_ANNA, ""), "a rule of \"keyword\" needs \"keywords\"");
    s_rule (WAYS "," RULE ("keyword", TO_ANNA, ",\"where\":{\"keywords\":[\"refund\"]}"), NULL);
    s_rule (WAYS "," RULE ("keyword", TO_ANNA, ",\"where\":{\"keywords\":[\" \"]}"),
            "must not be empty");
    s_rule (WAYS "," RULE ("dead-letter", TO_ANNA, ",\n\"where\":{\"pages\":[\"/x\"]}"),
            "line 4: \"dead-letter\" happens in no session");
    s_rule (WAITS ("\"where\":{\"languages\":[\"de\",\"d/\"]}"), "a language is a code");
    s_rule (WAITS ("\"onceSeconds\":604801"), "a whole number from 0 to 604800");
    s_rule (WAITS ("\"mostPerHour\":0"), "a whole number from 1 to 1000");
    s_rule (WAITS ("\"every\":1"), "\"every\" is no member");
    s_rule (WAYS ",\"alerts\":[{\"name\":\"r\",\"on\":\"keyword\"}]", "\"steps\" is missing");
    s_rule (WAYS ",\"alerts\":[{\"name\":\"r\",\"on\":\"session-ended\",\"steps\":[]}]",
            "an array of 1 to 10");
    s_rule (WAYS ",\"alerts\":[{\"name\":\"r\",\"on\":\"session-ended\",\"steps\":[" TO_ANNA "]},"
                 "{\n\"name\":\"r\",\"on\":\"session-ended\",\"steps\":[" TO_ANNA "]}]",
            "line 2: there is a \"r\" of \"alerts\"");
}

Test (app_alerts, a_step_reaches_somebody_by_a_way_that_the_app_has)
{
#define STEPS(steps) WAYS "," RULE ("session-ended", steps, "")
    s_rule (STEPS (STEP ("\"email\",\"sms\"", "\"person:anna\",\"person:bob\"")), NULL);
    s_rule (STEPS (STEP ("\"email\"", "\"group:desk\"")), NULL);
    s_rule (STEPS (STEP ("\"slack\"", "\"group:night\",\"slack:C9\",\"person:carl\"")), NULL);
    s_rule (STEPS (STEP ("\"email\"", "\"person:dora\"")), "line 3: there is no \"dora\"");
    s_rule (STEPS (STEP ("\"email\"", "\n\"group:x\"")), "line 4: nobody of \"people\" is of");
    s_rule (STEPS (STEP ("\"email\"", "\"group:night\"")), "nobody of \"night\" has an address");
    s_rule (STEPS (STEP ("\"sms\"", "\"person:anna\"")), "\"anna\" has no address");
    s_rule (STEPS (STEP ("\"email\"", "\"anna\"")), "a recipient is");
    s_rule (STEPS (STEP ("\"email\"", "\"person:\"")), "a recipient is");
    s_rule (STEPS (STEP ("\"slack\"", "\"slack:#alerts\"")), "a recipient is");
    s_rule (STEPS (STEP ("\"email\"", "\"slack:C012\"")), "does not call by slack");
    s_rule (STEPS (STEP ("\"email\"", "")), "\"to\" must name somebody");
    s_rule (STEPS (STEP ("", "\"person:anna\"")), "\"by\" needs");
    s_rule (STEPS (STEP ("\"pigeon\"", "\"person:anna\"")), "\"by\" has");
    s_rule (STEPS (STEP ("\"email\",\n\"email\"", "\"person:anna\"")),
            "line 4: \"email\" is there already");
    s_rule (STEPS (STEP ("\"email\"", "\"person:anna\",\n\"person:anna\"")),
            "line 4: \"person:anna\" is there already");
    s_rule (STEPS (TO_ANNA "," TO_ANNA), "a step must be later");
    s_rule (STEPS (TO_ANNA ",{\"afterSeconds\":60,\"by\":[\"sms\"],\"to\":[\"person:bob\"]}"),
            NULL);
    s_rule (PEOPLE "," RULE ("session-ended", TO_ANNA, ""), "the app has no section \"email\"");
    s_rule (PEOPLE "," HOOK "," RULE ("session-ended", STEP ("\"slack\"", "\"slack:C1\""), ""),
            "a channel needs a \"token\"");
    s_rule (PEOPLE "," HOOK "," RULE ("session-ended", STEP ("\"slack\"", "\"person:bob\""), ""),
            NULL);
    s_rule (PEOPLE ",\"slack\":{\"token\":\"xoxb-1\"},"
                   RULE ("session-ended", STEP ("\"slack\"", "\"person:anna\""), ""),
            "\"anna\" has no address");
    s_rule (PEOPLE ",\"slack\":{\"token\":\"xoxb-1\"},"
                   RULE ("session-ended", STEP ("\"slack\"", "\"person:bob\""), ""),
            NULL);
}

Test (app_alerts, words_and_hours)
{
    s_rule (WAITS ("\"text\":\"{{visitor.name}} waits {{ wait.minutes }} min\\n{{link}}\""), NULL);
    s_rule (WAITS ("\n\"text\":\"{{visitor.nam}}\""), "line 4: {{visitor.nam}} is none of");
    s_rule (WAITS ("\n\"subject\":\"{{link\""), "line 4: \"{{link\" has no \"}}\"");
    s_rule (WAITS ("\"text\":\"{{transcript}}\""), "{{transcript}} has no meaning");
    s_rule (WAITS ("\"subject\":\"a\\nb\""), "has a control character");
    s_rule (WAITS ("\"text\":\"a\\r\\nb\\n\""), NULL);
    s_rule (WAITS ("\n\"text\":\"a\\u0000b\""), "line 4: \"text\" has a control character");
    s_rule (WAITS ("\"text\":\"a\\nb\\u0000\\nc\""), "has a control character");
    s_rule (WAITS ("\"text\":\"a\\tb\""), "has a control character");
    s_rule (WAITS ("\n\"text\":\"a\\ud83d\""), "line 4: half of a surrogate pair");
    s_rule (WAITS ("\"text\":\"\\ud83d\\ude00 \\ufffd\""), NULL);
    s_rule (WAYS "," RULE ("no-worker", TO_ANNA, ",\"text\":\"{{visitor.name}}\""),
            "{{visitor.name}} has no meaning");
    s_rule (WAYS "," RULE ("session-ended", TO_ANNA, ",\"text\":\"{{transcript}}\""), NULL);
#define HOURS(members) WAITS ("\"hours\":{" members "}")
    s_rule (HOURS ("\"zone\":\"Europe/Berlin\",\"days\":[\"mon\",\"tue\"],\"from\":\"22:00\","
                   "\"to\":\"06:00\""),
            NULL);
    s_rule (HOURS ("\"zone\":\"UTC\""), NULL);
    s_rule (HOURS (""), "\"zone\" is missing");
    s_rule (HOURS ("\"zone\":\"Europe/Nowhere\""), "a \"zone\" is a name");
    s_rule (HOURS ("\"zone\":\"../../etc/passwd\""), "a \"zone\" is a name");
    s_rule (HOURS ("\"zone\":\"America/Argentina\""), "a \"zone\" is a name");
    s_rule (HOURS ("\"zone\":\"+01:00\""), "a \"zone\" is a name");
    s_rule (HOURS ("\"zone\":\"CET-1CEST,M3.5.0,M10.5.0\""), "a \"zone\" is a name");
    s_rule (HOURS ("\"zone\":\"UTC\",\"days\":[\"monday\"]"), "a day is");
    s_rule (HOURS ("\"zone\":\"UTC\",\"days\":[\"mon\",\"mon\"]"), "is there already");
    s_rule (HOURS ("\"zone\":\"UTC\",\"from\":\"24:00\""), "at most");
    s_rule (HOURS ("\"zone\":\"UTC\",\"from\":\"7:00\""), "a time is like");
    s_rule (HOURS ("\"zone\":\"UTC\",\"to\":\"24:01\""), "a time is like");
    s_rule (HOURS ("\"zone\":\"UTC\",\"to\":\"12:60\""), "a time is like");
    s_rule (HOURS ("\"zone\":\"UTC\",\"from\":\"09:00\",\"to\":\"09:00\""), "are the same");
}

Test (app_alerts, the_ways_out_need_what_they_need)
{
#define MAIL(members) "\"email\":{\"from\":\"a@b\",\"url\":" members "}"
    app_reader_t notifier = APP_READER_NOTIFIER;
    s_expect (notifier, EMAIL "," SMS "," SLACK, NULL);
    s_expect (notifier, MAIL ("\"smtp://m\",\"withoutLogin\":true,\"security\":\"none\""), NULL);
    s_expect (notifier, MAIL ("\"smtp://m:25/me.example\",\"withoutLogin\":true"), NULL);
    s_expect (notifier, MAIL ("\"smtp://m\""), "or \"withoutLogin\"");
    s_expect (notifier, MAIL ("\"smtp://m\",\"user\":\"u\""), "needs a \"password\"");
    s_expect (notifier, MAIL ("\"smtp://m\",\"password\":\"p\""), "needs a \"user\"");
    s_expect (notifier, MAIL ("\"smtp://m\",\"user\":\"u\",\"passwordFile\":\"p\",\"security\":"
                              "\"none\""),
              "in clear");
    s_expect (notifier, MAIL ("\"smtps://m\",\"withoutLogin\":true"), "needs \"security\"");
    s_expect (notifier, MAIL ("\"smtp://m\",\"withoutLogin\":true,\"security\":\"tls\""),
              "needs a \"url\"");
    s_expect (notifier, MAIL ("\"smtps://m\",\"withoutLogin\":true,\"security\":\"tls\""), NULL);
    s_expect (notifier, MAIL ("\"http://m\""), "a mail server is like");
    s_expect (notifier, MAIL ("\"smtp://u:p@m\""), "a mail server is like");
    s_expect (notifier, MAIL ("\"smtp://m/a b\""), "a mail server is like");
    s_expect (notifier, MAIL ("\"smtp://m\",\"fromName\":\"a\\r\\nBcc: b\""), "control character");
    s_expect (notifier, "\"email\":{\"url\":\"smtp://m\"}", "\"from\" is missing");
#define TEXTS(members) "\"sms\":{\"accountSid\":\"AC" HEX "\"" members "}"
    s_expect (notifier, TEXTS (",\"token\":\"t\",\"messagingServiceSid\":\"MG" HEX "\""), NULL);
    s_expect (notifier, TEXTS (",\"token\":\"t\",\"from\":\"Shop 24\""), NULL);
    s_expect (notifier, TEXTS (",\"token\":\"t\",\"from\":\"12345\""), NULL);
    s_expect (notifier, TEXTS (",\"token\":\"t\""), "needs \"from\"");
    s_expect (notifier, TEXTS (",\"from\":\"12345\""), "needs a \"token\"");
    s_expect (notifier, TEXTS (",\"token\":\"t\",\"from\":\"a long name of it\""), "\"from\" is");
    s_expect (notifier, TEXTS (",\"token\":\"t\",\"apiKeySid\":\"AC" HEX "\""), "is SK and");
    s_expect (notifier, "\"sms\":{\"accountSid\":\"AC12\"}", "is AC and");
    s_expect (notifier, "\"slack\":{}", "needs a \"token\" or a \"webhook\"");
    s_expect (notifier, "\"slack\":{\"token\":\"abc\"}", "is like xoxb-");
    s_expect (notifier, "\"slack\":{\"webhook\":\"hooks\"}", "is a URL");
    s_expect (notifier, "\"slack\":{\"tokenFile\":\"xoxb-1\",\"channel\":\"#a\"}", "by its id");
}

#define ENDPOINT(more)                                                                             \
    "\"webhooksOut\":[{\"name\":\"crm\",\"url\":\"https://crm.example/x\"" more "}]"
#define CHANNEL(kind, more) "\"webhooksIn\":[{\"channel\":\"c\",\"kind\":\"" kind "\"" more "}]"

Test (app_alerts, webhooks)
{
    app_reader_t notifier = APP_READER_NOTIFIER, edge = APP_READER_EDGE;
    s_expect (notifier, ENDPOINT (",\"secret\":\"" KEY "\",\"events\":[\"message.created\"]"),
              NULL);
    s_expect (notifier, ENDPOINT (",\"secretFile\":\"" KEY "\",\"previousSecret\":\"" KEY "\""),
              NULL);
    s_expect (notifier, ENDPOINT (""), "an endpoint needs a \"secret\"");
    s_expect (notifier, ENDPOINT (",\"secret\":\"" KEY "\",\"payload\":2"), "from 1 to 1");
    s_expect (notifier, ENDPOINT (",\"secret\":\"" KEY "\",\"events\":[\"message\"]"),
              "an event must be one");
    s_expect (notifier,
              ENDPOINT (",\"secret\":\"" KEY
                        "\",\"events\":[\"session.closed\",\"session.closed\"]"),
              "is there already");
    s_expect (notifier, "\"webhooksOut\":[{\"name\":\"a\",\"url\":\"https://b/\",\"secret\":\"" KEY
                        "\"},\n{\"name\":\"a\",\"url\":\"https://b/\",\"secret\":\"" KEY "\"}]",
              "line 2: there is a \"a\" of \"webhooksOut\"");
    s_expect (edge, CHANNEL ("standard", ",\"secret\":\"" KEY "\""), NULL);
    s_expect (edge, CHANNEL ("standard", ",\n\"secret\":\"hidden\""), "line 2: a secret here is");
    s_expect (edge, CHANNEL ("standard", ",\"secret\":\"" KEY "\",\"previousSecretFile\":\"x\""),
              "a secret here is");
    s_expect (edge, CHANNEL ("rcs", ",\"secretFile\":\"anything\""), NULL);
    s_expect (edge, CHANNEL ("rcs", ""), "a channel needs a \"secret\"");
    s_expect (edge, CHANNEL ("fax", ",\"secret\":\"x\""), "\"kind\" is");
    s_expect (edge, CHANNEL ("twilio", ",\"secret\":\"x\""), "needs the section \"sms\"");
    s_expect (edge, SMS "," CHANNEL ("twilio", ",\"secret\":\"x\""), NULL);
    s_expect (edge, SMS "," CHANNEL ("twilio", ",\"secret\":\"x\",\"reply\":\"crm\""),
              "answered by SMS");
    s_expect (edge, CHANNEL ("rcs", ",\"secret\":\"x\",\"reply\":\"crm\""), "there is no \"crm\"");
    s_expect (edge,
              ENDPOINT (",\"secret\":\"" KEY "\"") "," CHANNEL (
                  "business-messages", ",\"secret\":\"x\",\"reply\":\"crm\""),
              NULL);
    s_expect (edge, "\"webhooksIn\":[{\"channel\":\"A\",\"kind\":\"rcs\",\"secret\":\"x\"}]",
              "a \"channel\" is");
    s_expect (edge, "\"webhooksIn\":[{\"channel\":\"a\",\"kind\":\"rcs\",\"secret\":\"x\"},"
                    "{\"channel\":\"a\",\"kind\":\"rcs\",\"secret\":\"x\"}]",
              "there is a \"a\" of \"webhooksIn\"");
}

Test (app_alerts, keys_are_of_24_to_64_bytes_and_well_formed)
{
    static const struct {
        const char *key;
        bool is_good;
    } keys[] = {
        { KEY, true },
        { "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true }, //  24 bytes, without the prefix
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true },
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=", false },  //  23
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", false },   //  no whole group
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", false },  //  base64url
        { "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ=", false }, //  bits left over
        { "whsec_MDEy=zQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", false },
        { "whsec_", false },
        { "", false },
        { "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFi"
          "Y2RlZg==",
          true }, //  64
        { "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFi"
          "Y2RlZmc=",
          false }, //  65
    };
    char sections[300];
    for (size_t at = 0; at < sizeof keys / sizeof *keys; at++) {
        snprintf (sections, sizeof sections, ENDPOINT (",\"secret\":\"%s\""), keys[at].key);
        s_expect (APP_READER_NOTIFIER, sections, keys[at].is_good ? NULL : "a secret here is");
    }
}

#define ALL                                                                                        \
    WAYS "," RULE ("agent-silent", STEP ("\"slack\",\"sms\"", "\"person:bob\""),                   \
                   ",\"afterSeconds\":9") "," ENDPOINT (",\"secret\":\"" KEY "\"") ","             \
        CHANNEL ("standard", ",\"secret\":\"" KEY "\",\"reply\":\"crm\"")

Test (app_alerts, each_process_keeps_what_it_reads)
{
    buffer_t said;
    buffer_init (&said, 1000);
    apps_file_t *office = s_file (ALL, APP_READER_POSTOFFICE, &said);
    apps_file_t *notifier = s_file (ALL, APP_READER_NOTIFIER, &said);
    apps_file_t *edge = s_file (ALL, APP_READER_EDGE, &said);
    apps_file_t *connector = s_file (ALL, APP_READER_STENTOR, &said);
    cr_assert (office && notifier && edge && connector, "%.*s", TEXT_ARGS (buffer_text (&said)));

    const app_t *app = apps_file_first (office);
    const app_alert_t *alert = app->alerts.rows;
    const app_alert_step_t *step = alert->steps.rows;
    const app_webhook_out_t *out = app->webhooks_out.rows;
    const app_webhook_in_t *in = app->webhooks_in.rows;
    cr_expect_eq (alert->event, ALERT_ON_AGENT_SILENT);
    cr_expect_eq (alert->after_s, 9);
    cr_expect_eq (alert->once_s, 600);
    cr_expect_eq (alert->most_per_hour, 20);
    cr_expect (alert->subject_words && alert->text_words);
    cr_expect_eq (step->channels, CALL_BIT (CALL_SLACK) | CALL_BIT (CALL_SMS));
    cr_expect (app->email.is_there && app->sms.is_there && app->slack.has_token);
    cr_expect_eq (app->email.password.size + app->sms.token.size + app->slack.token.size, 0);
    cr_expect_eq (out->secret.size + in->secret.size, 0);
    cr_expect (text_is (in->reply, TEXT ("crm")));

    app = apps_file_first (notifier);
    out = app->webhooks_out.rows;
    cr_expect (text_is (app->email.password, TEXT ("hidden")));
    cr_expect (text_is (app->email.security, TEXT ("starttls")));
    cr_expect (text_is (app->sms.token, TEXT ("hidden")));
    cr_expect (text_is (app->slack.token, TEXT ("xoxb-hidden")));
    cr_expect (text_is (out->secret, TEXT (KEY)));
    in = app->webhooks_in.rows;
    cr_expect_eq (in->secret.size, 0);

    app = apps_file_first (edge);
    in = app->webhooks_in.rows;
    out = app->webhooks_out.rows;
    cr_expect (text_is (in->secret, TEXT (KEY)));
    cr_expect_eq (app->email.password.size + app->sms.token.size + out->secret.size, 0);

    apps_file_destroy (&office);
    apps_file_destroy (&notifier);
    apps_file_destroy (&edge);
    apps_file_destroy (&connector);
    buffer_free (&said);
}

Test (app_alerts, what_is_in_force_has_no_secrets)
{
    buffer_t said;
    buffer_init (&said, 1000);
    apps_file_t *office = s_file (ALL, APP_READER_POSTOFFICE, &said);
    text_t values = apps_file_first (office)->values;
    static const char *const shown[] = {
        "{\"path\":\"people[1].phone\",\"value\":\"+4930123\"",
        "{\"path\":\"alerts[0].steps[0].by\",\"value\":[\"slack\",\"sms\"],",
        "{\"path\":\"email.password\",\"value\":null,\"source\":\"file\",\"secret\":true}",
        "{\"path\":\"webhooksOut[0].secret\",\"value\":null,\"source\":\"file\",\"secret\":true}",
        "{\"path\":\"slack.webhook\",\"value\":null,\"source\":\"unset\",\"secret\":true}",
    };
    for (size_t at = 0; at < sizeof shown / sizeof *shown; at++)
        cr_expect (strstr (values.data, shown[at]), "%s\nis not in\n%s", shown[at], values.data);
    cr_expect_null (strstr (values.data, "hidden"));
    cr_expect_null (strstr (values.data, "whsec"));
    apps_file_destroy (&office);
    buffer_free (&said);
}
