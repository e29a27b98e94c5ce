#include "address/callers.h"

#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/token_bucket.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  A refused client is told to come again after this, when no clock says when there is room.
#define SILENT_WAIT_MS 2000
#define SOCKETS_WAIT_MS 10000
//  Each time that one becomes idle, so many idle ones are looked at: more than come.
#define LOOKS 2

struct caller_place {
    UT_hash_handle hh;
    ip_address_t key;
    list_t idle; //  while it has no sockets
    token_bucket_t buckets[CALLER_ACTS];
    uint32_t sockets;
    uint32_t silent;
};

struct callers {
    callers_config_t config;
    caller_place_t *places;
    list_t idle; //  left longest ago first
    uint64_t idle_count;
    bool is_on;
};

callers_t *
callers_new (const callers_config_t *config)
{
    callers_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    self->is_on = config->sockets_most || config->silent_most;
    for (unsigned act = 0; act < CALLER_ACTS; act++)
        self->is_on = self->is_on || config->per_second[act];
    list_init (&self->idle);
    return self;
}

static void
s_forget (callers_t *self, caller_place_t *place)
{
    assert (place->sockets == 0);
    list_remove (&place->idle);
    self->idle_count--;
    HASH_DEL (self->places, place);
    edge_count (EDGE_ADDRESSES, -1);
    free (place);
}

void
callers_destroy (callers_t **self_p)
{
    callers_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (list_t *first; (first = list_first (&self->idle));)
        s_forget (self, LIST_THING (first, caller_place_t, idle));
    assert (!self->places);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  Places

static bool
s_is_full_again (const caller_place_t *place, uint64_t now_ms)
{
    for (unsigned act = 0; act < CALLER_ACTS; act++)
        if (place->buckets[act].full_us > now_ms * 1000)
            return false;
    return true;
}

static void
s_forget_some (callers_t *self, uint64_t now_ms)
{
    list_t *first;
    while (self->idle_count > self->config.idle_most && (first = list_first (&self->idle)))
        s_forget (self, LIST_THING (first, caller_place_t, idle));
    for (unsigned looks = 0; looks < LOOKS && (first = list_first (&self->idle)); looks++) {
        caller_place_t *place = LIST_THING (first, caller_place_t, idle);
        if (!s_is_full_again (place, now_ms))
            return;
        s_forget (self, place);
    }
}

static caller_place_t *
s_place (callers_t *self, const client_address_t *address)
{
    ip_address_t key = client_address_counted (address);
    caller_place_t *place;
    HASH_FIND (hh, self->places, &key, sizeof key, place);
    if (place) {
        self->idle_count -= place->sockets == 0;
        list_remove (&place->idle);
        return place;
    }
    place = alloc_zeroed (sizeof *place);
    place->key = key;
    list_init (&place->idle);
    HASH_ADD (hh, self->places, key, sizeof place->key, place);
    edge_count (EDGE_ADDRESSES, 1);
    return place;
}

void
callers_enter (callers_t *self, caller_t *caller, const client_address_t *address,
               uint64_t now_ms)
{
    assert (!caller->place);
    caller->address = *address;
    caller->is_silent = true;
    if (!self->is_on || address->is_exempt)
        return;
    caller->place = s_place (self, address);
    caller->place->sockets++;
    caller->place->silent++;
    s_forget_some (self, now_ms);
}

void
callers_speak (callers_t *self, caller_t *caller)
{
    (void) self;
    if (caller->place && caller->is_silent)
        caller->place->silent--;
    caller->is_silent = false;
}

void
callers_leave (callers_t *self, caller_t *caller, uint64_t now_ms)
{
    caller_place_t *place = caller->place;
    if (!place)
        return;
    callers_speak (self, caller);
    caller->place = NULL;
    if (--place->sockets > 0)
        return;
    list_append (&self->idle, &place->idle);
    self->idle_count++;
    s_forget_some (self, now_ms);
}

// ---------------------------------------------------------------------------------------------
//  Limits

static uint64_t
s_refuse (const caller_t *caller, edge_metric_t counter, const char *limit_name, uint64_t wait_ms)
{
    char room[CLIENT_ADDRESS_ROOM];
    static log_limit_t limit = LOG_LIMIT (LOG_INFO, "address limited");
    edge_count (counter, 1);
    if (log_limit_allows (&limit))
        log_info ("address limited", log_string ("limit", limit_name),
                  log_text ("network", client_address_network (&caller->address, room)));
    return wait_ms;
}

uint64_t
callers_wait_ms (const callers_t *self, const caller_t *caller, caller_act_t act, uint64_t now_ms)
{
    static const struct {
        edge_metric_t counter;
        const char *limit;
    } acts[CALLER_ACTS] = { [CALLER_SOCKET] = { EDGE_ADDRESS_SOCKETS_RATE, "new_sockets" },
                            [CALLER_REQUEST] = { EDGE_ADDRESS_REQUESTS_RATE, "requests" },
                            [CALLER_UPGRADE] = { EDGE_ADDRESS_UPGRADES_RATE, "upgrades" } };
    const caller_place_t *place = caller->place;
    const callers_config_t *config = &self->config;
    if (!place)
        return 0;
    if (config->sockets_most && place->sockets > config->sockets_most)
        return s_refuse (caller, EDGE_ADDRESS_SOCKETS_MOST, "sockets", SOCKETS_WAIT_MS);
    //  One that becomes a WebSocket makes room for those that wait.
    if (act != CALLER_UPGRADE && config->silent_most && place->silent > config->silent_most)
        return s_refuse (caller, EDGE_ADDRESS_SILENT_MOST, "silent", SILENT_WAIT_MS);
    uint64_t per_second = config->per_second[act];
    uint64_t wait_ms = per_second
                           ? token_bucket_wait_ms (&place->buckets[act], now_ms, per_second,
                                                   per_second * CALLER_BURST_SECONDS)
                           : 0;
    return wait_ms ? s_refuse (caller, acts[act].counter, acts[act].limit, wait_ms) : 0;
}

void
callers_take (callers_t *self, const caller_t *caller, caller_act_t act, uint64_t now_ms)
{
    uint64_t per_second = self->config.per_second[act];
    if (caller->place && per_second)
        token_bucket_take (&caller->place->buckets[act], now_ms, per_second);
}
