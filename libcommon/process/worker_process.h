//  worker_process — a service that is a worker with apps and outgoing HTTP: what the connectors and
//  the notifier do alike. Its state begins with, or has, a worker_process_t, zeroed.
//
//      start   worker_process_open, then what the items need, then worker_process_work
//      drain   worker_drain
//      stop    worker_process_end_work, then what the items needed, then worker_process_close
//
//  WORKER_HTTP_SETTINGS stands in the service's table, and its config has a member `out` of
//  worker_http_config_t. The prefix is a literal such as "BOT".

#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include "http/http_client.h"
#include "process/service_apps.h"
#include "process/service_worker.h"

typedef struct {
    char *ca_file;
    char *proxy;
    char *no_proxy;
} worker_http_config_t;

#define WORKER_HTTP_SETTINGS(config, prefix)                                                       \
    SETTING (prefix "_CA_FILE", SETTING_TEXT, config, out.ca_file, "", 0, 0,                       \
             "file of certificates (PEM) that are trusted beside the system's"),                   \
        SETTING (prefix "_PROXY", SETTING_SECRET, config, out.proxy, "", 0, 0,                     \
                 "URL of a proxy for HTTP: http, https, socks5 or socks5h; HTTP_PROXY is not "     \
                 "read"),                                                                          \
        SETTING (prefix "_NO_PROXY", SETTING_TEXT, config, out.no_proxy, "", 0, 0,                 \
                 "reached without " prefix "_PROXY: names (and all below), networks, * for all; "  \
                 "with commas")

#define WORKER_MISTAKE_ROOM 160

//  NULL, or what is wrong with these settings, in `room`.
const char *worker_http_mistake (const worker_http_config_t *self, const char *prefix,
                                 char room[WORKER_MISTAKE_ROOM]);
//  The client that they ask for; the caller may add to it.
http_client_config_t worker_http_client (const worker_http_config_t *self, uint64_t connections);

typedef struct {
    service_t *service;
    http_client_t *http;
    apps_t *apps;
    worker_t *worker;
} worker_process_t;

typedef struct {
    const worker_http_config_t *out;
    const char *prefix;
    const char *complaint; //  what else is wrong with the settings; NULL: nothing
    http_client_config_t http;
    const service_apps_config_t *apps;
    const char *bot_url, *bot_key; //  "" in a service that asks no bot
} worker_process_config_t;

//  HTTP and apps. 0; −1: logged, and the service will end with EX_CONFIG. worker_process_close
//  follows in either case.
__attribute__ ((warn_unused_result)) int
worker_process_open (worker_process_t *self, service_t *service,
                     const worker_process_config_t *config);
//  Items can come. 0; −1: logged, and the service will end.
__attribute__ ((warn_unused_result)) int
worker_process_work (worker_process_t *self, const bus_settings_t *bus,
                     const worker_kind_t *kind, void *owner);
//  Items are gone, and with them what they had of HTTP. Both are safe to call twice.
void worker_process_end_work (worker_process_t *self);
void worker_process_close (worker_process_t *self);

#endif
