#include "process/worker_process.h"

#include "http/http_url.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

const char *
worker_http_mistake (const worker_http_config_t *self, const char *prefix,
                     char room[WORKER_MISTAKE_ROOM])
{
    if (*self->proxy && !http_url_is_proxy (self->proxy)) {
        snprintf (room, WORKER_MISTAKE_ROOM,
                  "%s_PROXY must be a URL with http, https, socks5 or socks5h", prefix);
        return room;
    }
    if (*self->ca_file && access (self->ca_file, R_OK) != 0) {
        snprintf (room, WORKER_MISTAKE_ROOM, "%s_CA_FILE must be a file that can be read", prefix);
        return room;
    }
    return NULL;
}

http_client_config_t
worker_http_client (const worker_http_config_t *self, uint64_t connections)
{
    return (http_client_config_t){ .connections_per_host = connections,
                                   .proxy = self->proxy,
                                   .no_proxy = self->no_proxy,
                                   .ca_file = self->ca_file };
}

static int
s_check (service_t *service, const worker_process_config_t *config)
{
    char room[WORKER_MISTAKE_ROOM];
    const char *complaint = config->complaint;
    if (!complaint)
        complaint = worker_http_mistake (config->out, config->prefix, room);
    if (!complaint)
        return 0;
    log_fatal ("wrong settings", log_string ("complaint", complaint));
    service_fail (service, EX_CONFIG);
    return -1;
}

int
worker_process_open (worker_process_t *self, service_t *service,
                     const worker_process_config_t *config)
{
    self->service = service;
    if (s_check (service, config) != 0)
        return -1;
    self->http = http_client_new (service_loop (service), &config->http);
    if (!self->http) {
        log_fatal ("libcurl cannot be started",
                   log_number ("credit", (int64_t) config->http.connections_per_host));
        return -1;
    }
    self->apps = service_apps_new (service, config->apps, config->bot_url, config->bot_key);
    return self->apps ? 0 : -1;
}

int
worker_process_work (worker_process_t *self, const bus_settings_t *bus, const worker_kind_t *kind,
                     void *owner)
{
    self->worker = service_worker_new (self->service, bus, kind, owner);
    return self->worker ? 0 : -1;
}

void
worker_process_end_work (worker_process_t *self)
{
    worker_destroy (&self->worker);
}

void
worker_process_close (worker_process_t *self)
{
    http_client_destroy (&self->http);
    apps_destroy (&self->apps);
}
