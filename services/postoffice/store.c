#include "store.h"

#include "caretaker.h"
#include "desk.h"
#include "parts/rendezvous.h"
#include "service/log.h"
#include "store_counters.h"

#include <assert.h>
#include <stdlib.h>

struct store {
    store_config_t config;
    store_events_t events;
    void *owner;
    caretaker_t *caretaker;
    bool cared;             //  the caretaker's link is up
    desk_t **desks;
    bool ready;             //  as we told our owner
};

// ---------------------------------------------------------------------------------------------
//  Readiness: every link is up, and the database can write. The caretaker's counts: without it
//  nobody tells us what other postoffices append.

static bool
s_is_ready (const store_t *self)
{
    for (uint64_t at = 0; at < self->config.links; at++)
        if (!desk_is_usable (self->desks[at]))
            return false;
    return self->cared;
}

static void
s_on_changed (void *owner)
{
    store_t *self = owner;
    bool ready = s_is_ready (self);
    if (ready == self->ready)
        return;
    self->ready = ready;
    if (ready)
        log_info ("database is usable", log_number ("links", (int64_t) self->config.links + 1));
    self->events.ready (self->owner, ready);
}

static void
s_on_cared (void *owner)
{
    store_t *self = owner;
    self->cared = true;
    store_counters[STORE_LINKS_UP]++;
    for (uint64_t at = 0; at < self->config.links; at++)
        desk_open (self->desks[at]);
    s_on_changed (self);
}

static void
s_on_uncared (void *owner)
{
    store_t *self = owner;
    self->cared = false;
    store_counters[STORE_LINKS_UP]--;
    store_counters[STORE_LINKS_LOST]++;
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
s_on_moved (void *owner, text_t session)
{
    store_t *self = owner;
    self->events.moved (self->owner, session);
}

static void
s_on_shared (void *owner, text_t session)
{
    store_t *self = owner;
    self->events.shared (self->owner, session);
}

static void
s_on_orphan (void *owner, text_t session)
{
    store_t *self = owner;
    self->events.orphan (self->owner, session);
}

// ---------------------------------------------------------------------------------------------

store_t *
store_new (uv_loop_t *loop, const store_config_t *config, const store_events_t *events, void *owner)
{
    assert (config->links > 0 && config->batch_chunks > 0 && config->answer_ms > 0);
    assert (config->writer <= INT64_MAX);
    store_t *self = calloc (1, sizeof *self);
    assert (self);
    store_counters_start ();
    self->config = *config; //  its strings are the links' to keep
    self->config.url = self->config.node = NULL;
    self->events = *events;
    self->owner = owner;
    self->desks = calloc (config->links, sizeof (desk_t *));
    assert (self->desks);
    for (uint64_t at = 0; at < config->links; at++)
        self->desks[at] = desk_new (loop, config, s_on_changed, self);
    self->caretaker = caretaker_new (loop, config,
                                     &(caretaker_events_t){ .up = s_on_cared,
                                                            .down = s_on_uncared,
                                                            .unfit = s_on_unfit,
                                                            .moved = s_on_moved,
                                                            .shared = s_on_shared,
                                                            .orphan = s_on_orphan },
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
    caretaker_destroy (&self->caretaker);
    for (uint64_t at = 0; at < self->config.links; at++)
        desk_destroy (&self->desks[at]);
    free (self->desks);
    free (self);
}

uint64_t
store_pending (const store_t *self)
{
    uint64_t pending = 0;
    for (uint64_t at = 0; at < self->config.links; at++)
        pending += desk_pending (self->desks[at]);
    return pending;
}

static desk_t *
s_desk (const store_t *self, text_t session)
{
    return self->desks[rendezvous_weight (session, TEXT ("desk")) % self->config.links];
}

static bool
s_is_full (const store_t *self)
{
    uint64_t bytes = 0;
    for (uint64_t at = 0; at < self->config.links; at++)
        bytes += desk_bytes (self->desks[at]);
    if (bytes >= self->config.queue_limit)
        store_counters[STORE_REFUSED]++;
    return bytes >= self->config.queue_limit;
}

int
store_append (store_t *self, const store_chunk_t *chunk, uint64_t ticket,
              store_appended_fn *appended, void *owner)
{
    if (s_is_full (self))
        return -1;
    chunk_t *copy = chunk_new (chunk);
    if (!copy)
        return -1;
    copy->ticket = ticket;
    copy->appended = appended;
    copy->owner = owner;
    desk_append (s_desk (self, chunk->session), &copy);
    return 0;
}

static int
s_ask (store_t *self, query_t *query, uint64_t ticket, void *owner)
{
    query->ticket = ticket;
    query->owner = owner;
    desk_ask (s_desk (self, query->session), &query);
    return 0;
}

int
store_load (store_t *self, text_t session, const text_t *ids, size_t id_count, uint64_t recent,
            uint64_t ticket, store_loaded_fn *loaded, void *owner)
{
    query_t *query =
        s_is_full (self) ? NULL : query_new (QUERY_LOAD, session, TEXT_EMPTY, ids, id_count);
    if (!query)
        return -1;
    query->numbers[0] = recent;
    query->loaded = loaded;
    return s_ask (self, query, ticket, owner);
}

int
store_read (store_t *self, text_t session, uint64_t day, uint64_t after, uint64_t most,
            uint64_t bytes, uint64_t ticket, store_read_fn *read, void *owner)
{
    query_t *query =
        s_is_full (self) ? NULL : query_new (QUERY_READ, session, TEXT_EMPTY, NULL, 0);
    if (!query)
        return -1;
    query->numbers[0] = day;
    query->numbers[1] = after;
    query->numbers[2] = most;
    query->numbers[3] = bytes;
    query->read = read;
    return s_ask (self, query, ticket, owner);
}

int
store_locate (store_t *self, text_t app, text_t user, uint64_t role, uint64_t ticket,
              store_located_fn *located, void *owner)
{
    query_t *query = s_is_full (self) ? NULL : query_new (QUERY_LOCATE, app, user, NULL, 0);
    if (!query)
        return -1;
    query->numbers[0] = role;
    query->located = located;
    return s_ask (self, query, ticket, owner);
}

void
store_seen (store_t *self, text_t session, uint64_t role, text_t user, uint64_t seq)
{
    desk_seen (s_desk (self, session), session, role, user, seq);
}

int
store_tell (store_t *self, store_tell_t what, text_t session)
{
    return caretaker_tell (self->caretaker, what, session);
}
