#include "postoffice.h"

#include "base/alloc.h"
#include "session/outbound.h"
#include "session/catch_up.h"
#include "bus/bus_address.h"
#include "bus/bus_settings.h"
#include "session/postoffice_context.h"
#include "base/clock.h"
#include "base/loop_timer.h"
#include "base/random_id.h"
#include "base/utf8.h"
#include "pg/pg_address.h"
#include "store/migrate.h"
#include "tables/postoffice_metrics.h"
#include "api/requests.h"
#include "work/deliveries.h"
#include "session/feed.h"
#include "session/lookups.h"
#include "session/presence.h"
#include "process/service_apps.h"
#include "session/schedule.h"
#include "session/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#define DAY_MS 86400000u
#define SESSIONS_KEPT_LEAST_MS DAY_MS
//  Ten years: now and then minus this must be times that PostgreSQL knows.
#define AGE_MOST_MS (87600u * 3600000ull)

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
    service_apps_config_t apps;
} config_t;

static config_t s_config;

static const setting_t s_settings[] = {
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
             "database connections for sessions; seven more are opened"),
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
    APPS_SETTINGS (config_t),
    APPS_BOT_NAME_SETTING (config_t),
    SETTINGS_END,
};

typedef struct {
    service_t *service;
    postoffice_context_t office;
    lookups_t *lookups;
    feed_t *feed;
    requests_t *requests;
    uint64_t writer;
    bool was_ready;      //  the store was, once
    bool draining;
    uint64_t lost_after_ms;
    uint64_t connected_ms; //  when the store was last seen to be connected
    bool suspended;        //  the database is lost: edges and workers are at other postoffices
    loop_timer_t *tick;
} postoffice_t;

// ---------------------------------------------------------------------------------------------
//  Records, by kind

static void
s_on_operation (postoffice_t *self, peer_t peer, const bus_record_t *record)
{
    operation_t *operation = operation_of_record (peer, record);
    if (operation->kind == OPERATION_DONE || operation->kind == OPERATION_ACCEPTED)
        operation->topics = alloc_string (workers_topics (self->office.workers, peer));
    text_t key = operation_session (operation);
    if (key.size == 0 || key.size > SESSION_KEY_MAX) {
        reply_refused (&self->office, operation, VERDICT_BAD_REQUEST);
        operation_destroy (&operation);
        return;
    }
    sessions_ask (self->office.sessions, key, &operation);
}

//  The endpoint that a record is about; NULL when it is not here.
static endpoint_t *
s_endpoint (postoffice_t *self, peer_t peer, text_t session, uint64_t endpoint)
{
    session_t *found = sessions_find (self->office.sessions, session);
    return found ? session_endpoint (found, peer, endpoint) : NULL;
}

//  Which record goes to which part.
static void
s_on_record (void *owner, peer_t peer, const bus_record_t *record)
{
    postoffice_t *self = owner;
    const bus_receipt_t *receipt = &record->receipt;
    const bus_next_window_t *next_window = &record->next_window;
    const bus_signal_t *signal = &record->signal;
    endpoint_t *endpoint;
    session_t *session;
    switch (record->kind) {
    case BUS_ACCEPTED:
        if (!deliveries_accepted (self->office.deliveries, peer, &record->accepted))
            s_on_operation (self, peer, record);
        break;
    case BUS_DONE:
        if (topic_is_of_turns (record->done.topic))
            s_on_operation (self, peer, record);
        else
            deliveries_done (self->office.deliveries, peer, &record->done);
        break;
    case BUS_ATTACH:
    case BUS_DETACH:
    case BUS_POST:
        s_on_operation (self, peer, record);
        break;
    case BUS_LOOKUP:
        lookups_ask (self->lookups, peer, &record->lookup);
        break;
    case BUS_WATCH:
        feed_watch (self->feed, peer, &record->watch);
        break;
    case BUS_REQUEST:
        requests_ask (self->requests, peer, &record->request);
        break;
    case BUS_RECEIPT:
        if ((endpoint = s_endpoint (self, peer, receipt->session, receipt->endpoint)))
            presence_receipt (endpoint, receipt->seq);
        break;
    case BUS_NEXT_WINDOW:
        if ((endpoint = s_endpoint (self, peer, next_window->session, next_window->endpoint)))
            catch_up_next_window (endpoint);
        break;
    case BUS_SIGNAL:
        if ((endpoint = s_endpoint (self, peer, signal->session, signal->endpoint)))
            presence_signal (endpoint, signal);
        break;
    case BUS_PROGRESS:
        if ((session = sessions_find (self->office.sessions, record->progress.session)))
            presence_progress (session, &record->progress,
                               workers_topics (self->office.workers, peer));
        break;
    case BUS_DECLINED:
        workers_declined (self->office.workers, peer, &record->declined);
        break;
    default:
        log_warn ("record that is not for a postoffice",
                  log_string ("kind", bus_kind_name (record->kind)));
    }
}

static void
s_on_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    postoffice_t *self = owner;
    if (hello->role == NODE_EDGE)
        edges_up (self->office.edges, peer);
    else if (hello->role == NODE_WORKER)
        workers_add (self->office.workers, peer, hello);
}

static void
s_on_peer_down (void *owner, peer_t peer)
{
    postoffice_t *self = owner;
    sessions_edge_down (self->office.sessions, peer);
    feed_peer_down (self->feed, peer);
    workers_remove (self->office.workers, peer);
}

// ---------------------------------------------------------------------------------------------
//  The store

static void
s_on_store_ready (void *owner, bool ready)
{
    postoffice_t *self = owner;
    operations_ready (service_operations (self->service), "database", ready);
    self->was_ready |= ready;
    self->office.is_deaf = !ready;
    if (!ready) {
        self->office.deaf_since_ms = clock_mono_ms ();
        return;
    }
    feed_gap (self->feed);
    requests_open (self->requests);
    deliveries_open (self->office.deliveries);
    sessions_happen (self->office.sessions, SESSION_STORE_READY);
}

//  A wrong setting, found out late. A process that has worked goes on trying: the database may be
//  in the middle of being restored.
static void
s_on_unfit (void *owner)
{
    postoffice_t *self = owner;
    if (self->was_ready || self->draining)
        return;
    log_fatal ("wrong settings",
               log_string ("complaint", "POSTGRES_URL leads to a database that cannot be used"));
    service_fail (self->service, EX_CONFIG);
}

//  What another postoffice did counts for what is in memory; the work of a dead one is to be seen
//  to in any case.
static void
s_on_noticed (void *owner, store_notice_t what, text_t key)
{
    postoffice_t *self = owner;
    session_t *session = sessions_find (self->office.sessions, key);
    if (what == NOTIFY_ORPHAN)
        sessions_adopt (self->office.sessions, key);
    else if (what == NOTIFY_HOST || what == NOTIFY_HOSTED)
        sessions_host (self->office.sessions, key, what == NOTIFY_HOST);
    else if (session && what == NOTIFY_SHARED)
        session_happens (session, SESSION_SHARED);
    else if (session) {
        metric_add (POSTOFFICE_MOVED, 1);
        session_happens (session, SESSION_MOVED);
    }
}

static uint64_t
s_on_room (void *owner)
{
    return sessions_room (((postoffice_t *) owner)->office.sessions);
}

// ---------------------------------------------------------------------------------------------
//  Timers

static void
s_run_timer (void *owner, const work_taken_t *timer)
{
    postoffice_t *self = owner;
    timer_kind_t kind = timer_kind_of (timer->item);
    if (kind == TIMER_KINDS || timer->session.size == 0) {
        //  A newer postoffice knows what it is for.
        deliveries_timer_ended (self->office.deliveries, timer->item, timer->attempt, TIMER_LOST);
        return;
    }
    operation_t *operation = operation_timer (&(timer_due_t){ .kind = kind,
                                                              .item = timer->item,
                                                              .seq = timer->seq,
                                                              .attempt = timer->attempt,
                                                              .body = timer->body });
    sessions_ask (self->office.sessions, timer->session, &operation);
}

static void
s_on_timer_ended (void *owner, const operation_t *operation)
{
    postoffice_t *self = owner;
    const timer_due_t *timer = &operation->timer;
    verdict_t verdict = operation->verdict;
    deliveries_timer_ended (self->office.deliveries, timer->item, timer->attempt,
                            verdict == VERDICT_OK            ? TIMER_RAN
                            : verdict == VERDICT_DUPLICATE   ? TIMER_STALE
                            : verdict == VERDICT_BAD_REQUEST ? TIMER_BAD
                                                             : TIMER_LOST);
}

// ---------------------------------------------------------------------------------------------
//  The service

//  Without keys the bus has no credential: who reaches it reads and writes every conversation.
//  An address of another form is refused by the bus, which says what it must be.
static int
s_check_bus (postoffice_t *self, const config_t *config)
{
    if (*config->bus.keys || !bus_address_is_good (config->bus_address)
        || bus_address_is_local (config->bus_address))
        return 0;
    if (config->bus_plaintext) {
        log_warn ("the bus is open to others: whoever reaches it is believed",
                  log_string ("address", config->bus_address));
        return 0;
    }
    log_fatal ("the bus would be open to others, and has no credential",
               log_string ("address", config->bus_address),
               log_string ("complaint", "POSTOFFICE_BUS_ADDRESS must be of the loopback, "
                                        "or BUS_KEYS set, or BUS_PLAINTEXT on"));
    service_fail (self->service, EX_CONFIG);
    return -1;
}

//  The string is not quoted: a password may stand anywhere in it.
static const char s_no_url[] = "POSTGRES_URL must be a libpq connection string or URI";

//  The node's name is a row.
static int
s_check_database (postoffice_t *self, const config_t *config)
{
    bool is_name = utf8_is_valid (text_of (service_node_name (self->service)));
    if (is_name && pg_address_is_string (config->postgres_url))
        return 0;
    log_fatal ("wrong settings",
               log_string ("complaint", is_name ? s_no_url : "NODE_NAME must be UTF-8"));
    service_fail (self->service, EX_CONFIG);
    return -1;
}

//  A day at least: the log's days are in UTC, and what is active is known to some minutes.
static int
s_check_retention (postoffice_t *self, const config_t *config)
{
    if (config->sessions_kept == 0 || config->sessions_kept >= SESSIONS_KEPT_LEAST_MS)
        return 0;
    log_fatal ("wrong settings",
               log_string ("complaint", "SESSIONS_KEPT must be 0 or at least 24h"));
    service_fail (self->service, EX_CONFIG);
    return -1;
}

//  Who is named the apps with a time of their own.
typedef struct {
    kept_add_fn *add;
    void *to;
} kept_taker_t;

static void
s_add_kept (void *owner, const app_t *app)
{
    const kept_taker_t *taker = owner;
    if (app->retention.is_there)
        taker->add (taker->to, app->id, app->retention.days * DAY_MS);
}

static void
s_each_kept (void *owner, kept_add_fn *add, void *to)
{
    const postoffice_t *self = owner;
    apps_each (self->office.apps, s_add_kept, &(kept_taker_t){ add, to });
}

static int
s_start_parts (postoffice_t *self, const config_t *config)
{
    uv_loop_t *loop = service_loop (self->service);
    postoffice_context_t *office = &self->office;
    office->grace_ms = config->session_grace;
    office->idle_ms = config->session_idle;
    office->queue_limit = config->queue_limit;
    office->endpoint_limit = config->session_endpoints;
    office->session_limit = config->sessions;
    office->sessions_kept_ms = config->sessions_kept;
    postoffice_counts[POSTOFFICE_OPERATION_BYTES_LIMIT] = (int64_t) config->queue_limit;
    postoffice_counts[POSTOFFICE_SESSIONS_LIMIT] = (int64_t) config->sessions;
    postoffice_counts[POSTOFFICE_PEERS_LIMIT] = (int64_t) config->bus_peers;
    office->rules.close_after_ms = config->session_close_after;
    office->bus = bus_server_new (
        loop,
        &(bus_server_config_t){ .node = service_node_name (self->service),
                                .address = config->bus_address,
                                .heartbeat_ms = config->bus.heartbeat_ms,
                                .queue_limit = config->bus.queue_limit,
                                .keys = config->bus.keys,
                                .hash_secret = config->bus_hash_key,
                                .peer_limit = config->bus_peers },
        &(bus_server_events_t){
            .peer_up = s_on_peer_up, .peer_down = s_on_peer_down, .record = s_on_record },
        self);
    if (!office->bus) {
        if (errno == 0) //  it is the keys
            service_fail (self->service, EX_CONFIG);
        return -1;
    }
    office->workers = workers_new (
        office->bus, &(workers_config_t){ .accepted_within_ms = config->work_accepted_within,
                                          .recovery_ms = config->work_recovery });
    office->sessions = sessions_new (loop, office);
    self->feed = feed_new (loop, office);
    self->lookups = lookups_new (office);
    store_config_t store = { .url = config->postgres_url,
                             .links = config->postgres_links,
                             .batch_appends = config->postgres_batch,
                             .queue_limit = config->postgres_queue_limit,
                             .patience_ms = config->postgres_patience,
                             .answer_ms = config->postgres_timeout,
                             .writer = self->writer,
                             .node = service_node_name (self->service),
                             .kept = { config->sessions_kept, s_each_kept, self },
                             .migrate = config->postgres_migrate };
    self->requests = requests_new (loop, office, &store);
    office->timer_ended = s_on_timer_ended;
    office->timer_owner = self;
    office->deliveries =
        deliveries_new (loop, office->bus, office->workers, &store,
                        &(deliveries_config_t){ .run_timer = s_run_timer,
                                                .owner = self,
                                                .lease_ms = config->work_lease,
                                                .kept_ms = config->work_kept });
    office->store =
        store_new (loop, &store,
                   &(store_events_t){ .ready = s_on_store_ready,
                                      .unfit = s_on_unfit,
                                      .noticed = s_on_noticed,
                                      .room = s_on_room },
                   self);
    log_info ("listening", log_string ("bus", bus_server_endpoint (office->bus)));
    return 0;
}

//  A postoffice that has lost its own way to the database would answer `store_down` for as long as
//  that lasts, beside healthy ones: it sends everyone to them. A server that is there and cannot
//  write (a full disk) is everybody's trouble, and no reason to move.
static void
s_look_after_store (postoffice_t *self)
{
    uint64_t now = clock_mono_ms ();
    bool is_connected = store_is_connected (self->office.store);
    if (is_connected)
        self->connected_ms = now;
    bool is_lost = now - self->connected_ms >= self->lost_after_ms;
    if (is_lost == self->suspended || self->draining)
        return;
    self->suspended = is_lost;
    postoffice_counts[POSTOFFICE_SUSPENDED] = is_lost;
    if (!is_lost) {
        log_info ("back from the loss of the database",
                  log_number ("sessions", postoffice_counts[POSTOFFICE_SESSIONS]));
        bus_server_resume (self->office.bus);
        return;
    }
    metric_add (POSTOFFICE_SUSPENSIONS, 1);
    log_warn ("database lost: edges and workers are sent to other postoffices",
              log_number ("after_ms", (int64_t) self->lost_after_ms));
    sessions_happen (self->office.sessions, SESSION_HANDED_OVER);
    bus_server_suspend (self->office.bus);
}

static void s_stop (void **state_p);

#define TICK_MS 100

//  Looks after offered work, and after the end of a drain.
static void
s_on_tick (void *owner)
{
    postoffice_t *self = owner;
    s_look_after_store (self);
    if (self->suspended)
        workers_hold (self->office.workers);
    workers_tick (self->office.workers);
    deliveries_tick (self->office.deliveries);
    if (self->draining && schedule_load (self->office.schedule).operations == 0
        && store_pending (self->office.store) == 0)
        service_drained (self->service);
}

static void *
s_start (service_t *service, const void *config)
{
    postoffice_t *self = alloc_zeroed (sizeof *self);
    self->service = service;
    self->writer = random_id_number () >> 1;
    self->office.rules.writer = self->writer;
    self->connected_ms = clock_mono_ms ();
    self->lost_after_ms = ((const config_t *) config)->postgres_lost_after;
    postoffice_metrics_register ();
    operations_ready (service_operations (service), "database", false);
    self->tick = loop_timer_new (service_loop (service), s_on_tick, self);
    const config_t *settings = config;
    if (s_check_bus (self, settings) == 0 && s_check_database (self, settings) == 0
        && s_check_retention (self, settings) == 0)
        self->office.apps = service_apps_new (service, &settings->apps, "", "");
    if (!self->office.apps || s_start_parts (self, settings) != 0) {
        void *state = self;
        s_stop (&state);
        return NULL;
    }
    loop_timer_start_ms (self->tick, TICK_MS, TICK_MS);
    return self;
}

//  Edges and workers move elsewhere; what they asked before is finished and answered.
static void
s_drain (void *state)
{
    postoffice_t *self = state;
    self->draining = true;
    deliveries_drain (self->office.deliveries);
    bus_server_drain (self->office.bus);
}

static void
s_stop (void **state_p)
{
    postoffice_t *self = *state_p;
    requests_destroy (&self->requests);
    deliveries_destroy (&self->office.deliveries);
    store_destroy (&self->office.store);
    lookups_destroy (&self->lookups);
    feed_destroy (&self->feed);
    sessions_destroy (&self->office.sessions);
    workers_destroy (&self->office.workers);
    bus_server_destroy (&self->office.bus);
    apps_destroy (&self->office.apps);
    loop_timer_destroy (&self->tick);
    free (self);
    *state_p = NULL;
}

static int
s_migrate (const service_kind_t *kind, const char *unused)
{
    (void) unused;
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    log_start (kind->name, "migrate", LOG_INFO);
    int rc = settings_read (kind->settings, kind->config, &complaint);
    if (rc == 0 && !pg_address_is_string (s_config.postgres_url))
        rc = buffer_put_string (&complaint, s_no_url) - 1;
    if (rc != 0)
        fprintf (stderr, "postoffice migrate: %.*s\n", TEXT_ARGS (buffer_text (&complaint)));
    int exit_code = rc == 0 ? migrate_run (s_config.postgres_url) : EX_CONFIG;
    settings_free (kind->settings, kind->config);
    buffer_free (&complaint);
    return exit_code;
}

static const service_command_t s_commands[] = {
    APPS_COMMANDS,
    { "migrate", NULL, "brings the database of POSTGRES_URL to this program's schema, and ends",
      NULL, s_migrate },
    { .name = NULL },
};

const service_kind_t postoffice_service = {
    .name = "postoffice",
    .about = "decides and stores: routes what participants say by session, kept in PostgreSQL",
    .settings = s_settings,
    .config = &s_config,
    .start = s_start,
    .drain = s_drain,
    .stop = s_stop,
    .commands = s_commands,
    .apps_reader = APP_READER_POSTOFFICE
};
