//  service_example — the smallest service: it has nothing to do, and says on standard error which
//  part of its life it is in. What service_test.c starts.

#include "process/service.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct {
    service_config_t common;
    bool hang;
    bool fail;
    bool forget;
    bool ask;
    char *key;
} example_config_t;

typedef struct {
    service_t *service;
    const example_config_t *config;
    uv_timer_t work; //  what is in hand: takes a moment to finish
    uv_work_t question;
} example_t;

static const setting_t s_settings[] = {
    SERVICE_SETTINGS (example_config_t, "0"),
    SETTING ("EXAMPLE_HANG", SETTING_SWITCH, example_config_t, hang, "off", 0, 0,
             "never be done with the drain"),
    SETTING ("EXAMPLE_FAIL", SETTING_SWITCH, example_config_t, fail, "off", 0, 0,
             "lose something that is needed"),
    SETTING ("EXAMPLE_FORGET", SETTING_SWITCH, example_config_t, forget, "off", 0, 0,
             "forget to close a handle"),
    SETTING ("EXAMPLE_ASK", SETTING_SWITCH, example_config_t, ask, "off", 0, 0,
             "have a thread that waits for an answer, as in getaddrinfo"),
    SETTING ("EXAMPLE_KEY", SETTING_SECRET, example_config_t, key, "", 0, 0, "a secret"),
    SETTINGS_END,
};

static void
s_on_failure (uv_timer_t *timer)
{
    example_t *self = timer->data;
    log_fatal ("something is gone", log_string ("what", "the reason to live"));
    service_fail (self->service, 69);
}

static void
s_ask (uv_work_t *question)
{
    (void) question;
    sleep (60);
}

static void *
s_start (service_t *service, const void *config)
{
    example_t *self = calloc (1, sizeof *self);
    self->service = service;
    self->config = config;
    uv_timer_init (service_loop (service), &self->work);
    self->work.data = self;
    if (self->config->ask)
        uv_queue_work (service_loop (service), &self->question, s_ask, NULL);
    if (self->config->fail)
        uv_timer_start (&self->work, s_on_failure, 1, 0);
    log_info ("example started", log_string ("node", service_node_name (service)),
              log_number ("key_bytes", (int64_t) strlen (self->config->key)));
    return self;
}

static void
s_on_done (uv_timer_t *timer)
{
    example_t *self = timer->data;
    service_drained (self->service);
}

static void
s_drain (void *state)
{
    example_t *self = state;
    log_info ("example drains", log_number ("hang", self->config->hang));
    if (!self->config->hang)
        uv_timer_start (&self->work, s_on_done, 300, 0);
}

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle->data);
}

static void
s_stop (void **state_p)
{
    example_t *self = *state_p;
    *state_p = NULL;
    log_info ("example stops", log_number ("hang", self->config->hang));
    if (self->config->forget)
        uv_timer_start (&self->work, s_on_done, 100, 100);
    else
        uv_close ((uv_handle_t *) &self->work, s_on_closed);
}

int
main (int argc, char **argv)
{
    static example_config_t config;
    static const service_kind_t kind = {
        .name = "example",
        .about = "a service that does nothing",
        .settings = s_settings,
        .config = &config,
        .start = s_start,
        .drain = s_drain,
        .stop = s_stop,
    };
    return service_main (argc, argv, &kind);
}
