#include "connector.h"

#include "base/alloc.h"
#include "base/log.h"
#include "process/service_apps.h"
#include "process/service_worker.h"
#include "http/cidr.h"
#include "model/failure_data.h"
#include "bot_calls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define TOPIC "bot.stentor"
#define RETRY_AFTER_MOST_MS 30000
#define JITTER_MOST_MS 200
#define FILES_BESIDE 200 //  descriptors for all but the bots' connections

typedef struct {
    service_config_t common;
    bus_settings_t bus;
    service_apps_config_t apps;
    char *bot_url;
    char *bot_key;
    char *auth_header;
    char *auth_scheme;
    char *proxy;
    char *no_proxy;
    char *ca_file;
    bool is_guarded;
    char *allowed;
    uint64_t timeout_ms;
    uint64_t tries;
    uint64_t delays_ms[BOT_TRIES_MOST - 1];
    uint64_t answer_limit;
    uint64_t credit;
} config_t;

typedef struct {
    service_t *service;
    http_client_t *http;
    apps_t *apps;
    bot_calls_t calls;
    worker_t *worker;
} connector_t;

static const setting_t s_settings[] = {
    SERVICE_SETTINGS (config_t, "9103"),
    BUS_NODE_SETTINGS (config_t),
    APPS_SETTINGS (config_t),
    SETTING ("BOT_URL", SETTING_TEXT, config_t, bot_url, "", 0, 0,
             "the app's bot, when there is no APPS_FILE"),
    SETTING ("BOT_KEY", SETTING_SECRET, config_t, bot_key, "", 0, 0,
             "key that is sent to the bot"),
    SETTING ("BOT_AUTH_HEADER", SETTING_TEXT, config_t, auth_header, "Authorization", 0, 0,
             "header that carries the key"),
    SETTING ("BOT_AUTH_SCHEME", SETTING_TEXT, config_t, auth_scheme, "Bearer", 0, 0,
             "word before the key; may be empty"),
    SETTING (
        "BOT_PROXY", SETTING_SECRET, config_t, proxy, "", 0, 0,
        "URL of a proxy to the bots: http, https, socks5 or socks5h; HTTP_PROXY is not read"),
    SETTING ("BOT_NO_PROXY", SETTING_TEXT, config_t, no_proxy, "", 0, 0,
             "reached without BOT_PROXY: names (and all below), networks, * for all; with commas"),
    SETTING ("BOT_CA_FILE", SETTING_TEXT, config_t, ca_file, "", 0, 0,
             "file of certificates (PEM) that are trusted beside the system's"),
    SETTING ("BOT_ADDRESS_GUARD", SETTING_SWITCH, config_t, is_guarded, "off", 0, 0,
             "on: no bot at a private or special address is asked"),
    SETTING ("BOT_ALLOWED_NETWORKS", SETTING_TEXT, config_t, allowed, "", 0, 0,
             "networks that BOT_ADDRESS_GUARD lets pass, such as 10.1.0.0/16, separated by commas"),
    SETTING ("BOT_TIMEOUT", SETTING_DURATION, config_t, timeout_ms, "15s", 100, 600000,
             "timeout of one try"),
    SETTING ("BOT_TRIES", SETTING_NUMBER, config_t, tries, "3", 1, BOT_TRIES_MOST,
             "tries for one question when the bot fails"),
    SETTING ("BOT_TRY_DELAY_1", SETTING_DURATION, config_t, delays_ms[0], "5s", 0, 600000,
             "pause after the first failure, in whole seconds, at least one"),
    SETTING ("BOT_TRY_DELAY_2", SETTING_DURATION, config_t, delays_ms[1], "5s", 0, 600000,
             "pause after the second failure"),
    SETTING ("BOT_ANSWER_LIMIT", SETTING_SIZE, config_t, answer_limit, "256k", 1024, BUS_DOOR_MAX,
             "limit of a bot's answer"),
    SETTING ("BOT_CREDIT", SETTING_NUMBER, config_t, credit, "2000", 1, 100000,
             "limit of calls in flight"),
    SETTINGS_END
};

//  Every call may hold a connection: the soft limit of most systems is too low for that.
static void
s_raise_files (uint64_t calls)
{
    struct rlimit files;
    if (getrlimit (RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= calls + FILES_BESIDE)
        return;
    files.rlim_cur =
        calls + FILES_BESIDE < files.rlim_max ? calls + FILES_BESIDE : files.rlim_max;
    if (setrlimit (RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < calls + FILES_BESIDE)
        log_warn ("fewer files may be open than BOT_CREDIT needs",
                  log_number ("files", (int64_t) files.rlim_cur));
}

//  What becomes a part of every request and the table of settings cannot see.
static int
s_check_settings (connector_t *self, const config_t *config)
{
    //  Headers that the question has anyway: a second one would break the request.
    static const char *const taken[] = { "Accept",         "Accept-Encoding", "Connection",
                                         "Content-Length", "Content-Type",    "Expect",
                                         "Host",           "Transfer-Encoding", "User-Agent" };
    const char *complaint = NULL;
    if (!http_client_is_token (config->auth_header) || strlen (config->auth_header) > AUTH_WORD_MAX)
        complaint = "BOT_AUTH_HEADER must be the name of a header";
    for (size_t row = 0; row < sizeof taken / sizeof *taken; row++)
        if (strcasecmp (config->auth_header, taken[row]) == 0)
            complaint = "BOT_AUTH_HEADER must not be a header that every request has";
    if (*config->auth_scheme
        && (!http_client_is_token (config->auth_scheme)
            || strlen (config->auth_scheme) > AUTH_WORD_MAX))
        complaint = "BOT_AUTH_SCHEME must be one word, or empty";
    if (*config->proxy && !http_url_is_proxy (config->proxy))
        complaint = "BOT_PROXY must be a URL with http, https, socks5 or socks5h";
    if (*config->ca_file && access (config->ca_file, R_OK) != 0)
        complaint = "BOT_CA_FILE must be a file that can be read";
    text_t mistake = cidr_list_mistake (config->allowed);
    char networks[160];
    snprintf (networks, sizeof networks,
              "BOT_ALLOWED_NETWORKS must be networks such as 10.1.0.0/16: %.*s is none",
              (int) (mistake.size < 50 ? mistake.size : 50), mistake.data);
    if (mistake.size)
        complaint = networks;
    if (!complaint)
        return 0;
    log_fatal ("wrong settings", log_string ("complaint", complaint));
    service_fail (self->service, EX_CONFIG);
    return -1;
}

static int
s_start_http (connector_t *self, const config_t *config)
{
    http_client_config_t http = { .connections_per_host = config->credit,
                                  .proxy = config->proxy,
                                  .no_proxy = config->no_proxy,
                                  .ca_file = config->ca_file,
                                  .is_guarded = config->is_guarded,
                                  .allowed = config->allowed };
    self->http = http_client_new (service_loop (self->service), &http);
    if (self->http)
        return 0;
    log_fatal ("libcurl cannot be started", log_number ("credit", (int64_t) config->credit));
    return -1;
}

//  A bot is asked again whatever passes: a turn that runs twice is better than no answer, and the
//  widget does the same.
static retry_policy_t
s_retry_policy (const config_t *config)
{
    return (retry_policy_t){ .classes = RETRY_IF_PASSING,
                             .tries = (unsigned) config->tries,
                             .delays_ms = config->delays_ms,
                             .delays = BOT_TRIES_MOST - 1,
                             .step_ms = 1000, //  the widget counts whole seconds down
                             .jitter_percent = 100,
                             .jitter_most_ms = JITTER_MOST_MS,
                             .retry_after_most_ms = RETRY_AFTER_MOST_MS };
}

//  0 when questions can come.
static int
s_start_worker (connector_t *self, const config_t *config)
{
    self->calls = (bot_calls_t){ .http = self->http,
                                 .apps = self->apps,
                                 .retry = s_retry_policy (config),
                                 .timeout_ms = config->timeout_ms,
                                 .answer_limit = config->answer_limit,
                                 .auth_header = config->auth_header,
                                 .auth_scheme = config->auth_scheme };
    worker_kind_t kind = bot_calls_kind (&self->calls);
    kind.topics = TOPIC;
    kind.credit = config->credit;
    self->worker = service_worker_new (self->service, &config->bus, &kind, &self->calls);
    return self->worker ? 0 : -1;
}

//  The worker first: its items hold HTTP calls.
static void
s_stop (void **state_p)
{
    connector_t *self = *state_p;
    *state_p = NULL;
    worker_destroy (&self->worker);
    http_client_destroy (&self->http);
    apps_destroy (&self->apps);
    free (self);
}

static void *
s_start (service_t *service, const void *of_service)
{
    const config_t *config = of_service;
    connector_t *self = alloc_zeroed (sizeof *self);
    self->service = service;
    s_raise_files (config->credit);
    if (s_check_settings (self, config) == 0 && s_start_http (self, config) == 0)
        self->apps = service_apps_new (service, &config->apps, config->bot_url, config->bot_key);
    if (!self->apps || s_start_worker (self, config) != 0) {
        void *state = self;
        s_stop (&state);
        return NULL;
    }
    if (!*config->apps.file && !*config->bot_url)
        log_warn ("no bot: neither APPS_FILE nor BOT_URL is set",
                  log_text ("app", apps_find (self->apps, TEXT_EMPTY)->id));
    return self;
}

static void
s_drain (void *state)
{
    worker_drain (((connector_t *) state)->worker);
}

static config_t s_config;

static const service_command_t s_commands[] = { APPS_COMMANDS, { .name = NULL } };

const service_kind_t connector_service = {
    .name = "stentor-connector",
    .about = "puts the visitors' questions to the apps' Stentor bots",
    .settings = s_settings,
    .config = &s_config,
    .start = s_start,
    .drain = s_drain,
    .stop = s_stop,
    .commands = s_commands,
    .apps_reader = APP_READER_STENTOR
};
