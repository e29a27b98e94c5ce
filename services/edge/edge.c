#include "edge.h"

#include "api/api_answer.h"
#include "api/openapi.h"
#include "auth/answer_url.h"
#include "base/alloc.h"
#include "bus/bus_settings.h"
#include "json/json_write.h"
#include "make_key.h"
#include "make_token.h"
#include "tables/edge_metrics.h"
#include "model/api_operation.h"
#include "model/problem.h"
#include "net/listener.h"
#include "pages/static_files.h"
#include "session/gateway.h"
#include "platforms/platforms.h"
#include "webhooks/webhooks.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

//  Sockets beside EDGE_CONNECTIONS: of those that fetch pages, and of those that are just coming in
//  or being refused. Each page is an open file.
#define PAGE_SOCKETS 512
//  Descriptors that clients never get: bus, operations port, files, the loop's own.
#define OTHER_DESCRIPTORS 512
//  Addresses that are remembered when their sockets are gone, of about 150 bytes each.
#define IDLE_ADDRESSES 65536
//  A part of the log that a postoffice sends in one go (CATCH_UP_BYTES and the senders) must fit:
//  a client that lags would never catch up otherwise.
#define OUTBOX_LEAST (256 << 10)
//  What /widget.html loads: the stock widget as a page script.
#define WIDGET_BUNDLE "xapp-chat-widget.js"

static const setting_t s_settings[] = {
    SERVICE_SETTINGS (edge_config_t, "9001"),
    SETTING ("EDGE_ADDRESS", SETTING_TEXT, edge_config_t, address, "127.0.0.1", 0, 0,
             "address that clients connect to; 0.0.0.0 for all"),
    SETTING ("EDGE_PORT", SETTING_NUMBER, edge_config_t, port, "8080", 0, 65535,
             "port that clients connect to; 0 takes any free one"),
    SETTING ("EDGE_TLS_CERTIFICATE", SETTING_TEXT, edge_config_t, tls_certificate, "", 0, 0,
             "file with the certificate of that port and its chain, in PEM; watched for changes; "
             "empty: no TLS"),
    SETTING ("EDGE_TLS_KEY", SETTING_TEXT, edge_config_t, tls_key, "", 0, 0,
             "file with the private key of EDGE_TLS_CERTIFICATE, in PEM; watched for changes"),
    SETTING ("EDGE_HSTS_SECONDS", SETTING_NUMBER, edge_config_t, hsts_seconds, "0", 0, 63072000,
             "browsers are told to come by TLS only for so long (Strict-Transport-Security); 0: "
             "they are not"),
    SETTING ("EDGE_WEB_ROOT", SETTING_TEXT, edge_config_t, web_root, "", 0, 0,
             "directory of the pages; empty: no pages are served"),
    SETTING ("EDGE_WIDGET_ROOT", SETTING_TEXT, edge_config_t, widget_root, "", 0, 0,
             "directory of the stock widget's bundle, for /widget.html; empty: no such page"),
    SETTING ("CONNECTION_SERVER_URL", SETTING_TEXT, edge_config_t, connection_server_url, "", 0,
             0, "URL that pages connect to (/config.json); empty: the address of the page"),
    SETTING ("EDGE_PUBLIC_URL", SETTING_TEXT, edge_config_t, public_url, "", 0, 0,
             "URL at which outside systems reach /webhooks/ of this edge: Twilio signs it; empty: "
             "no webhooks of Twilio are taken"),
    SETTING ("EDGE_PLATFORM_WINDOW", SETTING_DURATION, edge_config_t, platform_window, "250ms", 0,
             500,
             "what a contact centre's webhooks bring is held for so long, and put into the order "
             "in which it was said"),
    SETTING ("EDGE_DEMO_MODE", SETTING_SWITCH, edge_config_t, demo_mode, "off", 0, 0,
             "on: isAdmin=true in the URL makes anyone an agent; for demonstrations only"),
    SETTING ("EDGE_CONNECTIONS", SETTING_NUMBER, edge_config_t, connections, "16384", 1, 1000000,
             "limit of connections; more get HTTP 503"),
    SETTING ("EDGE_SHED_SHARE", SETTING_NUMBER, edge_config_t, shedding.share, "2", 0, 100,
             "percent of the connections above the mean of all edges that are sent to other edges "
             "each second; 0: none"),
    SETTING ("EDGE_SHED_ABOVE", SETTING_NUMBER, edge_config_t, shedding.above, "10", 1, 1000,
             "percent above the mean at which that begins"),
    SETTING ("EDGE_SHED_AFTER", SETTING_DURATION, edge_config_t, shedding.after_ms, "60s", 0,
             3600000,
             "nobody is sent away before the same edges have been there for this time, and the "
             "client here"),
    SETTING ("EDGE_SOCKETS_PER_SECOND", SETTING_NUMBER, edge_config_t, sockets_per_second, "2500",
             1, 1000000, "rate limit of new sockets, all clients together; more wait"),
    SETTING ("EDGE_SOCKETS_BURST", SETTING_NUMBER, edge_config_t, sockets_burst, "6000", 1,
             1000000, "burst of EDGE_SOCKETS_PER_SECOND"),
    SETTING ("EDGE_TRUSTED_PROXIES", SETTING_TEXT, edge_config_t, trusted_proxies, "", 0, 0,
             "networks (10.0.0.0/8,fd00::/8) of proxies: their X-Forwarded-For or Forwarded says "
             "where a client comes from; empty: nobody is believed"),
    SETTING ("EDGE_ADDRESS_SOCKETS", SETTING_NUMBER, edge_config_t, address_sockets, "2000", 0,
             1000000, "limit of open sockets of one address (IPv6: of a /64); 0: none"),
    SETTING ("EDGE_ADDRESS_SILENT", SETTING_NUMBER, edge_config_t, address_silent, "200", 0,
             1000000,
             "limit of sockets of one address that are no WebSockets (yet); more are closed at "
             "once; 0: none"),
    SETTING ("EDGE_ADDRESS_SOCKETS_PER_SECOND", SETTING_NUMBER, edge_config_t,
             address_sockets_per_second, "100", 0, 100000,
             "rate limit of new sockets of one address, with a burst of 10 s of it; more are "
             "closed at once; 0: none"),
    SETTING ("EDGE_ADDRESS_UPGRADES_PER_SECOND", SETTING_NUMBER, edge_config_t,
             address_upgrades_per_second, "100", 0, 100000,
             "rate limit of new WebSockets of one address, with a burst of 10 s of it; more get "
             "HTTP 429; 0: none"),
    SETTING ("EDGE_ADDRESS_REQUESTS_PER_SECOND", SETTING_NUMBER, edge_config_t,
             address_requests_per_second, "200", 0, 100000,
             "rate limit of HTTP requests of one address, with a burst of 10 s of it; more get "
             "HTTP 429; 0: none"),
    SETTING ("EDGE_FRAME_LIMIT", SETTING_SIZE, edge_config_t, frame_limit, "256k", 1024,
             BUS_DOOR_MAX, "limit of a client's frame"),
    SETTING ("EDGE_FRAME_WITHIN", SETTING_DURATION, edge_config_t, frame_within, "55s", 10,
             3600000, "timeout for a whole frame of a client"),
    SETTING ("EDGE_OUTBOX_LIMIT", SETTING_SIZE, edge_config_t, outbox_limit, "256k", OUTBOX_LEAST,
             64 << 20, "bytes that may wait for one client; a slower reader is closed"),
    SETTING ("EDGE_BACKLOG_LIMIT", SETTING_SIZE, edge_config_t, backlog_limit, "512m", 16 << 20,
             0,
             "bytes that may wait for all clients and from them; beyond it large frames and full "
             "sockets are closed"),
    SETTING ("EDGE_POSTS", SETTING_NUMBER, edge_config_t, posts, "64", 1, 10000,
             "limit of unanswered messages of one client; at the limit it is not read"),
    SETTING ("EDGE_API_REQUESTS", SETTING_NUMBER, edge_config_t, api_requests, "1024", 1, 100000,
             "limit of API requests that wait for a postoffice; more get HTTP 503"),
    SETTING ("ALERT_KEY", SETTING_SECRET, edge_config_t, alert_key, "", 0, 0,
             "what postoffices sign the links with by which alerts are acknowledged"),
    SETTING ("BOT_ANSWER_KEY", SETTING_SECRET, edge_config_t, answer_key, "", 0, 0,
             "what connectors sign the addresses with at which bots may answer later (202)"),
    SETTING ("EDGE_WATCHERS", SETTING_NUMBER, edge_config_t, watchers, "256", 1, 100000,
             "limit of connections that watch an app's sessions; more get HTTP 503"),
    SETTING ("EDGE_FRAMES_PER_SECOND", SETTING_NUMBER, edge_config_t, frames_per_second, "1000",
             1, 1000000, "rate limit of frames of one client; a faster client is throttled"),
    SETTING ("EDGE_FRAMES_BURST", SETTING_NUMBER, edge_config_t, frames_burst, "2000", 1, 1000000,
             "burst of EDGE_FRAMES_PER_SECOND"),
    SETTING ("EDGE_SESSIONS_PER_SECOND", SETTING_NUMBER, edge_config_t, sessions_per_second, "1",
             1, 1000000, "rate limit of joins and changes of session of one client"),
    SETTING ("EDGE_SESSIONS_BURST", SETTING_NUMBER, edge_config_t, sessions_burst, "10", 1,
             1000000, "burst of EDGE_SESSIONS_PER_SECOND"),
#define LIMIT(SCOPE, ACT, metric, name, fallback, words)                                         \
    SETTING (name, SETTING_NUMBER, edge_config_t, limits[LIMIT_##SCOPE][LIMIT_##ACT], fallback, 0, \
             LIMIT_PER_SECOND_MOST,                                                              \
             "rate limit of " words ", in one edge, with a burst of 10 s of it; 0: none"),
#include "tables/limits.def"
#undef LIMIT
    SETTING ("EDGE_SILENCE", SETTING_DURATION, edge_config_t, silence, "2s", 10, 60000,
             "a new connection that is silent for this time is put into its user's last session"),
    //  Nearly all that a silent client costs; less than the 60 s after which many proxies cut it.
    SETTING ("EDGE_PING_EVERY", SETTING_DURATION, edge_config_t, ping_every, "45s", 10, 3600000,
             "a client that is silent for this time is pinged"),
    SETTING ("EDGE_PONG_WITHIN", SETTING_DURATION, edge_config_t, pong_within, "10s", 10, 3600000,
             "timeout after that ping; then the client is closed"),
    SETTING ("EDGE_LIVE_PING_EVERY", SETTING_DURATION, edge_config_t, live_ping_every, "3s", 10,
             3600000, "as EDGE_PING_EVERY, of agents and of clients in a live conversation"),
    SETTING ("EDGE_LIVE_PONG_WITHIN", SETTING_DURATION, edge_config_t, live_pong_within, "5s", 10,
             3600000, "as EDGE_PONG_WITHIN, of these"),
    SETTING ("EDGE_LIVE_FOR", SETTING_DURATION, edge_config_t, live_for, "5m", 0, 86400000,
             "a conversation is live for this time after its last message, and while a person "
             "answers"),
    BUS_NODE_SETTINGS (edge_config_t),
    APPS_SETTINGS (edge_config_t),
    APPS_BOT_NAME_SETTING (edge_config_t),
    APPS_TEXT_LIMIT_SETTING (edge_config_t),
    SETTINGS_END,
};

static const production_need_t s_production[] = {
    PRODUCTION_BUS_KEYS (edge_config_t),
    PRODUCTION_NEED ("EDGE_DEMO_MODE", PRODUCTION_OFF, edge_config_t, demo_mode,
                     "must be off: with it whoever says isAdmin=true is an agent"),
    PRODUCTION_NEED ("EDGE_TLS_CERTIFICATE", PRODUCTION_SET, edge_config_t, tls_certificate,
                     "must be set, with EDGE_TLS_KEY: what clients say is encrypted up to here"),
    PRODUCTION_NEED ("EDGE_PUBLIC_URL", PRODUCTION_HTTPS, edge_config_t, public_url,
                     "must begin with https://: what people write comes in there"),
    PRODUCTION_END,
};

typedef struct {
    service_t *service;
    const edge_config_t *config;
    apps_t *apps;
    gateway_t *gateway;
    static_files_t *pages;
    trusted_proxies_t *trusted;
    tls_server_t *tls; //  NULL: in clear
    websocket_server_t *sockets;
    uint64_t socket_limit;
    char lines[80]; //  of every answer's head
    bool is_drained; //  but for requests that are being answered
} edge_t;

static void s_stop (void **state_p);

//  The limit of descriptors is made to fit: no less than is needed, and no more.
static void
s_limit_descriptors (edge_t *self)
{
    struct rlimit limit;
    self->socket_limit = self->config->connections + PAGE_SOCKETS;
    if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = (rlim_t) self->socket_limit + PAGE_SOCKETS + OTHER_DESCRIPTORS;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_warn ("fewer descriptors than EDGE_CONNECTIONS needs",
                  log_number ("descriptors", (int64_t) limit.rlim_cur),
                  log_number ("wanted", (int64_t) wanted));
    //  With few to give, half are the clients' and a quarter the pages'.
    const rlim_t kept = PAGE_SOCKETS + OTHER_DESCRIPTORS;
    if (limit.rlim_cur < wanted)
        self->socket_limit = limit.rlim_cur / 2 > kept ? limit.rlim_cur - kept
                                                       : limit.rlim_cur / 2;
}

//  What /config.json tells the pages.
static int
s_config_json (const edge_t *self, buffer_t *to)
{
    const app_t *app = apps_find (self->apps, TEXT_EMPTY);
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "appId", app ? app->id : TEXT_EMPTY);
    json_put_string (&json, "connectionServerUrl", self->config->connection_server_url);
    json_put_bool (&json, "demoMode", self->config->demo_mode);
    json_put_bool (&json, "widget", *self->config->widget_root != 0);
    json_close_object (&json);
    return json_write_end (&json);
}

static int
s_wrong (edge_t *self, const char *complaint, const char *value)
{
    log_fatal ("wrong settings", log_string ("complaint", complaint), log_string ("value", value));
    service_fail (self->service, EX_CONFIG);
    return -1;
}

//  An empty name is fine: there is nothing to serve.
static bool
s_can_serve (const char *directory)
{
    struct stat found;
    return !*directory
           || (stat (directory, &found) == 0 && S_ISDIR (found.st_mode)
               && access (directory, R_OK | X_OK) == 0);
}

static bool
s_has_bundle (const char *directory)
{
    char path[PATH_MAX];
    int size = snprintf (path, sizeof path, "%s/" WIDGET_BUNDLE, directory);
    return !*directory
           || (s_can_serve (directory) && (size_t) size < sizeof path
               && access (path, R_OK) == 0);
}

//  What the table of settings cannot see.
static int
s_check_settings (edge_t *self)
{
    const edge_config_t *config = self->config;
    size_t key_size = strlen (config->answer_key);
    size_t alert_size = strlen (config->alert_key);
    if (alert_size > 0 && alert_size < SIGNED_KEY_LEAST)
        return s_wrong (self, "ALERT_KEY must have 32 bytes at least", "");
    if (key_size > 0 && key_size < ANSWER_KEY_LEAST)
        return s_wrong (self, "BOT_ANSWER_KEY must have 32 bytes at least", "");
    if (*config->public_url && !answer_base_is_good (config->public_url))
        return s_wrong (self, "EDGE_PUBLIC_URL must be an http or https URL without a query",
                        config->public_url);
    if (!listener_is_address (config->address))
        return s_wrong (self, "EDGE_ADDRESS must be a numeric address", config->address);
    if (!s_can_serve (config->web_root))
        return s_wrong (self, "EDGE_WEB_ROOT must be a directory that can be read",
                        config->web_root);
    if (!s_has_bundle (config->widget_root))
        return s_wrong (self,
                        "EDGE_WIDGET_ROOT must be a directory with " WIDGET_BUNDLE
                        " (deploy/widget/bring makes one)",
                        config->widget_root);
    self->trusted = trusted_proxies_new (config->trusted_proxies);
    if (self->trusted)
        return 0;
    text_t mistake = cidr_list_mistake (config->trusted_proxies);
    char complaint[160];
    snprintf (complaint, sizeof complaint,
              "EDGE_TRUSTED_PROXIES must be at most %d networks with commas between%s%.*s%s",
              TRUSTED_PROXIES_MAX, mistake.size ? ": " : "",
              (int) (mistake.size < 50 ? mistake.size : 50), mistake.data,
              mistake.size ? " is none" : "");
    return s_wrong (self, complaint, config->trusted_proxies);
}

//  From now on the edge is ready, also when it loses its postoffices: all edges lose them at once.
static void
s_on_reached (void *owner)
{
    edge_t *self = owner;
    operations_ready (service_operations (self->service), "postoffice", true);
}

//  One that no postoffice lets in (a wrong key) must not take the place of one that serves.
static int
s_start_gateway (edge_t *self)
{
    //  The edge knows no bots.
    self->apps = service_apps_new (self->service, &self->config->apps, "", "");
    if (!self->apps)
        return -1;
    self->gateway = gateway_new (service_loop (self->service), service_node_name (self->service),
                                 self->config, self->apps);
    if (!self->gateway) {
        service_fail (self->service, EX_CONFIG);
        return -1;
    }
    operations_ready (service_operations (self->service), "postoffice", false);
    gateway_when_reached (self->gateway, s_on_reached, self);
    return 0;
}

static bool
s_is_api (const http_head_t *head)
{
    size_t size = strlen (API_PATHS);
    return api_is_of_bots (head) || api_is_of_alerts (head)
           || (head->path.size >= size && memcmp (head->path.data, API_PATHS, size) == 0);
}

//  As all of the API is refused; the pages of alerts are for people.
static bool
s_has_problems (void *owner, text_t target)
{
    static const text_t paths[] = { { API_PATHS, sizeof API_PATHS - 1 },
                                    { ANSWER_PATH, sizeof ANSWER_PATH - 1 },
                                    { WEBHOOK_PATHS, sizeof WEBHOOK_PATHS - 1 } };
    (void) owner;
    for (size_t at = 0; at < sizeof paths / sizeof *paths; at++)
        if (target.size >= paths[at].size
            && memcmp (target.data, paths[at].data, paths[at].size) == 0)
            return true;
    return false;
}

static void
s_on_too_many (void *owner, request_t *request, const http_head_t *head, unsigned seconds)
{
    edge_t *self = owner;
    if (s_is_api (head))
        api_too_many (gateway_api (self->gateway), request, head, seconds);
    else if (webhooks_is_path (head))
        api_refuse_for (request, seconds);
    else
        request_too_many (request, seconds);
}

static void
s_on_asked (void *owner, request_t *request, const http_head_t *head)
{
    edge_t *self = owner;
    if (s_is_api (head))
        api_asked (gateway_api (self->gateway), request, head);
    else if (platforms_is_path (gateway_platforms (self->gateway), head))
        platforms_asked (gateway_platforms (self->gateway), request, head);
    else if (webhooks_is_path (head))
        webhooks_asked (gateway_webhooks (self->gateway), request, head);
    else
        static_files_asked (self->pages, request, head);
}

//  No request is being answered any more.
static void
s_on_quiet (void *owner)
{
    edge_t *self = owner;
    if (self->is_drained)
        service_drained (self->service);
}

//  Behind a proxy other names may be asked for than those that clients see. A page that came by TLS
//  may not connect in clear.
static void
s_warn_of_url (const edge_t *self, const char *setting, const char *url)
{
    if (strncasecmp (url, "http:", 5) == 0 || strncasecmp (url, "ws:", 3) == 0)
        log_warn ("URL is not one of TLS", log_string ("setting", setting),
                  log_string ("value", url));
    if (!tls_server_is_for (self->tls, url))
        log_warn ("certificate is for another host", log_string ("setting", setting),
                  log_string ("value", url));
}

//  At the start, and of each certificate that is renewed.
static void
s_warn_of_hosts (void *owner)
{
    const edge_t *self = owner;
    s_warn_of_url (self, "EDGE_PUBLIC_URL", self->config->public_url);
    s_warn_of_url (self, "CONNECTION_SERVER_URL", self->config->connection_server_url);
}

static int
s_start_tls (edge_t *self)
{
    const edge_config_t *config = self->config;
    char line[700] = "";
    buffer_t complaint;
    if (!*config->tls_certificate && !*config->tls_key)
        return config->hsts_seconds
                   ? s_wrong (self, "EDGE_HSTS_SECONDS needs EDGE_TLS_CERTIFICATE", "")
                   : 0;
    if (!*config->tls_certificate || !*config->tls_key)
        return s_wrong (self, "EDGE_TLS_CERTIFICATE and EDGE_TLS_KEY need each other", "");
    buffer_init (&complaint, sizeof line);
    self->tls = tls_server_new (service_loop (self->service), config->tls_certificate,
                                config->tls_key, &complaint);
    snprintf (line, sizeof line, "%.*s", TEXT_ARGS (buffer_text (&complaint)));
    buffer_free (&complaint);
    if (!self->tls)
        return s_wrong (self, line, "");
    s_warn_of_hosts (self);
    tls_server_when_renewed (self->tls, s_warn_of_hosts, self);
    if (config->hsts_seconds)
        snprintf (self->lines, sizeof self->lines, "strict-transport-security: max-age=%llu\r\n",
                  (unsigned long long) config->hsts_seconds);
    return 0;
}

static callers_config_t
s_limits_of_addresses (const edge_config_t *config)
{
    return (callers_config_t){
        .sockets_most = config->address_sockets,
        .silent_most = config->address_silent,
        .per_second = { [CALLER_SOCKET] = config->address_sockets_per_second,
                        [CALLER_REQUEST] = config->address_requests_per_second,
                        [CALLER_UPGRADE] = config->address_upgrades_per_second },
        .idle_most = IDLE_ADDRESSES
    };
}

static int
s_start_sockets (edge_t *self)
{
    buffer_t config_json;
    buffer_init (&config_json, CONFIG_JSON_MAX);
    if (s_config_json (self, &config_json) != 0) {
        log_fatal ("too long", log_string ("setting", "CONNECTION_SERVER_URL"));
        buffer_free (&config_json);
        return -1;
    }
    static_roots_t roots = { self->config->web_root, self->config->widget_root };
    self->pages = static_files_new (service_loop (self->service), &roots,
                                    buffer_text (&config_json));
    buffer_free (&config_json);
    uint64_t half = self->socket_limit / 2;
    websocket_config_t config = {
        .address = self->config->address,
        .port = (uint16_t) self->config->port,
        .site = { .asked = s_on_asked, .too_many = s_on_too_many,
                  .has_problems = s_has_problems, .quiet = s_on_quiet,
                  .owner = self },
        .frame_limit = self->config->frame_limit,
        .message_within_ms = self->config->frame_within,
        .connection_limit = self->config->connections,
        .socket_limit = self->socket_limit,
        .sockets_per_second = self->config->sockets_per_second,
        .sockets_burst = self->config->sockets_burst,
        .page_limit = half < PAGE_SOCKETS ? half : PAGE_SOCKETS,
        .callers = s_limits_of_addresses (self->config),
        .trusted = self->trusted,
        .tls = self->tls,
        .lines = text_of (self->lines)
    };
    self->sockets = websocket_server_new (service_loop (self->service), &config,
                                          &gateway_socket_events, self->gateway);
    if (!self->sockets) {
        log_fatal ("cannot listen", log_string ("reason", strerror (errno)),
                   log_string ("address", self->config->address),
                   log_number ("port", (int64_t) self->config->port));
        return -1;
    }
    edge_metrics[EDGE_SOCKETS_LIMIT] = (int64_t) self->socket_limit;
    edge_metrics[EDGE_API_PENDING_LIMIT] = (int64_t) self->config->api_requests;
    return 0;
}

static void *
s_start (service_t *service, const void *config)
{
    edge_t *self = alloc_zeroed (sizeof *self);
    self->service = service;
    self->config = config;
    edge_metrics_start ();
    s_limit_descriptors (self);
    if (s_check_settings (self) != 0 || s_start_tls (self) != 0 || s_start_gateway (self) != 0
        || s_start_sockets (self) != 0) {
        void *state = self;
        s_stop (&state);
        return NULL;
    }
    if (self->config->demo_mode)
        log_warn ("DEMO MODE: whoever says isAdmin=true reads and takes over every conversation",
                  log_string ("setting", "EDGE_DEMO_MODE"));
    return self;
}

static void
s_on_drained (void *owner)
{
    edge_t *self = owner;
    self->is_drained = true;
    if (!self->sockets || websocket_server_is_quiet (self->sockets))
        service_drained (self->service);
}

static void
s_drain (void *state)
{
    edge_t *self = state;
    websocket_server_stop (self->sockets);
    gateway_drain (self->gateway, s_on_drained, self);
}

//  Sockets first: each tells the gateway that it is gone, and the gateway the postoffices.
static void
s_stop (void **state_p)
{
    edge_t *self = *state_p;
    *state_p = NULL;
    websocket_server_destroy (&self->sockets);
    tls_server_destroy (&self->tls);
    trusted_proxies_destroy (&self->trusted);
    static_files_destroy (&self->pages);
    gateway_destroy (&self->gateway);
    apps_destroy (&self->apps);
    free (self);
}

static edge_config_t s_config;

//  What docs/api.md is made of.
static int
s_put_operations (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    return api_operations_markdown (to);
}

static int
s_put_queries (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    return api_queries_markdown (to);
}

static int
s_put_permissions (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    return permissions_markdown (to);
}

static int
s_put_problems (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    return problems_markdown (to);
}

static int
s_put_openapi (const service_kind_t *kind, buffer_t *to)
{
    (void) kind;
    openapi_write (to);
    return buffer_put_string (to, "\n");
}

static const service_command_t s_commands[] = {
    APPS_COMMANDS,
    { "make-token", "CLAIMS", "a token for trying out, for an app of APPS_FILE", NULL,
      make_token },
    { "--openapi", NULL, "the HTTP API as a document of OpenAPI 3.1", s_put_openapi, NULL },
    { "make-key", "NAME", "an API key for a server, and its row for the apps file", NULL,
      make_key },
    { "--api-markdown", NULL, "the HTTP API as a Markdown table", s_put_operations, NULL },
    { "--queries-markdown", NULL, "the API's query parameters as a Markdown table",
      s_put_queries, NULL },
    { "--permissions-markdown", NULL, "who may do what, as a Markdown table", s_put_permissions,
      NULL },
    { "--problems-markdown", NULL, "the API's refusals as a Markdown table", s_put_problems,
      NULL },
    { .name = NULL },
};

const service_kind_t edge_service = { .name = "edge",
                                      .about = "holds the sockets of chat clients",
                                      .settings = s_settings,
                                      .config = &s_config,
                                      .start = s_start,
                                      .drain = s_drain,
                                      .stop = s_stop,
                                      .commands = s_commands,
                                      .apps_reader = APP_READER_EDGE,
                                      .production = s_production };
