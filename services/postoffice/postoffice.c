#include "postoffice.h"

#include "edge_loads.h"
#include "postoffice_settings.h"

#include "base/alloc.h"
#include "session/outbound.h"
#include "session/catch_up.h"
#include "session/company.h"
#include "bus/bus_address.h"
#include "session/postoffice_context.h"
#include "base/clock.h"
#include "base/loop_timer.h"
#include "base/random_id.h"
#include "base/utf8.h"
#include "pg/pg_address.h"
#include "pg/pg_dial.h"
#include "store/migrate.h"
#include "tables/postoffice_metrics.h"
#include "requests.h"
#include "auth/alert_url.h"
#include "work/alert_engine.h"
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

typedef struct {
    service_t *service;
    postoffice_context_t office;
    lookups_t *lookups;
    feed_t *feed;
    edge_loads_t *loads;
    requests_t *requests;
    uint64_t writer;
    bool was_ready;      //  the store was, once
    bool draining;
    uint64_t lost_after_ms;
    uint64_t connected_ms; //  when the store was last seen to be connected
    bool suspended;        //  without a database: edges and workers are at other postoffices
    bool has_lost;         //  it had one
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

//  A health request is in no table. One whose answer gets lost is said again.
static void
s_settle_health (postoffice_t *self, peer_t peer, const bus_done_t *done)
{
    bus_record_t settled = { .kind = BUS_SETTLED,
                             .settled = { .item = done->item, .session = done->session } };
    if (bus_server_send (self->office.bus, peer, &settled) != 0)
        log_debug ("settled not sent", log_text ("item", done->item));
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
        if (!bot_health_accepted (self->office.bots, peer, record->accepted.item)
            && !deliveries_accepted (self->office.deliveries, peer, &record->accepted))
            s_on_operation (self, peer, record);
        break;
    case BUS_DONE:
        if (topic_is_of_turns (record->done.topic))
            s_on_operation (self, peer, record);
        else if (bot_health_done (self->office.bots, peer, &record->done))
            s_settle_health (self, peer, &record->done);
        else if (!sessions_offer_answered (self->office.sessions, peer, record))
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
    case BUS_LOAD:
        edge_loads_said (self->loads, peer, &record->load);
        break;
    case BUS_REQUEST:
        requests_ask (self->requests, peer, &record->request);
        break;
    case BUS_RECEIPT:
        if ((endpoint = s_endpoint (self, peer, receipt->session, receipt->endpoint)))
            presence_receipt (endpoint, receipt->seq, receipt->read_seq);
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
            presence_progress (session, peer, &record->progress,
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
    if (hello->role == NODE_EDGE) {
        edges_up (self->office.edges, peer);
        edge_loads_up (self->loads, peer, hello->features & BUS_FEATURE_LOAD);
    } else if (hello->role == NODE_WORKER)
        workers_add (self->office.workers, peer, hello);
}

static void
s_on_peer_down (void *owner, peer_t peer)
{
    postoffice_t *self = owner;
    sessions_edge_down (self->office.sessions, peer);
    feed_peer_down (self->feed, peer);
    edge_loads_down (self->loads, peer);
    workers_remove (self->office.workers, peer);
}

// ---------------------------------------------------------------------------------------------
//  The store

//  A postoffice that has lost its own way to the database would answer `store_down` for as long as
//  that lasts, beside healthy ones: it sends everyone to them. One that starts takes nobody before
//  its database is usable: sessions would come to it and wait. A server that is there and cannot
//  write (a full disk) is everybody's trouble, and no reason to move.
static void
s_look_after_store (postoffice_t *self)
{
    uint64_t now = clock_mono_ms ();
    bool is_connected = store_is_connected (self->office.store);
    if (is_connected)
        self->connected_ms = now;
    bool is_lost = !self->was_ready || now - self->connected_ms >= self->lost_after_ms;
    if (is_lost == self->suspended || self->draining)
        return;
    self->suspended = is_lost;
    postoffice_counts[POSTOFFICE_SUSPENDED] = is_lost;
    if (!is_lost) {
        if (self->has_lost)
            log_info ("back from the loss of the database",
                      log_number ("sessions", postoffice_counts[POSTOFFICE_SESSIONS]));
        bus_server_resume (self->office.bus);
        return;
    }
    self->has_lost = true;
    metric_add (POSTOFFICE_SUSPENSIONS, 1);
    log_warn ("database lost: edges and workers are sent to other postoffices",
              log_number ("after_ms", (int64_t) self->lost_after_ms));
    sessions_happen (self->office.sessions, SESSION_HANDED_OVER);
    bus_server_suspend (self->office.bus);
}

static void
s_on_store_ready (void *owner, bool ready)
{
    postoffice_t *self = owner;
    operations_ready (service_operations (self->service), "database", ready);
    self->was_ready |= ready;
    self->office.is_deaf = !ready;
    s_look_after_store (self);
    if (!ready) {
        self->office.deaf_since_ms = clock_mono_ms ();
        return;
    }
    feed_gap (self->feed);
    requests_open (self->requests);
    deliveries_open (self->office.deliveries);
    matcher_open (self->office.matcher);
    alert_engine_open (self->office.alerts);
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
    if (what == NOTIFY_CANCELLED)
        deliveries_cancel (self->office.deliveries, key);
    else if (what == NOTIFY_ORPHAN)
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

static void
s_on_clocked (void *owner, int64_t database_ms)
{
    ((postoffice_t *) owner)->office.rules.database_ms = database_ms;
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
        deliveries_timer_ended (self->office.deliveries, timer->item, timer->attempt, TIMER_LOST,
                                0);
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
s_on_offer_answered (void *owner, const operation_t *operation)
{
    postoffice_t *self = owner;
    deliveries_done (self->office.deliveries, operation->peer, &operation->record.done);
}

static void
s_on_timer_ended (void *owner, const operation_t *operation)
{
    postoffice_t *self = owner;
    const timer_due_t *timer = &operation->timer;
    verdict_t verdict = operation->verdict;
    deliveries_timer_ended (self->office.deliveries, timer->item, timer->attempt,
                            verdict == VERDICT_OK            ? TIMER_RAN
                            : timer->again_ms > 0            ? TIMER_AGAIN
                            : verdict == VERDICT_DUPLICATE   ? TIMER_STALE
                            : verdict == VERDICT_BAD_REQUEST ? TIMER_BAD
                                                             : TIMER_LOST,
                            timer->again_ms);
}

// ---------------------------------------------------------------------------------------------
//  Who is found for those who wait

static void
s_on_matched (void *owner, const matched_t *matched)
{
    postoffice_t *self = owner;
    operation_t *operation = operation_match (
        &(match_t){ .what = matched->words.size > 0   ? MATCH_NOTICE
                            : matched->agent.size > 0 ? MATCH_FOUND
                                                      : MATCH_NOBODY,
                    .version = matched->version,
                    .agent = matched->agent,
                    .words = matched->words });
    sessions_ask (self->office.sessions, matched->session, &operation);
}

// ---------------------------------------------------------------------------------------------
//  The service

//  Without keys the bus has no credential: who reaches it reads and writes every conversation.
//  An address of another form is refused by the bus, which says what it must be.
static int
s_check_bus (postoffice_t *self, const postoffice_config_t *config)
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
s_check_database (postoffice_t *self, const postoffice_config_t *config)
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
s_check_retention (postoffice_t *self, const postoffice_config_t *config)
{
    if (config->sessions_kept == 0 || config->sessions_kept >= SESSIONS_KEPT_LEAST_MS)
        return 0;
    log_fatal ("wrong settings",
               log_string ("complaint", "SESSIONS_KEPT must be 0 or at least 24h"));
    service_fail (self->service, EX_CONFIG);
    return -1;
}

static int
s_check_alerts (postoffice_t *self, const postoffice_config_t *config)
{
    size_t key_size = strlen (config->alert_key);
    const char *complaint =
        !*config->alert_url                       ? NULL
        : !signed_base_is_good (config->alert_url) ? "ALERT_URL must be a URL with http or https, "
                                                     "without a query"
        : key_size < SIGNED_KEY_LEAST ? "ALERT_URL needs ALERT_KEY, of 32 bytes at least"
                                      : NULL;
    if (!complaint)
        return 0;
    log_fatal ("wrong settings", log_string ("complaint", complaint));
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
s_start_parts (postoffice_t *self, const postoffice_config_t *config)
{
    uv_loop_t *loop = service_loop (self->service);
    postoffice_context_t *office = &self->office;
    office->node = service_node_name (self->service);
    office->grace_ms = config->session_grace;
    office->settle_ms = COMPANY_SETTLE_MS;
    office->idle_ms = config->session_idle;
    office->queue_limit = config->queue_limit;
    office->endpoint_limit = config->session_endpoints;
    office->session_limit = config->sessions;
    office->sessions_kept_ms = config->sessions_kept;
    office->is_search_off = config->search_share == 0;
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
    office->sessions = sessions_new (loop, office);
    office->bots = bot_health_new (office->apps, sessions_refuse_turn, office->sessions);
    office->workers = workers_new (
        office->bus, &(workers_config_t){ .accepted_within_ms = config->work_accepted_within,
                                          .recovery_ms = config->work_recovery,
                                          .admit = bot_health_admit,
                                          .probe_ended = bot_health_probe_ended,
                                          .owner = office->bots });
    bot_health_begin (office->bots, office->workers);
    self->feed = feed_new (loop, office);
    self->loads = edge_loads_new (loop, office->bus);
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
                             .search_share = config->search_share,
                             .search_every_ms = config->search_every,
                             .migrate = config->postgres_migrate };
    self->requests = requests_new (loop, office, &store);
    office->timer_ended = s_on_timer_ended;
    office->timer_owner = self;
    office->offer_answered = s_on_offer_answered;
    office->answered_owner = self;
    office->deliveries =
        deliveries_new (loop, office->bus, office->workers, &store,
                        &(deliveries_config_t){ .run_timer = s_run_timer,
                                                .owner = self,
                                                .apps = office->apps,
                                                .lease_ms = config->work_lease,
                                                .kept_ms = config->work_kept });
    office->matcher = matcher_new (loop, &store, office->apps, s_on_matched, self);
    alert_engine_config_t alerts = { .apps = office->apps,
                                     .workers = office->workers,
                                     .bots = office->bots,
                                     .links = { .url = config->alert_url,
                                                .key = text_of (config->alert_key),
                                                .console = config->console_url,
                                                .link_ms = config->alert_link_for } };
    office->alerts = alert_engine_new (loop, &store, &alerts);
    office->store =
        store_new (loop, &store,
                   &(store_events_t){ .ready = s_on_store_ready,
                                      .unfit = s_on_unfit,
                                      .noticed = s_on_noticed,
                                      .clocked = s_on_clocked,
                                      .room = s_on_room },
                   self);
    bus_server_suspend (office->bus); //  until s_look_after_store
    self->suspended = true;
    postoffice_counts[POSTOFFICE_SUSPENDED] = true;
    log_info ("listening", log_string ("bus", bus_server_endpoint (office->bus)));
    return 0;
}

static void s_stop (void **state_p);

#define TICK_MS 100

//  Looks after offered work, and after the end of a drain.
static void
s_on_tick (void *owner)
{
    postoffice_t *self = owner;
    operations_explain (service_operations (self->service), "database", pg_dial_trouble ());
    s_look_after_store (self);
    if (self->suspended)
        workers_hold (self->office.workers);
    workers_tick (self->office.workers);
    bot_health_tick (self->office.bots);
    deliveries_tick (self->office.deliveries);
    if (!self->draining)
        edge_loads_tick (self->loads);
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
    self->lost_after_ms = ((const postoffice_config_t *) config)->postgres_lost_after;
    postoffice_metrics_register ();
    operations_ready (service_operations (service), "database", false);
    self->tick = loop_timer_new (service_loop (service), s_on_tick, self);
    const postoffice_config_t *settings = config;
    if (s_check_bus (self, settings) == 0 && s_check_database (self, settings) == 0
        && s_check_retention (self, settings) == 0 && s_check_alerts (self, settings) == 0)
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
    matcher_drain (self->office.matcher);
    alert_engine_drain (self->office.alerts);
    bus_server_drain (self->office.bus);
}

static void
s_stop (void **state_p)
{
    postoffice_t *self = *state_p;
    requests_destroy (&self->requests);
    matcher_destroy (&self->office.matcher);
    alert_engine_destroy (&self->office.alerts);
    deliveries_destroy (&self->office.deliveries);
    store_destroy (&self->office.store);
    lookups_destroy (&self->lookups);
    feed_destroy (&self->feed);
    edge_loads_destroy (&self->loads);
    sessions_destroy (&self->office.sessions);
    bot_health_destroy (&self->office.bots);
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
    if (rc == 0 && postoffice_config.common.production
        && production_unmet (postoffice_production_of_database, kind->config, &complaint))
        rc = -1;
    if (rc == 0 && !pg_address_is_string (postoffice_config.postgres_url))
        rc = buffer_put_string (&complaint, s_no_url) - 1;
    if (rc != 0)
        fprintf (stderr, "postoffice migrate: %.*s\n", TEXT_ARGS (buffer_text (&complaint)));
    int exit_code = rc == 0 ? migrate_run (postoffice_config.postgres_url) : EX_CONFIG;
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
    .settings = postoffice_settings,
    .config = &postoffice_config,
    .start = s_start,
    .drain = s_drain,
    .stop = s_stop,
    .commands = s_commands,
    .apps_reader = APP_READER_POSTOFFICE,
    .production = postoffice_production
};
