//  app_calls — whom a step calls, each address once. alert_body — what an alert remembers.

#include "config/app_calls.h"
#include "config/apps_file.h"
#include "model/model.h"
#include "triggers/alert_body.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PEOPLE                                                                                     \
    "\"people\":[{\"id\":\"anna\",\"name\":\"Anna\",\"email\":\"anna@example.com\","               \
    "\"phone\":\"+4930123\",\"slack\":\"U01\",\"groups\":[\"desk\"]},"                             \
    "{\"id\":\"bob\",\"email\":\"bob@example.com\",\"groups\":[\"desk\"]},"                        \
    "{\"id\":\"carl\",\"email\":\"bob@example.com\",\"groups\":[\"desk\"]}],"
#define EMAIL                                                                                      \
    "\"email\":{\"url\":\"smtp://m\",\"withoutLogin\":true,\"from\":\"a@b\"},"                     \
    "\"sms\":{\"accountSid\":\"AC0123456789abcdef0123456789abcdef\",\"token\":\"t\","              \
    "\"from\":\"+15550100\"},"
#define TOKEN "\"slack\":{\"token\":\"xoxb-1\",\"channel\":\"C01\"},"
#define WEBHOOK "\"slack\":{\"webhook\":\"https://s/x\"},"

static apps_file_t *s_file;
static app_call_t s_calls[APP_CALLS_MOST];

static const app_alert_t *
s_rule (const char *sections, const char *by, const char *to)
{
    char json[4000];
    buffer_t said;
    buffer_init (&said, 4000);
    snprintf (json, sizeof json,
              "{\"apps\":[{\"appId\":\"demo\",%s\"alerts\":[{\"name\":\"waiting\",\"on\":"
              "\"visitor-waits\",\"steps\":[{\"by\":[%s],\"to\":[%s]}]}]}]}",
              sections, by, to);
    apps_file_destroy (&s_file);
    s_file = apps_file_new (text_of (json), &(apps_reading_t){ .reader = APP_READER_POSTOFFICE,
                                                               .complaint = &said,
                                                               .warnings = &said });
    cr_assert (s_file, "%.*s", TEXT_ARGS (buffer_text (&said)));
    buffer_free (&said);
    return apps_file_first (s_file)->alerts.rows;
}

static size_t
s_calls_of (const app_alert_t *rule)
{
    const app_alert_step_t *step = rule->steps.rows;
    return app_calls_of (apps_file_first (s_file), &step->to, step->channels, s_calls,
                         APP_CALLS_MOST);
}

//  "email:bob:bob@example.com slack:-:C01"
static const char *
s_list (const char *sections, const char *by, const char *to)
{
    static char list[1000];
    const app_alert_t *rule = s_rule (sections, by, to);
    size_t count = s_calls_of (rule);
    *list = '\0';
    for (size_t at = 0; at < count; at++)
        snprintf (list + strlen (list), sizeof list - strlen (list), "%s%s:%s:%s",
                  at ? " " : "", call_channel_names[s_calls[at].channel],
                  s_calls[at].person ? s_calls[at].person->id.data : "-",
                  s_calls[at].address.data);
    return list;
}

Test (app_calls, each_address_is_called_once)
{
    cr_expect_str_eq (s_list (PEOPLE EMAIL TOKEN, "\"email\"", "\"person:anna\",\"group:desk\""),
                      "email:anna:anna@example.com email:bob:bob@example.com");
    cr_expect_str_eq (s_list (PEOPLE EMAIL TOKEN, "\"sms\",\"email\"", "\"person:anna\""),
                      "email:anna:anna@example.com sms:anna:+4930123");
    cr_expect_str_eq (s_list (PEOPLE EMAIL TOKEN, "\"slack\"",
                              "\"group:desk\",\"slack:C9\",\"slack:C01\""),
                      "slack:anna:U01 slack:-:C01 slack:-:C9");
    cr_expect_str_eq (s_list (PEOPLE EMAIL WEBHOOK, "\"slack\"", "\"group:desk\""), "slack:-:");
    cr_expect_str_eq (s_list (PEOPLE EMAIL TOKEN, "\"sms\"", "\"group:desk\""),
                      "sms:anna:+4930123");
    apps_file_destroy (&s_file);
}

Test (alert_body, a_body_is_read_as_it_was_written)
{
    alert_body_t body = { .rule = TEXT ("r"),
                          .event = ALERT_ON_AGENT_GONE,
                          .seq = 7,
                          .time_ms = 8,
                          .role = ROLE_AGENT,
                          .user = TEXT ("an\"na") };
    alert_body_t read;
    buffer_t text;
    buffer_init (&text, ALERT_BODY_MOST);
    body.values[ALERT_VALUE_REASON] = TEXT ("absent");
    alert_body_write (&body, &text);
    cr_assert (alert_body_read (&read, buffer_text (&text)));
    cr_expect (text_is (read.rule, body.rule) && text_is (read.user, body.user));
    cr_expect (read.event == body.event && read.seq == 7 && read.time_ms == 8);
    cr_expect_eq (read.role, ROLE_AGENT);
    cr_expect (text_is (read.values[ALERT_VALUE_REASON], TEXT ("absent")));
    cr_expect_eq (read.values[ALERT_VALUE_LINK].size, 0);
    alert_body_free (&read);
    cr_expect_not (alert_body_read (&read, TEXT ("{}")));
    cr_expect_not (alert_body_read (&read, TEXT ("{\"rule\":\"r\",\"event\":\"x\"}")));
    cr_expect_not (alert_body_read (&read, TEXT ("[")));
    buffer_free (&text);
}
