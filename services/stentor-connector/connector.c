#include "connector.h"

#include "auth/answer_url.h"
#include "base/alloc.h"
#include "base/log.h"
#include "process/worker_process.h"
#include "http/cidr.h"
#include "http/http_url.h"
#include "model/failure_data.h"
#include "bot_calls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define TOPICS "bot.stentor health.stentor"
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
    worker_http_config_t out;
    bool is_guarded;
    char *allowed;
    uint64_t timeout_ms;
    uint64_t part_within_ms;
    uint64_t parts_ms;
    uint64_t tries;
    uint64_t delays_ms[BOT_TRIES_MOST - 1];
    char *answer_key;
    char *answer_url;
    uint64_t later_ms;
    uint64_t answer_limit;
    uint64_t credit;
} config_t;

typedef struct {
    worker_process_t process;
    bot_calls_t calls;
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
    WORKER_HTTP_SETTINGS (config_t, "BOT"),
    SETTING ("BOT_ADDRESS_GUARD", SETTING_SWITCH, config_t, is_guarded, "off", 0, 0,
             "on: no bot at a private or special address is asked"),
    SETTING ("BOT_ALLOWED_NETWORKS", SETTING_TEXT, config_t, allowed, "", 0, 0,
             "networks that BOT_ADDRESS_GUARD lets pass, such as 10.1.0.0/16, separated by commas"),
    SETTING ("BOT_TIMEOUT", SETTING_DURATION, config_t, timeout_ms, "15s", 100, 600000,
             "timeout of one try; of an answer in parts, up to its first one"),
    SETTING ("BOT_PART_WITHIN", SETTING_DURATION, config_t, part_within_ms, "10s", 100, 600000,
             "timeout from one part of an answer to the next one"),
    SETTING ("BOT_PARTS_TIMEOUT", SETTING_DURATION, config_t, parts_ms, "2m", 100, 3600000,
             "timeout of an answer in parts, from its first one to its end"),
    SETTING ("BOT_TRIES", SETTING_NUMBER, config_t, tries, "3", 1, BOT_TRIES_MOST,
             "tries for one question when the bot fails"),
    SETTING ("BOT_TRY_DELAY_1", SETTING_DURATION, config_t, delays_ms[0], "5s", 0, 600000,
             "pause after the first failure, in whole seconds, at least one"),
    SETTING ("BOT_TRY_DELAY_2", SETTING_DURATION, config_t, delays_ms[1], "5s", 0, 600000,
             "pause after the second failure"),
    SETTING ("BOT_ANSWER_KEY", SETTING_SECRET, config_t, answer_key, "", 0, 0,
             "signs where bots may answer later (202); the edges' key, of 32 bytes at least"),
    SETTING ("BOT_ANSWER_URL", SETTING_TEXT, config_t, answer_url, "", 0, 0,
             "where bots reach the edges, such as https://chat.example.com; empty: nowhere"),
    SETTING ("BOT_LATER_WITHIN", SETTING_DURATION, config_t, later_ms, "5m", 100, 86400000,
             "timeout from a bot's 202 to its answer"),
    SETTING ("BOT_ANSWER_LIMIT", SETTING_SIZE, config_t, answer_limit, "256k", 1024, BUS_DOOR_MAX,
             "limit of a bot's answer; of one in parts, of all of them"),
    SETTING ("BOT_CREDIT", SETTING_NUMBER, config_t, credit, "2000", 1, 100000,
             "limit of calls in flight"),
    SETTINGS_END
};

static const production_need_t s_production[] = {
    PRODUCTION_BUS_KEYS (config_t),
    PRODUCTION_END,
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

//  What becomes a part of every request and the table of settings cannot see. NULL, or what is
//  wrong, perhaps in `room`.
static const char *
s_complaint (const config_t *config, char room[WORKER_MISTAKE_ROOM])
{
    //  Headers that the question has anyway: a second one would break the request.
    static const char *const taken[] = { "Accept",         "Accept-Encoding", "Connection",
                                         "Content-Length", "Content-Type",    "Expect",
                                         "Host",           "Transfer-Encoding", "User-Agent",
                                         "Stentor-Answer-Url" };
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
    size_t key_size = strlen (config->answer_key);
    if (key_size > 0 && key_size < ANSWER_KEY_LEAST)
        complaint = "BOT_ANSWER_KEY must have 32 bytes at least";
    if (key_size == 0 && *config->answer_url)
        complaint = "BOT_ANSWER_URL needs BOT_ANSWER_KEY";
    if (*config->answer_url && !answer_base_is_good (config->answer_url))
        complaint = "BOT_ANSWER_URL must be a URL with http or https, without a query";
    text_t mistake = cidr_list_mistake (config->allowed);
    snprintf (room, WORKER_MISTAKE_ROOM,
              "BOT_ALLOWED_NETWORKS must be networks such as 10.1.0.0/16: %.*s is none",
              (int) (mistake.size < 50 ? mistake.size : 50), mistake.data);
    return mistake.size ? room : complaint;
}

static int
s_open (connector_t *self, service_t *service, const config_t *config)
{
    char room[WORKER_MISTAKE_ROOM];
    worker_process_config_t process = { .out = &config->out,
                                        .prefix = "BOT",
                                        .complaint = s_complaint (config, room),
                                        .http = worker_http_client (&config->out, config->credit),
                                        .apps = &config->apps,
                                        .bot_url = config->bot_url,
                                        .bot_key = config->bot_key };
    process.http.is_guarded = config->is_guarded;
    process.http.allowed = config->allowed;
    return worker_process_open (&self->process, service, &process);
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
    self->calls = (bot_calls_t){ .loop = service_loop (self->process.service),
                                 .http = self->process.http,
                                 .apps = self->process.apps,
                                 .retry = s_retry_policy (config),
                                 .timeout_ms = config->timeout_ms,
                                 .part_within_ms = config->part_within_ms,
                                 .parts_ms = config->parts_ms,
                                 .later_ms = config->later_ms,
                                 .answer_key = text_of (*config->answer_url ? config->answer_key
                                                                            : ""),
                                 .answer_base = config->answer_url,
                                 .answer_limit = config->answer_limit,
                                 .auth_header = config->auth_header,
                                 .auth_scheme = config->auth_scheme };
    worker_kind_t kind = bot_calls_kind (&self->calls);
    kind.topics = TOPICS;
    kind.credit = config->credit;
    return worker_process_work (&self->process, &config->bus, &kind, &self->calls);
}

static void
s_stop (void **state_p)
{
    connector_t *self = *state_p;
    *state_p = NULL;
    worker_process_end_work (&self->process);
    worker_process_close (&self->process);
    free (self);
}

//  Those whose questions go over a network in the clear.
typedef struct {
    size_t count;
    text_t first; //  its id
} plain_bots_t;

static void
s_count_plain (void *owner, const app_t *app)
{
    plain_bots_t *self = owner;
    http_url_t url;
    if (!app->bot.is_there || http_url_read (&url, app->bot.url.data) != 0)
        return;
    bool is_plain = !url.is_tls && !http_url_host_is_in (url.host, "127.0.0.0/8,::1,localhost");
    http_url_free (&url);
    if (is_plain && self->count++ == 0)
        self->first = app->id;
}

//  No reason to refuse: the network to a bot may be its own, or encrypt what goes over it.
static void
s_warn_of_plain_bots (const connector_t *self)
{
    plain_bots_t plain = { .count = 0 };
    apps_each (self->process.apps, s_count_plain, &plain);
    if (plain.count > 0)
        log_warn ("bots are asked without encryption", log_number ("apps", (int64_t) plain.count),
                  log_text ("app", plain.first),
                  log_string ("advice", "let the bot's URL begin with https://"));
}

static void *
s_start (service_t *service, const void *of_service)
{
    const config_t *config = of_service;
    connector_t *self = alloc_zeroed (sizeof *self);
    s_raise_files (config->credit);
    if (s_open (self, service, config) != 0 || s_start_worker (self, config) != 0) {
        void *state = self;
        s_stop (&state);
        return NULL;
    }
    if (config->common.production)
        s_warn_of_plain_bots (self);
    if (!*config->apps.file && !*config->bot_url)
        log_warn ("no bot: neither APPS_FILE nor BOT_URL is set",
                  log_text ("app", apps_find (self->process.apps, TEXT_EMPTY)->id));
    return self;
}

static void
s_drain (void *state)
{
    worker_drain (((connector_t *) state)->process.worker);
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
    .apps_reader = APP_READER_STENTOR,
    .production = s_production
};
