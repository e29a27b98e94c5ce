#include "notifier.h"

#include "base/alloc.h"
#include "base/log.h"
#include "channels/channel_list.h"
#include "email/email.h"
#include "hooks/hook_url.h"
#include "hooks/hooks.h"
#include "http/cidr.h"
#include "http/http_url.h"
#include "process/worker_process.h"
#include "texting/slack.h"
#include "texting/sms.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

//  Longer than an attempt takes that ends at its time limit.
#define OVERDUE_AFTER_MS 60000
//  An alert is of hours; Standard Webhooks names about three days.
#define ALERT_PAUSES "1m,5m,15m,30m,1h,1h,2h"
#define WEBHOOK_PAUSES "5s,5m,30m,2h,5h,10h,14h,20h,24h"

//  A new channel is a row, and a room.
static const channel_t *const s_channels[] = { &email_channel,     &hooks_channel,
                                               &sms_alert_channel, &sms_out_channel,
                                               &slack_channel,     NULL };

typedef struct {
    service_config_t common;
    bus_settings_t bus;
    service_apps_config_t apps;
    worker_http_config_t out;
    char *allowed;
    uint64_t try_ms;
    char *alert_pauses;
    char *webhook_pauses;
    char *mail_name;
    char *twilio_url;
    char *slack_url;
    char *public_url;
    uint64_t credit;
} config_t;

typedef struct {
    worker_process_t process;
    channel_means_t means;
    http_client_t *guarded;
    channel_list_t *channels;
} notifier_t;

static const setting_t s_settings[] = {
    SERVICE_SETTINGS (config_t, "9104"),
    BUS_NODE_SETTINGS (config_t),
    APPS_SETTINGS (config_t),
    WORKER_HTTP_SETTINGS (config_t, "OUT"),
    SETTING ("OUT_ALLOWED_NETWORKS", SETTING_TEXT, config_t, allowed, "", 0, 0,
             "networks, such as 10.1.0.0/16 (commas between), that webhooks may go to "
             "although they are private, and by http://"),
    SETTING ("TRY_WITHIN", SETTING_DURATION, config_t, try_ms, "30s", 100, 600000,
             "timeout of one try, with what it waits for"),
    SETTING ("ALERT_PAUSES", SETTING_TEXT, config_t, alert_pauses, ALERT_PAUSES, 0, 0,
             "pauses between the tries of an alert that fails, with commas; then it is dead"),
    SETTING ("WEBHOOK_PAUSES", SETTING_TEXT, config_t, webhook_pauses, WEBHOOK_PAUSES, 0, 0,
             "pauses between the tries of a webhook that fails, with commas; then it is dead"),
    SETTING ("MAIL_NAME", SETTING_TEXT, config_t, mail_name, "", 0, 0,
             "name that mail servers are told (EHLO); empty: the domain of the app's sender"),
    SETTING ("TWILIO_URL", SETTING_TEXT, config_t, twilio_url, "https://api.twilio.com", 0, 0,
             "where Twilio's API is"),
    SETTING ("SLACK_URL", SETTING_TEXT, config_t, slack_url, "https://slack.com/api", 0, 0,
             "where Slack's Web API is"),
    SETTING ("EDGE_PUBLIC_URL", SETTING_TEXT, config_t, public_url, "", 0, 0,
             "URL at which Twilio reaches /webhooks/ of the edges, to say what became of an SMS; "
             "empty: it does not"),
    SETTING ("OUT_CREDIT", SETTING_NUMBER, config_t, credit, "200", 1, 10000,
             "limit of deliveries in hand"),
    SETTINGS_END
};

//  Where an account's key is sent, and what people write.
#define SENT_THERE "must begin with https://: keys and what people write are sent there"

static const production_need_t s_production[] = {
    PRODUCTION_BUS_KEYS (config_t),
    PRODUCTION_NEED ("TWILIO_URL", PRODUCTION_HTTPS, config_t, twilio_url, SENT_THERE),
    PRODUCTION_NEED ("SLACK_URL", PRODUCTION_HTTPS, config_t, slack_url, SENT_THERE),
    PRODUCTION_NEED ("EDGE_PUBLIC_URL", PRODUCTION_HTTPS, config_t, public_url,
                     "must begin with https://: what became of an SMS comes in there"),
    PRODUCTION_END,
};

static bool
s_is_url (const char *text)
{
    http_url_t url;
    if (strpbrk (text, "?#") || http_url_read (&url, text) != 0)
        return false;
    http_url_free (&url);
    return true;
}

//  What the table of settings cannot see. NULL, or what is wrong, perhaps in `room`.
static const char *
s_complaint (notifier_t *self, const config_t *config, char room[WORKER_MISTAKE_ROOM])
{
    const char *complaint = NULL;
    if (schedule_read (&self->means.alerts, config->alert_pauses) != 0)
        complaint = "ALERT_PAUSES must be durations such as 1m,5m,1h";
    if (schedule_read (&self->means.webhooks, config->webhook_pauses) != 0)
        complaint = "WEBHOOK_PAUSES must be durations such as 5s,5m,1h";
    if (!s_is_url (config->twilio_url))
        complaint = "TWILIO_URL must be an http or https URL without a query";
    if (!s_is_url (config->slack_url))
        complaint = "SLACK_URL must be an http or https URL without a query";
    if (*config->public_url && !s_is_url (config->public_url))
        complaint = "EDGE_PUBLIC_URL must be an http or https URL without a query";
    if (!email_name_is_good (config->mail_name))
        complaint = "MAIL_NAME must be the name of a host";
    text_t mistake = cidr_list_mistake (config->allowed);
    snprintf (room, WORKER_MISTAKE_ROOM,
              "OUT_ALLOWED_NETWORKS must be networks such as 10.1.0.0/16: %.*s is none",
              (int) (mistake.size < 50 ? mistake.size : 50), mistake.data);
    return mistake.size ? room : complaint;
}

static void
s_guard (http_client_config_t *http, const config_t *config)
{
    http->is_guarded = http->keeps_clear = true;
    http->allowed = config->allowed;
}

//  HTTP to hosts that an app names, beside that to those that the operator names.
static int
s_start_guarded (notifier_t *self, const config_t *config)
{
    http_client_config_t http = worker_http_client (&config->out, config->credit);
    s_guard (&http, config);
    self->guarded = http_client_new (service_loop (self->process.service), &http);
    if (self->guarded)
        return 0;
    log_fatal ("libcurl cannot be started", log_number ("credit", (int64_t) config->credit));
    return -1;
}

static int
s_open (notifier_t *self, service_t *service, const config_t *config)
{
    char room[WORKER_MISTAKE_ROOM];
    worker_process_config_t process = { .out = &config->out,
                                        .prefix = "OUT",
                                        .complaint = s_complaint (self, config, room),
                                        .http = worker_http_client (&config->out, config->credit),
                                        .apps = &config->apps,
                                        .bot_url = "",
                                        .bot_key = "" };
    if (worker_process_open (&self->process, service, &process) != 0)
        return -1;
    return s_start_guarded (self, config);
}

//  What channels are given of the settings.
static void
s_set_means (channel_means_t *means, const config_t *config)
{
    means->ca_file = config->out.ca_file;
    means->mail_name = config->mail_name;
    means->twilio_url = config->twilio_url;
    means->slack_url = config->slack_url;
    means->public_url = config->public_url;
    means->try_ms = config->try_ms;
}

//  0 when deliveries can come.
static int
s_start_worker (notifier_t *self, const config_t *config)
{
    self->means.loop = service_loop (self->process.service);
    self->means.apps = self->process.apps;
    self->means.http = self->process.http;
    self->means.guarded = self->guarded;
    s_set_means (&self->means, config);
    self->channels = channel_list_new (s_channels, &self->means);
    worker_kind_t kind = channel_list_kind (self->channels);
    kind.credit = config->credit;
    kind.attempt_ms = config->try_ms + OVERDUE_AFTER_MS;
    kind.overdue = (worker_report_t){ .outcome = WORKER_DEAD,
                                      .detail = TEXT ("the try never ended") };
    return worker_process_work (&self->process, &config->bus, &kind, self->channels);
}

//  The worker first: its items hold calls and mails.
static void
s_stop (void **state_p)
{
    notifier_t *self = *state_p;
    *state_p = NULL;
    worker_process_end_work (&self->process);
    channel_list_destroy (&self->channels);
    http_client_destroy (&self->guarded);
    worker_process_close (&self->process);
    free (self);
}

static void *
s_start (service_t *service, const void *of_service)
{
    const config_t *config = of_service;
    notifier_t *self = alloc_zeroed (sizeof *self);
    if (s_open (self, service, config) == 0 && s_start_worker (self, config) == 0)
        return self;
    void *state = self;
    s_stop (&state);
    return NULL;
}

static void
s_drain (void *state)
{
    worker_drain (((notifier_t *) state)->process.worker);
}

static const char *
s_out_url_mistake (const void *config, const char *url)
{
    return hook_url_mistake (((const config_t *) config)->allowed, url);
}

// ------------------------------------------------------------------------------------------------
//  --send-test

#define SEND_TEST_WORDS "CHANNEL --app APP --to ADDRESS"
#define COMPLAINT_MOST 4096
#define SEND_TEST_GOES_ON (-1)

static const channel_t *
s_named (const char *name)
{
    for (const channel_t *const *row = s_channels; *row; row++)
        if ((*row)->send_test && strcmp ((*row)->name, name) == 0)
            return *row;
    return NULL;
}

static void
s_send_test (const channel_t *channel, const config_t *config, const char *app,
             const char *address, int *code)
{
    channel_means_t means = { .loop = uv_default_loop () };
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_MOST);
    s_set_means (&means, config);
    apps_t *apps = apps_new (means.loop,
                             &(apps_config_t){ .reader = APP_READER_NOTIFIER,
                                               .file = config->apps.file,
                                               .app_id = config->apps.app_id,
                                               .bot_url = "",
                                               .bot_key = "",
                                               .out = { s_out_url_mistake, config } },
                             &complaint);
    http_client_config_t http = worker_http_client (&config->out, 1);
    means.http = http_client_new (means.loop, &http);
    s_guard (&http, config);
    means.guarded = http_client_new (means.loop, &http);
    means.apps = apps;
    *code = apps ? SEND_TEST_GOES_ON : EX_CONFIG;
    if (!apps)
        fprintf (stderr, "notifier --send-test: %.*s\n", TEXT_ARGS (buffer_text (&complaint)));
    else if (means.http && means.guarded)
        channel->send_test (&means, app, address, code);
    apps_destroy (&apps);
    buffer_free (&complaint);
    while (*code == SEND_TEST_GOES_ON && uv_run (means.loop, UV_RUN_ONCE))
        continue;
    http_client_destroy (&means.http);
    http_client_destroy (&means.guarded);
    uv_run (means.loop, UV_RUN_DEFAULT);
    if (*code == SEND_TEST_GOES_ON)
        *code = EX_SOFTWARE;
}

static int
s_run_send_test (const service_kind_t *kind, int count, char *const *words)
{
    const channel_t *channel = count > 0 ? s_named (words[0]) : NULL;
    const char *app = NULL, *address = NULL;
    for (int at = 1; at + 1 < count; at += 2)
        if (strcmp (words[at], "--app") == 0)
            app = words[at + 1];
        else if (strcmp (words[at], "--to") == 0)
            address = words[at + 1];
    if (!channel || !app || !address || count != 5) {
        fprintf (stderr, "usage: notifier --send-test " SEND_TEST_WORDS "\n");
        return EX_USAGE;
    }
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_MOST);
    int code = EX_CONFIG;
    log_start (kind->name, kind->name, LOG_WARN);
    if (service_read_settings (kind, &complaint) == 0)
        s_send_test (channel, kind->config, app, address, &code);
    else
        fprintf (stderr, "notifier --send-test: %.*s\n", TEXT_ARGS (buffer_text (&complaint)));
    settings_free (kind->settings, kind->config);
    buffer_free (&complaint);
    return fflush (stdout) == 0 ? code : EX_IOERR;
}

static config_t s_config;

static const service_command_t s_commands[] = { APPS_COMMANDS, { .name = NULL } };

static const service_long_command_t s_long_commands[] = {
    { "--send-test", SEND_TEST_WORDS, "sends an alert of the app at once, and says what came of it",
      s_run_send_test },
    { .name = NULL },
};

const service_kind_t notifier_service = {
    .name = "notifier",
    .about = "delivers alerts by e-mail, SMS and Slack, and webhooks",
    .settings = s_settings,
    .config = &s_config,
    .start = s_start,
    .drain = s_drain,
    .stop = s_stop,
    .commands = s_commands,
    .long_commands = s_long_commands,
    .apps_reader = APP_READER_NOTIFIER,
    .production = s_production,
    .out_url_mistake = s_out_url_mistake
};
