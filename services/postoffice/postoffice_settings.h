//  postoffice_settings — what the environment says to a postoffice.

#ifndef POSTOFFICE_SETTINGS_H
#define POSTOFFICE_SETTINGS_H

#include "bus/bus_settings.h"
#include "process/service_apps.h"

#define DAY_MS 86400000u
#define SESSIONS_KEPT_LEAST_MS DAY_MS

typedef struct {
    service_config_t common;
    char *bus_address;
    bool bus_plaintext;
    char *bus_hash_key;
    bus_settings_t bus;
    uint64_t bus_peers;
    char *postgres_url;
    uint64_t postgres_links;
    uint64_t postgres_batch;
    uint64_t postgres_patience;
    uint64_t postgres_timeout;
    uint64_t postgres_lost_after;
    bool postgres_migrate;
    uint64_t postgres_queue_limit;
    uint64_t session_grace;
    uint64_t session_idle;
    uint64_t session_close_after;
    uint64_t session_endpoints;
    uint64_t sessions;
    uint64_t queue_limit;
    uint64_t work_accepted_within;
    uint64_t work_recovery;
    uint64_t work_lease;
    uint64_t work_kept;
    uint64_t sessions_kept;
    uint64_t search_share;
    uint64_t search_every;
    char *alert_url;
    char *alert_key;
    uint64_t alert_link_for;
    char *console_url;
    service_apps_config_t apps;
} postoffice_config_t;

extern postoffice_config_t postoffice_config; //  filled by service_main
extern const setting_t postoffice_settings[];
extern const production_need_t postoffice_production[];
extern const production_need_t postoffice_production_of_database[]; //  of what is no service

#endif
