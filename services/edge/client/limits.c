#include "client/limits.h"

#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/token_bucket.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  Each time that one becomes idle, so many idle ones are looked at: more than come.
#define LOOKS 2

struct limit_place {
    token_bucket_t buckets[LIMIT_ACTS]; //  first: all that a message touches
    uint32_t holders;
    list_t idle; //  while nobody holds it
    keyed_digest_t key;
    UT_hash_handle hh;
};

typedef struct {
    limit_place_t *places;
    list_t idle; //  left longest ago first
    uint64_t idle_count;
    uint64_t token_us[LIMIT_ACTS]; //  0: no limit
    uint64_t burst_us[LIMIT_ACTS];
    bool is_on;
} table_t;

struct limits {
    table_t tables[LIMIT_SCOPES];
    uint64_t idle_most;
};

static const char *const s_names[LIMIT_ROWS] = {
#define LIMIT(SCOPE, ACT, metric, setting, fallback, words) metric,
#include "tables/limits.def"
#undef LIMIT
};

static const limit_row_t s_rows[LIMIT_SCOPES][LIMIT_ACTS] = {
#define LIMIT(SCOPE, ACT, metric, setting, fallback, words)                                      \
    [LIMIT_##SCOPE][LIMIT_##ACT] = LIMIT_ROW_##SCOPE##_##ACT,
#include "tables/limits.def"
#undef LIMIT
};

limits_t *
limits_new (const limits_config_t *config)
{
    limits_t *self = alloc_zeroed (sizeof *self);
    self->idle_most = config->idle_most;
    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++) {
        table_t *table = &self->tables[scope];
        list_init (&table->idle);
        for (unsigned act = 0; act < LIMIT_ACTS; act++) {
            uint64_t per_second = config->per_second[scope][act];
            table->token_us[act] = per_second ? token_bucket_token_us (per_second) : 0;
            table->burst_us[act] = table->token_us[act] * per_second * LIMIT_BURST_SECONDS;
            table->is_on = table->is_on || per_second;
        }
    }
    return self;
}

// ---------------------------------------------------------------------------------------------
//  Places

static void
s_forget (table_t *table, limit_place_t *place)
{
    assert (place->holders == 0);
    list_remove (&place->idle);
    table->idle_count--;
    HASH_DEL (table->places, place);
    edge_count (EDGE_LIMITED, -1);
    free (place);
}

static bool
s_is_full_again (const limit_place_t *place, uint64_t now_ms)
{
    for (unsigned act = 0; act < LIMIT_ACTS; act++)
        if (place->buckets[act].full_us > now_ms * 1000)
            return false;
    return true;
}

static void
s_forget_some (const limits_t *self, table_t *table, uint64_t now_ms)
{
    list_t *first;
    while (table->idle_count > self->idle_most && (first = list_first (&table->idle)))
        s_forget (table, LIST_THING (first, limit_place_t, idle));
    for (unsigned looks = 0; looks < LOOKS && (first = list_first (&table->idle)); looks++) {
        limit_place_t *place = LIST_THING (first, limit_place_t, idle);
        if (!s_is_full_again (place, now_ms))
            return;
        s_forget (table, place);
    }
}

void
limits_destroy (limits_t **self_p)
{
    limits_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++) {
        table_t *table = &self->tables[scope];
        for (list_t *first; (first = list_first (&table->idle));)
            s_forget (table, LIST_THING (first, limit_place_t, idle));
        assert (!table->places);
    }
    free (self);
}

//  Of a digest that nobody can choose any part is as good a hash as another one.
static unsigned
s_hash (const keyed_digest_t *key)
{
    unsigned hash;
    memcpy (&hash, key->bytes, sizeof hash);
    return hash;
}

static limit_place_t *
s_find (const table_t *table, const keyed_digest_t *key)
{
    limit_place_t *place;
    HASH_FIND_BYHASHVALUE (hh, table->places, key, sizeof *key, s_hash (key), place);
    return place;
}

//  One more holds it.
static limit_place_t *
s_hold (limits_t *self, limit_scope_t scope, const text_t *texts, size_t count)
{
    table_t *table = &self->tables[scope];
    if (!table->is_on)
        return NULL;
    keyed_digest_t key = keyed_digest (hash_key_of_process (), texts, count);
    limit_place_t *place = s_find (table, &key);
    if (!place) {
        place = alloc_zeroed (sizeof *place);
        place->key = key;
        list_init (&place->idle);
        HASH_ADD_BYHASHVALUE (hh, table->places, key, sizeof place->key, s_hash (&key), place);
        edge_count (EDGE_LIMITED, 1);
    } else if (place->holders == 0) {
        table->idle_count--;
        list_remove (&place->idle);
    }
    place->holders++;
    return place;
}

static void
s_let_go (limits_t *self, limit_scope_t scope, limit_place_t **place_p, uint64_t now_ms)
{
    table_t *table = &self->tables[scope];
    limit_place_t *place = *place_p;
    *place_p = NULL;
    if (!place || --place->holders > 0)
        return;
    list_append (&table->idle, &place->idle);
    table->idle_count++;
    s_forget_some (self, table, now_ms);
}

void
limits_enter (limits_t *self, limited_t *who, const principal_t *principal,
              const client_address_t *address, uint64_t now_ms)
{
    text_t kind = text_of (role_name (principal->kind));
    text_t texts[] = { principal->app, kind, principal->user };
    (void) now_ms;
    assert (!who->places[LIMIT_PRINCIPAL] && !who->places[LIMIT_APP]);
    who->places[LIMIT_PRINCIPAL] = s_hold (self, LIMIT_PRINCIPAL, texts, 3);
    who->places[LIMIT_APP] = s_hold (self, LIMIT_APP, texts, 1);
    if (!address || address->is_exempt)
        return;
    ip_address_t ip = client_address_counted (address);
    text_t bytes = { (const char *) ip.bytes, sizeof ip.bytes };
    who->places[LIMIT_ADDRESS] = s_hold (self, LIMIT_ADDRESS, &bytes, 1);
}

void
limits_leave (limits_t *self, limited_t *who, uint64_t now_ms)
{
    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++)
        s_let_go (self, (limit_scope_t) scope, &who->places[scope], now_ms);
}

// ---------------------------------------------------------------------------------------------
//  Limits

static uint64_t
s_refuse (limit_scope_t scope, limit_act_t act, uint64_t wait_us)
{
    static log_limit_t limit = LOG_LIMIT (LOG_INFO, "rate limited");
    limit_row_t row = s_rows[scope][act];
    edge_limited[row]++;
    if (log_limit_allows (&limit))
        log_info ("rate limited", log_string ("limit", s_names[row]));
    return (wait_us + 999) / 1000;
}

static uint64_t
s_wait_us (const table_t *table, const limit_place_t *place, limit_act_t act, uint64_t now_ms)
{
    uint64_t token_us = table->token_us[act];
    if (!place || !token_us)
        return 0;
    return token_bucket_wait_us (&place->buckets[act], now_ms * 1000, token_us,
                                 table->burst_us[act]);
}

uint64_t
limits_wait_ms (limits_t *self, const limited_t *who, limit_act_t act, text_t session,
                uint64_t now_ms)
{
    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++) {
        const table_t *table = &self->tables[scope];
        const limit_place_t *place = who->places[scope];
        if (scope == LIMIT_SESSION && session.size > 0 && table->is_on) {
            keyed_digest_t key = keyed_digest (hash_key_of_process (), &session, 1);
            place = s_find (table, &key);
        }
        uint64_t wait_us = s_wait_us (table, place, act, now_ms);
        if (wait_us > 0)
            return s_refuse ((limit_scope_t) scope, act, wait_us);
    }
    return 0;
}

static void
s_take (const table_t *table, limit_place_t *place, limit_act_t act, uint64_t now_ms)
{
    if (place && table->token_us[act])
        token_bucket_take_us (&place->buckets[act], now_ms * 1000, table->token_us[act]);
}

void
limits_take (limits_t *self, const limited_t *who, limit_act_t act, uint64_t now_ms)
{
    //  A join is the session's own when it has accepted it.
    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++)
        if (act == LIMIT_MESSAGE || scope != LIMIT_SESSION)
            s_take (&self->tables[scope], who->places[scope], act, now_ms);
}

void
limits_enter_session (limits_t *self, limited_t *who, text_t session, uint64_t now_ms)
{
    limit_place_t **place = &who->places[LIMIT_SESSION], *before = *place;
    *place = session.size > 0 ? s_hold (self, LIMIT_SESSION, &session, 1) : NULL;
    s_take (&self->tables[LIMIT_SESSION], *place, LIMIT_JOIN, now_ms);
    s_let_go (self, LIMIT_SESSION, &before, now_ms);
}

void
limits_take_of_session (limits_t *self, text_t session, limit_act_t act, uint64_t now_ms)
{
    limit_place_t *place = s_hold (self, LIMIT_SESSION, &session, 1);
    s_take (&self->tables[LIMIT_SESSION], place, act, now_ms);
    s_let_go (self, LIMIT_SESSION, &place, now_ms);
}
