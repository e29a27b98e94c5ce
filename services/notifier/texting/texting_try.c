#include "texting/texting_try.h"

#include "json/json_write.h"
#include "texting/slack_client.h"
#include "texting/slack_outcome.h"
#include "texting/sms_answer.h"
#include "texting/sms_outcome.h"
#include "texting/sms_request.h"

#include <stdio.h>
#include <sysexits.h>

#define WORDS TEXT ("This message was sent to try out the alerts of your chat. They can reach you.")
#define ANSWER_SIZE_MOST (256u << 10)
#define BODY_MOST 1000
#define HEADER_SIZE 4200
#define URL_SIZE 2100

static int
s_complain (int code, const char *complaint)
{
    fprintf (stderr, "notifier --send-test: %s\n", complaint);
    return code;
}

//  "the message was posted: 200", or what was answered instead.
static void
s_say (const delivery_failure_t *outcome, const http_answer_t *answer, const char *said, int *code)
{
    bool is_good = outcome->class == RETRY_DONE;
    printf ("%s", outcome->words);
    if (answer->status > 0)
        printf (": %ld", answer->status);
    if (answer->outcome != HTTP_ANSWERED)
        printf (": %s", http_outcome_words (answer->outcome));
    printf ("%s%s\n", *said ? " " : "", said);
    *code = is_good ? EX_OK : EX_UNAVAILABLE;
}

static int
s_send (http_client_t *http, uint64_t try_ms, http_request_t *request, http_answer_fn *answered,
        int *code)
{
    request->method = "POST";
    request->timeout_ms = try_ms;
    request->answer_limit = ANSWER_SIZE_MOST;
    request->only_once = true;
    return http_client_send (http, request, answered, code) ? 0 : -1;
}

// ------------------------------------------------------------------------------------------------
//  Slack

static void
s_posted_to (void *owner, const http_answer_t *answer, bool is_webhook)
{
    slack_answer_t said;
    slack_answer_read (&said, answer->body, is_webhook);
    s_say (&slack_outcomes[slack_outcome_of (answer, &said, is_webhook)], answer, said.word,
           owner);
}

static void
s_posted (void *owner, http_call_t call, const http_answer_t *answer)
{
    (void) call;
    s_posted_to (owner, answer, false);
}

static void
s_posted_by_webhook (void *owner, http_call_t call, const http_answer_t *answer)
{
    (void) call;
    s_posted_to (owner, answer, true);
}

static int
s_write (bool is_webhook, const char *address, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    if (!is_webhook)
        json_put_string (&json, "channel", address);
    json_put_text (&json, "text", WORDS);
    json_close_object (&json);
    return json_write_end (&json);
}

void
slack_try (const channel_means_t *means, const char *app_id, const char *address, int *code)
{
    const app_t *app = apps_find (means->apps, text_of (app_id));
    bool is_webhook = strcmp (address, "webhook") == 0;
    char login[HEADER_SIZE], url[URL_SIZE];
    buffer_t body;
    if (!app || !app->slack.is_there) {
        *code = s_complain (EX_CONFIG, app ? "the app has no section \"slack\""
                                           : "APPS_FILE has no such app");
        return;
    }
    if (is_webhook ? app->slack.webhook.size == 0 : app->slack.token.size == 0) {
        *code = s_complain (EX_CONFIG, is_webhook ? "the app's \"slack\" has no \"webhook\""
                                                  : "the app's \"slack\" has no \"token\": the "
                                                    "address of a webhook is \"webhook\"");
        return;
    }
    snprintf (login, sizeof login, "Authorization: Bearer %.*s", TEXT_ARGS (app->slack.token));
    if (is_webhook)
        snprintf (url, sizeof url, "%.*s", TEXT_ARGS (app->slack.webhook));
    else
        snprintf (url, sizeof url, "%s/chat.postMessage", means->slack_url);
    const char *const headers[] = { "Accept: application/json", is_webhook ? NULL : login, NULL };
    buffer_init (&body, BODY_MOST);
    http_request_t request = { .url = url,
                               .headers = headers,
                               .content_type = "application/json; charset=utf-8" };
    if (s_write (is_webhook, address, &body) != 0)
        *code = s_complain (EX_USAGE, "what stands behind --to is too long");
    else {
        request.body = buffer_text (&body);
        http_client_t *http = slack_client (means, is_webhook, url);
        if (s_send (http, means->try_ms, &request, is_webhook ? s_posted_by_webhook : s_posted,
                    code)
            != 0)
            *code = s_complain (EX_CONFIG, "Slack's URL cannot be called");
    }
    buffer_free (&body);
}

// ------------------------------------------------------------------------------------------------
//  SMS

static void
s_sent (void *owner, http_call_t call, const http_answer_t *answer)
{
    (void) call;
    sms_answer_t said;
    sms_answer_read (&said, answer->body);
    s_say (&sms_outcomes[sms_outcome_of (answer, *said.sid != '\0', said.code)], answer,
           *said.sid ? said.sid : said.said, owner);
}

void
sms_try (const channel_means_t *means, const char *app_id, const char *address, int *code)
{
    const app_t *app = apps_find (means->apps, text_of (app_id));
    if (!app || !app->sms.is_there) {
        *code = s_complain (EX_CONFIG, app ? "the app has no section \"sms\""
                                           : "APPS_FILE has no such app");
        return;
    }
    if (!sms_is_number (text_of (address))) {
        *code = s_complain (EX_USAGE, "what stands behind --to is no number like +4930123456");
        return;
    }
    sms_request_t made;
    sms_message_t message = { .to = text_of (address), .text = WORDS, .callback = TEXT_EMPTY };
    const char *why = sms_request_send (&made, means->twilio_url, &app->sms, &message);
    if (!why) {
        const char *const headers[] = { made.login.data, "Accept: application/json", NULL };
        http_request_t request = { .url = made.url.data,
                                   .headers = headers,
                                   .content_type =
                                       "application/x-www-form-urlencoded; charset=utf-8",
                                   .body = buffer_text (&made.form) };
        if (s_send (means->http, means->try_ms, &request, s_sent, code) != 0)
            why = "Twilio's URL cannot be called";
    }
    sms_request_free (&made);
    if (why)
        *code = s_complain (EX_CONFIG, why);
}
