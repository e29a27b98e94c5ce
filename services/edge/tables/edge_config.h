//  edge_config — the edge's settings, as the table in edge.c fills them.

#ifndef EDGE_CONFIG_H
#define EDGE_CONFIG_H

#include "bus/bus_settings.h"
#include "process/service_apps.h"
#include "tables/limit_rows.h"
#include "tables/shedding_config.h"

typedef struct {
    service_config_t common;
    char *address;
    uint64_t port;
    char *tls_certificate;
    char *tls_key;
    uint64_t hsts_seconds;
    char *web_root;
    char *widget_root;
    char *connection_server_url;
    char *public_url;
    uint64_t platform_window; //  milliseconds
    bool demo_mode;
    uint64_t connections;
    shedding_config_t shedding;
    uint64_t sockets_per_second;
    uint64_t sockets_burst;
    char *trusted_proxies;
    uint64_t address_sockets;
    uint64_t address_silent;
    uint64_t address_sockets_per_second;
    uint64_t address_requests_per_second;
    uint64_t address_upgrades_per_second;
    uint64_t frame_limit;
    uint64_t frame_within;
    uint64_t outbox_limit;
    uint64_t backlog_limit;
    uint64_t posts;
    uint64_t api_requests;
    char *answer_key;
    char *alert_key;
    uint64_t watchers;
    uint64_t frames_per_second;
    uint64_t frames_burst;
    uint64_t sessions_per_second;
    uint64_t sessions_burst;
    uint64_t limits[LIMIT_SCOPES][LIMIT_ACTS]; //  per second; 0: none
    uint64_t silence;
    uint64_t ping_every;
    uint64_t pong_within;
    uint64_t live_ping_every;
    uint64_t live_pong_within;
    uint64_t live_for;
    bus_settings_t bus;
    service_apps_config_t apps;
} edge_config_t;

#endif
