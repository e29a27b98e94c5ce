#include "connector.h"

#include "base/alloc.h"
#include "base/log.h"
#include "conversation/conversations.h"
#include "platform/genesys_check.h"
#include "platform/genesys_metrics.h"
#include "process/worker_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

//  Longer than an attempt takes that makes all of its calls, each at its time limit.
#define CALLS_OF_ATTEMPT 8
#define OVERDUE_AFTER_MS 60000

typedef struct {
    service_config_t common;
    bus_settings_t bus;
    service_apps_config_t apps;
    worker_http_config_t out;
    uint64_t call_ms;
    uint64_t wait_ms;
    uint64_t backoff_ms;
    uint64_t queue_most;
    uint64_t credit;
    char *public_url;
} config_t;

typedef struct {
    worker_process_t process;
    genesys_calls_t *calls;
    genesys_people_t *people;
    conversations_t *conversations;
} connector_t;

static const setting_t s_settings[] = {
    SERVICE_SETTINGS (config_t, "9105"),
    BUS_NODE_SETTINGS (config_t),
    APPS_SETTINGS (config_t),
    WORKER_HTTP_SETTINGS (config_t, "GENESYS"),
    SETTING ("GENESYS_CALL_TIMEOUT", SETTING_DURATION, config_t, call_ms, "10s", 100, 600000,
             "timeout of one call to the platform"),
    SETTING ("GENESYS_CALL_WAIT", SETTING_DURATION, config_t, wait_ms, "5s", 0, 60000,
             "longest wait of a call for its turn within the rate; one that would wait longer "
             "comes again later"),
    SETTING ("GENESYS_LOGIN_BACKOFF", SETTING_DURATION, config_t, backoff_ms, "1m", 100, 3600000,
             "pause after a login that was refused, and after a 403"),
    SETTING ("GENESYS_QUEUE", SETTING_NUMBER, config_t, queue_most, "1000", 1, 100000,
             "limit of calls of one app that wait"),
    SETTING ("GENESYS_CREDIT", SETTING_NUMBER, config_t, credit, "500", 1, 10000,
             "limit of items in hand"),
    SETTING ("EDGE_PUBLIC_URL", SETTING_TEXT, config_t, public_url, "", 0, 0,
             "URL at which Genesys Cloud reaches /webhooks/ of the edges; --check compares it with "
             "the integration's; empty: it is not compared"),
    SETTINGS_END
};

static const production_need_t s_production[] = {
    PRODUCTION_BUS_KEYS (config_t),
    PRODUCTION_END,
};

//  Its numbers are there before its first call.
static void
s_show_app (void *owner, const app_t *app)
{
    (void) owner;
    if (!app->genesys.is_there)
        return;
    genesys_budget_t budget = { 0 };
    genesys_budget_init (&budget, app->genesys.per_minute);
    genesys_metrics_of (app->id)->counts[GENESYS_BUDGET_LEFT] = budget.burst;
}

//  0 when items can come.
static int
s_start_worker (connector_t *self, const config_t *config)
{
    uv_loop_t *loop = service_loop (self->process.service);
    genesys_means_t means = { .loop = loop,
                              .http = self->process.http,
                              .apps = self->process.apps,
                              .call_ms = config->call_ms,
                              .wait_ms = config->wait_ms,
                              .queue_most = config->queue_most,
                              .backoff_ms = config->backoff_ms };
    self->calls = genesys_calls_new (&means);
    self->people = genesys_people_new (self->calls);
    apps_each (self->process.apps, s_show_app, NULL);
    self->conversations = conversations_new (&(conversation_means_t){
        .loop = loop, .apps = self->process.apps, .calls = self->calls, .people = self->people });
    worker_kind_t kind = conversation_kind (self->conversations);
    kind.credit = config->credit;
    kind.attempt_ms =
        CALLS_OF_ATTEMPT * (config->call_ms + config->wait_ms) + OVERDUE_AFTER_MS;
    kind.overdue = (worker_report_t){ .outcome = WORKER_RETRY,
                                      .detail = TEXT ("the attempt never ended") };
    if (worker_process_work (&self->process, &config->bus, &kind, self->conversations) != 0)
        return -1;
    conversations_set_worker (self->conversations, self->process.worker);
    return 0;
}

//  The worker first: its items hold calls.
static void
s_stop (void **state_p)
{
    connector_t *self = *state_p;
    *state_p = NULL;
    worker_process_end_work (&self->process);
    if (self->conversations)
        conversations_destroy (&self->conversations);
    if (self->people)
        genesys_people_destroy (&self->people);
    if (self->calls)
        genesys_calls_destroy (&self->calls);
    worker_process_close (&self->process);
    free (self);
}

static void *
s_start (service_t *service, const void *of_service)
{
    const config_t *config = of_service;
    connector_t *self = alloc_zeroed (sizeof *self);
    worker_process_config_t process = { .out = &config->out,
                                        .prefix = "GENESYS",
                                        .http = worker_http_client (&config->out, config->credit),
                                        .apps = &config->apps,
                                        .bot_url = "",
                                        .bot_key = "" };
    if (worker_process_open (&self->process, service, &process) == 0
        && s_start_worker (self, config) == 0)
        return self;
    void *state = self;
    s_stop (&state);
    return NULL;
}

static void
s_drain (void *state)
{
    worker_drain (((connector_t *) state)->process.worker);
}

// ------------------------------------------------------------------------------------------------
//  --check

#define COMPLAINT_MOST 4096

//  One run of it, on a loop of its own.
typedef struct {
    uv_loop_t *loop;
    apps_t *apps;
    genesys_check_means_t means;
    genesys_check_t *check;
    int exit_code;
    bool is_done;
} check_t;

static void
s_checked (void *owner, int exit_code)
{
    check_t *self = owner;
    self->exit_code = exit_code;
    self->is_done = true;
    uv_stop (self->loop);
}

static int
s_run (check_t *self, const config_t *config, const char *app)
{
    genesys_means_t means = { .loop = self->loop,
                              .http = self->means.http,
                              .apps = self->apps,
                              .call_ms = config->call_ms,
                              .wait_ms = config->wait_ms,
                              .queue_most = config->queue_most,
                              .backoff_ms = config->backoff_ms };
    self->means.apps = self->apps;
    self->means.calls = genesys_calls_new (&means);
    self->means.public_url = config->public_url;
    self->means.call_ms = config->call_ms;
    self->check = genesys_check_new (&self->means, app, s_checked, self);
    while (self->check && !self->is_done)
        uv_run (self->loop, UV_RUN_DEFAULT);
    genesys_check_destroy (&self->check);
    genesys_calls_destroy (&self->means.calls);
    return self->is_done ? self->exit_code : EX_CONFIG;
}

//  EX_CONFIG with a complaint when there are no apps or no HTTP to be had.
static int
s_check (const config_t *config, const char *app, buffer_t *complaint)
{
    check_t self = { .loop = uv_default_loop (), .exit_code = EX_CONFIG };
    char room[WORKER_MISTAKE_ROOM];
    const char *mistake = worker_http_mistake (&config->out, "GENESYS", room);
    http_client_config_t http = worker_http_client (&config->out, 1);
    if (mistake) {
        (void) !buffer_put_string (complaint, mistake);
        return EX_CONFIG;
    }
    self.apps = apps_new (self.loop,
                          &(apps_config_t){ .reader = APP_READER_GENESYS,
                                            .file = config->apps.file,
                                            .app_id = config->apps.app_id,
                                            .bot_url = "",
                                            .bot_key = "" },
                          complaint);
    self.means.http = http_client_new (self.loop, &http);
    int code = self.apps && self.means.http ? s_run (&self, config, app) : EX_CONFIG;
    http_client_destroy (&self.means.http);
    apps_destroy (&self.apps);
    uv_run (self.loop, UV_RUN_DEFAULT);
    return code;
}

static int
s_run_check (const service_kind_t *kind, const char *app)
{
    buffer_t complaint;
    buffer_init (&complaint, COMPLAINT_MOST);
    log_start (kind->name, kind->name, LOG_FATAL); //  the lines say what there is to say
    int code = EX_CONFIG;
    if (service_read_settings (kind, &complaint) == 0)
        code = s_check (kind->config, app, &complaint);
    if (complaint.size > 0)
        fprintf (stderr, "genesys-connector --check: %.*s\n",
                 TEXT_ARGS (buffer_text (&complaint)));
    settings_free (kind->settings, kind->config);
    buffer_free (&complaint);
    return fflush (stdout) == 0 ? code : EX_IOERR;
}

static config_t s_config;

static const service_command_t s_commands[] = {
    { "--check", "APP", "asks Genesys Cloud whether what is set up for the app fits together", NULL,
      s_run_check },
    APPS_COMMANDS,
    { .name = NULL },
};

const service_kind_t connector_service = {
    .name = "genesys-connector",
    .about = "makes sessions conversations of Genesys Cloud, and gives them back",
    .settings = s_settings,
    .config = &s_config,
    .start = s_start,
    .drain = s_drain,
    .stop = s_stop,
    .commands = s_commands,
    .apps_reader = APP_READER_GENESYS,
    .production = s_production
};
