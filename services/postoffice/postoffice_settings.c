#include "postoffice_settings.h"

#include "pg/pg_address.h"
#include "pg/pg_tls.h"

//  Ten years: now and then minus this must be times that PostgreSQL knows.
#define AGE_MOST_MS (87600u * 3600000ull)

postoffice_config_t postoffice_config;

typedef postoffice_config_t config_t; //  in the rows

const setting_t postoffice_settings[] = {
    SERVICE_SETTINGS (config_t, "9101"),
    SETTING ("POSTOFFICE_BUS_ADDRESS", SETTING_TEXT, config_t, bus_address,
             "tcp://127.0.0.1:7001", 0, 0,
             "address that edges and workers connect to; port *: any free port"),
    SETTING ("BUS_PLAINTEXT", SETTING_SWITCH, config_t, bus_plaintext, "off", 0, 0,
             "on: the bus may listen beyond the loopback without BUS_KEYS; anyone who reaches it "
             "is believed"),
    SETTING (
        "BUS_HASH_KEY", SETTING_SECRET, config_t, bus_hash_key, "", 0, 0,
        "key of the hash that assigns sessions to postoffices; empty: it follows from BUS_KEYS"),
    BUS_SETTINGS (config_t),
    SETTING ("POSTOFFICE_PEERS", SETTING_NUMBER, config_t, bus_peers, "1000", 1, 100000,
             "limit of connected edges and workers"),
    SETTING ("POSTGRES_URL", SETTING_SECRET, config_t, postgres_url, NULL, 0, 0,
             "libpq connection string or URI of the database"),
    SETTING ("POSTGRES_LINKS", SETTING_NUMBER, config_t, postgres_links, "2", 1, 64,
             "database connections for sessions; nine more are opened"),
    SETTING ("POSTGRES_BATCH", SETTING_NUMBER, config_t, postgres_batch, "256", 1, 10000,
             "limit of sessions whose appends are committed together"),
    SETTING ("POSTGRES_PATIENCE", SETTING_DURATION, config_t, postgres_patience, "5s", 100, 60000,
             "how long a request waits for a database that is down; then it is refused"),
    SETTING ("POSTGRES_TIMEOUT", SETTING_DURATION, config_t, postgres_timeout, "10s", 1000, 60000,
             "timeout for the database's answers; then its connections are closed"),
    SETTING ("POSTGRES_LOST_AFTER", SETTING_DURATION, config_t, postgres_lost_after, "2s", 500,
             3600000,
             "time in which a database link is down or silent; then peers are sent to other "
             "postoffices"),
    SETTING ("POSTGRES_MIGRATE", SETTING_SWITCH, config_t, postgres_migrate, "on", 0, 0,
             "on: an older schema is migrated at the start; off: only `postoffice migrate` does"),
    SETTING ("POSTGRES_QUEUE_LIMIT", SETTING_SIZE, config_t, postgres_queue_limit, "64m",
             BUS_QUEUE_LEAST, 0, "bytes of requests that may wait for the database"),
    SETTING ("SESSION_GRACE", SETTING_DURATION, config_t, session_grace, "20s", 100, 3600000,
             "grace period: how long a participant may be without a connection"),
    SETTING ("SESSION_IDLE", SETTING_DURATION, config_t, session_idle, "30s", 100, 3600000,
             "how long a session without connections stays in memory"),
    SETTING ("SESSION_CLOSE_AFTER", SETTING_DURATION, config_t, session_close_after, "24h", 0,
             AGE_MOST_MS,
             "how long nobody is present before a session is closed; 0: never"),
    SETTING ("SESSION_ENDPOINTS", SETTING_NUMBER, config_t, session_endpoints, "64", 1, 10000,
             "limit of connections in one session"),
    SETTING ("POSTOFFICE_SESSIONS", SETTING_NUMBER, config_t, sessions, "200000", 1, 0,
             "limit of sessions in memory; more get busy"),
    SETTING ("POSTOFFICE_QUEUE_LIMIT", SETTING_SIZE, config_t, queue_limit, "64m",
             BUS_QUEUE_LEAST, 0,
             "bytes of requests that may wait for their session; more get busy"),
    SETTING ("WORK_ACCEPTED_WITHIN", SETTING_DURATION, config_t, work_accepted_within, "2s", 50,
             60000, "timeout for a worker to accept a dispatched item; then another gets it"),
    SETTING ("WORK_RECOVERY", SETTING_DURATION, config_t, work_recovery, "2s", 50, 60000,
             "how long an item of a lost worker or postoffice waits for a worker that has it"),
    SETTING ("WORK_LEASE", SETTING_DURATION, config_t, work_lease, "60s", 20000, 3600000,
             "how long a worker may take for a delivery without a word of it"),
    SETTING ("WORK_KEPT", SETTING_DURATION, config_t, work_kept, "168h", 60000, AGE_MOST_MS,
             "how long finished work items stay in the database; at most SESSIONS_KEPT, if that is "
             "set"),
    SETTING ("SESSIONS_KEPT", SETTING_DURATION, config_t, sessions_kept, "0", 0, AGE_MOST_MS,
             "how long a session stays in the database after its last activity, at least 24h; 0: "
             "for ever"),
    SETTING ("SEARCH_SHARE", SETTING_NUMBER, config_t, search_share, "10", 0, 100,
             "percent of the time in which one database connection may fill the search; 0: there "
             "is no search"),
    SETTING ("SEARCH_EVERY", SETTING_DURATION, config_t, search_every, "5s", 100, 3600000,
             "how often what is new is brought into the search"),
    SETTING ("ALERT_URL", SETTING_TEXT, config_t, alert_url, "", 0, 0,
             "public URL of the edge, for links in alerts by which they are acknowledged; empty: "
             "there are none"),
    SETTING ("ALERT_KEY", SETTING_SECRET, config_t, alert_key, "", 0, 0,
             "key of these links, at least 32 bytes, the same as the edges'"),
    SETTING ("ALERT_LINK_FOR", SETTING_DURATION, config_t, alert_link_for, "48h", 60000,
             30u * DAY_MS, "how long such a link works"),
    SETTING ("CONSOLE_URL", SETTING_TEXT, config_t, console_url, "", 0, 0,
             "URL of a session in the agents' console, with {app} and {session} in it, for "
             "alerts"),
    APPS_SETTINGS (config_t),
    APPS_BOT_NAME_SETTING (config_t),
    SETTINGS_END,
};

static bool
s_is_verified (const void *config)
{
    const char *url = ((const config_t *) config)->postgres_url;
    return !pg_address_is_string (url) || pg_tls_is_verified (url); //  it says so by itself
}

#define DATABASE_NEED                                                                              \
    { "POSTGRES_URL", PRODUCTION_ASK, 0, s_is_verified,                                            \
      "must have sslmode=verify-full (or lead to a Unix socket): else somebody between can read "  \
      "everything, or be the database" }

const production_need_t postoffice_production_of_database[] = { DATABASE_NEED, PRODUCTION_END };

const production_need_t postoffice_production[] = {
    PRODUCTION_BUS_KEYS (config_t),
    DATABASE_NEED,
    PRODUCTION_NEED ("ALERT_URL", PRODUCTION_HTTPS, config_t, alert_url,
                     "must begin with https://: who has a link in an alert can acknowledge it"),
    PRODUCTION_END,
};
