#include "config/app_idle.h"

#include "http/url_place.h"
#include "json/json_locate.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct {
    const app_t *app;
    size_t row;
    text_t json;
    buffer_t *warnings;
} idle_t;

__attribute__ ((format (printf, 3, 4))) static void
s_warn (const idle_t *self, const char *place, const char *format, ...)
{
    char path[200], words[300], line[400];
    va_list values;
    va_start (values, format);
    vsnprintf (words, sizeof words, format, values);
    va_end (values);
    snprintf (path, sizeof path, "/apps/%zu%s", self->row, place);
    snprintf (line, sizeof line, "line %u: %s\n", json_locate_line (self->json, path), words);
    (void) !buffer_put_string (self->warnings, line); //  no room for words
}

// ---------------------------------------------------------------------------------------------
//  The switchboard

//  The only words that a text has in braces.
static bool
s_has_other_braces (text_t text)
{
    static const char *const known[] = { "{place}", "{minutes}" };
    for (const char *at = strchr (text.data, '{'); at; at = strchr (at + 1, '{')) {
        bool is_known = false;
        for (size_t word = 0; word < sizeof known / sizeof *known; word++)
            is_known = is_known || strncmp (at, known[word], strlen (known[word])) == 0;
        if (!is_known && strchr (at, '}'))
            return true;
    }
    return false;
}

static void
s_look_at_queue (const idle_t *self)
{
    const app_queue_t *queue = &self->app->switchboard.queue;
    if (queue->text.size == 0)
        return;
    if (text_is (queue->tell, TEXT ("none")))
        s_warn (self, "/switchboard/queue/text", "\"tell\" is \"none\": \"text\" is never said");
    else if (s_has_other_braces (queue->text))
        s_warn (self, "/switchboard/queue/text",
                "only {place} and {minutes} stand for something in \"text\"");
}

static void
s_look_at_failure (const idle_t *self)
{
    const app_failure_t *failure = &self->app->switchboard.failure;
    if (!app_failure_has (failure, FAILURE_TEXT)
        && !text_is (failure->text, TEXT (APP_FAILURE_WORDS)))
        s_warn (self, "/switchboard/failure/text",
                "without the step \"text\" this \"text\" is never said");
    if (app_failure_has (failure, FAILURE_PERSON) && self->app->switchboard.handoff.count == 0)
        s_warn (self, "/switchboard/failure/steps",
                "the step \"person\" asks nobody without a \"handoff\"");
    if (failure->open_s > failure->open_most_s)
        s_warn (self, "/switchboard/failure/openSeconds",
                "\"openSeconds\" is above \"openMostSeconds\" (%llu), and counts as that",
                (unsigned long long) failure->open_most_s);
    if (failure->health_url.size > 0 && !self->app->bot.is_there)
        s_warn (self, "/switchboard/failure/healthUrl",
                "the app has no \"bot\" whose \"healthUrl\" could be asked");
}

static void
s_look_at_handoff (const idle_t *self)
{
    const json_texts_t *handoff = &self->app->switchboard.handoff;
    char place[60];
    for (size_t at = 0; at < handoff->count; at++) {
        snprintf (place, sizeof place, "/switchboard/handoff/%zu", at);
        if (text_is (handoff->items[at], TEXT ("bot")) && !self->app->bot.is_there)
            s_warn (self, place, "the app has no \"bot\" that could be asked");
        if (text_is (handoff->items[at], TEXT ("platform:genesys"))
            && !self->app->genesys.is_there)
            s_warn (self, place, "the app has no section \"genesys\": nobody is there");
    }
}

// ---------------------------------------------------------------------------------------------
//  Alerts, and ways in and out

static void
s_look_at_alerts (const idle_t *self)
{
    const app_alert_t *alerts = self->app->alerts.rows;
    char place[60];
    for (size_t at = 0; at < self->app->alerts.count; at++) {
        bool is_of_bot =
            alerts[at].event == ALERT_ON_BOT_FAILING || alerts[at].event == ALERT_ON_BOT_HEALTHY;
        snprintf (place, sizeof place, "/alerts/%zu/on", at);
        if (is_of_bot && !self->app->bot.is_there)
            s_warn (self, place, "the app has no \"bot\": the rule \"%s\" never calls anybody",
                    alerts[at].name.data);
    }
}

static bool
s_is_replied_to (const app_t *app, text_t endpoint)
{
    const app_webhook_in_t *channels = app->webhooks_in.rows;
    for (size_t at = 0; at < app->webhooks_in.count; at++)
        if (text_is (channels[at].reply, endpoint))
            return true;
    return false;
}

static void
s_look_at_endpoints (const idle_t *self)
{
    const app_webhook_out_t *endpoints = self->app->webhooks_out.rows;
    char place[60];
    for (size_t at = 0; at < self->app->webhooks_out.count; at++) {
        snprintf (place, sizeof place, "/webhooksOut/%zu", at);
        if (endpoints[at].events.count == 0 && !s_is_replied_to (self->app, endpoints[at].name))
            s_warn (self, place,
                    "\"%s\" has no \"events\", and no channel of \"webhooksIn\" names it as its "
                    "\"reply\": it is told nothing",
                    endpoints[at].name.data);
    }
}

//  Where the usual servers speak TLS from the first byte, and where they do not.
static void
s_look_at_email (const idle_t *self)
{
    const app_email_t *email = &self->app->email;
    const char *place = strstr (email->url.data, "://");
    if (!email->is_there || !place)
        return;
    text_t port = url_place_port (url_place_of (place + 3));
    bool is_tls = text_is (email->security, TEXT ("tls"));
    if (!is_tls && text_is (port, TEXT ("465")))
        s_warn (self, "/email/url",
                "at port 465 mail servers speak TLS from the first byte: smtps:// with "
                "\"security\": \"tls\"");
    if (is_tls && (text_is (port, TEXT ("25")) || text_is (port, TEXT ("587"))))
        s_warn (self, "/email/url",
                "at port %s mail servers begin in clear: smtp:// with \"security\": \"starttls\"",
                port.size > 2 ? "587" : "25");
}

static void
s_look_at_slack (const idle_t *self)
{
    const app_slack_t *slack = &self->app->slack;
    if (slack->is_there && !slack->has_token && slack->channel.size > 0)
        s_warn (self, "/slack/channel",
                "without a \"token\" the webhook's own channel is used, and \"channel\" is not");
}

static bool
s_is_same (text_t secret, text_t previous)
{
    return secret.size > 0 && text_is (secret, previous);
}

//  Of a process that has the secrets.
static void
s_look_at_secrets (const idle_t *self)
{
    const app_webhook_out_t *endpoints = self->app->webhooks_out.rows;
    const app_webhook_in_t *channels = self->app->webhooks_in.rows;
    static const char words[] = "\"previousSecret\" is the same as \"secret\"";
    char place[60];
    for (size_t at = 0; at < self->app->webhooks_out.count; at++) {
        snprintf (place, sizeof place, "/webhooksOut/%zu", at);
        if (s_is_same (endpoints[at].secret, endpoints[at].previous_secret))
            s_warn (self, place, "%s", words);
    }
    for (size_t at = 0; at < self->app->webhooks_in.count; at++) {
        snprintf (place, sizeof place, "/webhooksIn/%zu", at);
        if (s_is_same (channels[at].secret, channels[at].previous_secret))
            s_warn (self, place, "%s", words);
    }
    const app_genesys_t *genesys = &self->app->genesys;
    if (s_is_same (genesys->webhook_secret, genesys->previous_webhook_secret))
        s_warn (self, "/genesys/previousWebhookSecret",
                "\"previousWebhookSecret\" is the same as \"webhookSecret\"");
}

void
app_idle_warn (const app_t *app, size_t row, text_t json, app_reader_t reader, buffer_t *warnings)
{
    idle_t self = { app, row, json, warnings };
    if (reader & APP_READER_POSTOFFICE) {
        s_look_at_handoff (&self);
        s_look_at_queue (&self);
        s_look_at_failure (&self);
        s_look_at_alerts (&self);
        s_look_at_slack (&self);
        s_look_at_endpoints (&self);
    }
    if (reader & APP_READER_NOTIFIER)
        s_look_at_email (&self);
    s_look_at_secrets (&self);
}
