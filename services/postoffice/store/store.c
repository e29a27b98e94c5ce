#include "store/store.h"

#include "base/alloc.h"
#include "store/maintenance.h"
#include "store/retention.h"
#include "store/search_fill.h"
#include "store/store_link.h"
#include "base/keyed_hash.h"
#include "base/log.h"
#include "store/store_metrics.h"

#include <assert.h>
#include <stdlib.h>

struct store {
    store_config_t config;
    store_events_t events;
    void *owner;
    maintenance_t *maintenance;
    retention_t *retention;
    search_fill_t *search_fill;
    bool is_maintained; //  the link of maintenance is up
    store_link_t **store_links;
    store_queue_t queue;
    bool ready;             //  as we told our owner
};

// ---------------------------------------------------------------------------------------------
//  Readiness: every link is up, and the database can write. The maintenance's counts: without it
//  nobody tells us what other postoffices append.

static void
s_on_changed (void *owner)
{
    store_t *self = owner;
    bool ready = self->is_maintained;
    for (uint64_t at = 0; ready && at < self->config.links; at++)
        ready = store_link_state (self->store_links[at]).is_usable;
    if (ready == self->ready)
        return;
    self->ready = ready;
    if (ready)
        log_info ("database is usable", log_number ("links", (int64_t) self->config.links + 1));
    self->events.ready (self->owner, ready);
}

static void
s_on_maintained (void *owner, bool is_up)
{
    store_t *self = owner;
    self->is_maintained = is_up;
    store_metrics_link (is_up);
    for (uint64_t at = 0; is_up && at < self->config.links; at++)
        store_link_open (self->store_links[at]);
    if (is_up) {
        retention_open (self->retention);
        if (self->search_fill)
            search_fill_open (self->search_fill);
    }
    s_on_changed (self);
}

static void
s_on_unfit (void *owner)
{
    store_t *self = owner;
    if (self->events.unfit)
        self->events.unfit (self->owner);
}

static void
s_on_noticed (void *owner, store_notice_t what, text_t session)
{
    store_t *self = owner;
    self->events.noticed (self->owner, what, session);
}

static void
s_on_clocked (void *owner, int64_t database_ms)
{
    store_t *self = owner;
    if (self->events.clocked)
        self->events.clocked (self->owner, database_ms);
}

static uint64_t
s_on_room (void *owner)
{
    store_t *self = owner;
    return self->events.room ? self->events.room (self->owner) : UINT64_MAX;
}

// ---------------------------------------------------------------------------------------------

store_t *
store_new (uv_loop_t *loop, const store_config_t *config, const store_events_t *events, void *owner)
{
    assert (config->links > 0 && config->batch_appends > 0 && config->answer_ms > 0);
    assert (config->writer <= INT64_MAX);
    store_t *self = alloc_zeroed (sizeof *self);
    store_metrics_start ();
    self->config = *config; //  its strings are the links' to keep
    self->config.url = self->config.node = NULL;
    self->events = *events;
    self->owner = owner;
    store_metrics[STORE_QUEUE_LIMIT] = (int64_t) config->queue_limit;
    self->store_links = alloc_array (config->links, sizeof (store_link_t *));
    for (uint64_t at = 0; at < config->links; at++)
        self->store_links[at] = store_link_new (loop, config, &self->queue, s_on_changed, self);
    self->retention = retention_new (loop, config);
    if (config->search_share > 0)
        self->search_fill = search_fill_new (loop, config);
    self->maintenance = maintenance_new (loop, config,
                                         &(maintenance_events_t){ .changed = s_on_maintained,
                                                                  .unfit = s_on_unfit,
                                                                  .noticed = s_on_noticed,
                                                                  .clocked = s_on_clocked,
                                                                  .room = s_on_room },
                                         self);
    return self;
}

void
store_destroy (store_t **self_p)
{
    store_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    maintenance_destroy (&self->maintenance);
    retention_destroy (&self->retention);
    search_fill_destroy (&self->search_fill);
    for (uint64_t at = 0; at < self->config.links; at++)
        store_link_destroy (&self->store_links[at]);
    store_metrics[STORE_QUEUE_BYTES] -= (int64_t) self->queue.bytes;
    free (self->store_links);
    free (self);
}

bool
store_is_connected (const store_t *self)
{
    for (uint64_t at = 0; at < self->config.links; at++)
        if (!store_link_state (self->store_links[at]).is_alive)
            return false;
    return maintenance_is_alive (self->maintenance);
}

uint64_t
store_pending (const store_t *self)
{
    return self->queue.count;
}

static store_link_t *
s_link (const store_t *self, text_t session)
{
    return self->store_links[keyed_hash (hash_key_of_process (), session) % self->config.links];
}

static bool
s_is_full (const store_t *self)
{
    bool is_full = self->queue.bytes >= self->config.queue_limit;
    store_metrics[STORE_REFUSED] += is_full;
    return is_full;
}

int
store_append (store_t *self, const store_append_t *request, uint64_t request_id,
              store_appended_fn *appended, void *owner)
{
    if (s_is_full (self))
        return -1;
    append_t *append = append_new (request);
    append->request_id = request_id;
    append->appended = appended;
    append->owner = owner;
    store_link_append (s_link (self, request->session), &append);
    return 0;
}

static int
s_ask (store_t *self, query_t *query, uint64_t request_id, void *owner)
{
    query->request_id = request_id;
    query->owner = owner;
    store_link_ask (s_link (self, query->session), &query);
    return 0;
}

int
store_load (store_t *self, text_t session, const text_t *ids, size_t id_count, uint64_t recent,
            bool hosts, uint64_t request_id, store_loaded_fn *loaded, void *owner)
{
    if (s_is_full (self))
        return -1;
    query_t *query = query_new (QUERY_LOAD, session, TEXT_EMPTY, ids, id_count);
    query->numbers[0] = recent;
    query->numbers[1] = hosts;
    query->loaded = loaded;
    return s_ask (self, query, request_id, owner);
}

int
store_read (store_t *self, text_t session, uint64_t day, uint64_t after, uint64_t most,
            uint64_t bytes, uint64_t request_id, store_read_fn *read, void *owner)
{
    if (s_is_full (self))
        return -1;
    query_t *query = query_new (QUERY_READ, session, TEXT_EMPTY, NULL, 0);
    query->numbers[0] = day;
    query->numbers[1] = after;
    query->numbers[2] = most;
    query->numbers[3] = bytes;
    query->read = read;
    return s_ask (self, query, request_id, owner);
}

int
store_lookup (store_t *self, text_t app, text_t user, uint64_t role, uint64_t request_id,
              store_found_fn *found, void *owner)
{
    if (s_is_full (self))
        return -1;
    query_t *query = query_new (QUERY_LOOKUP, app, user, NULL, 0);
    query->numbers[0] = role;
    query->found = found;
    return s_ask (self, query, request_id, owner);
}

int
store_find_external (store_t *self, text_t app, text_t channel, text_t external_id,
                     uint64_t request_id, store_external_fn *found, void *owner)
{
    if (s_is_full (self))
        return -1;
    query_t *query = query_new (QUERY_EXTERNAL, app, channel, &external_id, 1);
    query->external = found;
    return s_ask (self, query, request_id, owner);
}

void
store_receipt (store_t *self, text_t session, uint64_t role, text_t user,
               const store_receipt_t *receipt)
{
    store_link_receipt (s_link (self, session), session, role, user, receipt);
}

int
store_notify (store_t *self, store_notice_t what, text_t session)
{
    return maintenance_notify (self->maintenance, what, session);
}
