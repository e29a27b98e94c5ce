#include "store/maintenance.h"

#include "base/alloc.h"
#include "store/migrate.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "pg/pg_dial.h"
#include "pg/pg_link.h"
#include "base/log.h"
#include "store/store_metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY_MS 500
#define BEAT_MS 2000
#define CLAIM_MS 3000
#define HOUR_MS 3600000
//  How often our own old work is looked through for what nobody sees to.
#define OWN_MS 60000
//  After an outage of the database everybody looks dead until it has beaten again.
#define CLAIM_AFTER_MS 10000
#define ORPHANS_AT_ONCE 100
//  Sessions whose host is dead are taken in pieces of this size, and more of them at the next look
//  while there are: each costs a load soon, and an append when its grace periods are over.
#define HOSTS_AT_ONCE 1000
#define DAY_MS 86400000u
//  Of the server for each statement of a migration, when a postoffice migrates as it starts.
#define MIGRATION_MINUTES 5
//  Statements that may be under way; more means that the server hangs.
#define ROOM_AT_LEAST 8
//  What is to be sent gathers for so long, and so much of it is sent at once; beyond so much that
//  waits nothing more is taken.
#define NOTIFY_AFTER_MS 5
#define NOTICES_AT_ONCE 1000
#define NOTICES_MOST 100000
//  What stands before the writer when endpoints are sent of, and not an entry.
#define SHARED "shared "
#define ITEM "item "
#define NOTICE_SIZE (SESSION_KEY_MAX + 64)
//  And what stands before it in what we say to ourselves.
#define ECHOED "echo "

//  Why claim_orphans names a session.
enum { CLAIMED_TURNS, CLAIMED_OWN };

enum { SAY_BEAT, SAY_CLAIM, SAY_HOSTS, SAY_DAY, SAY_FORGET, SAY_NOTIFY, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_BEAT] = { "beat", "SELECT " SCHEMA_FUNCTION ("beat") " ($1::bigint, $2::text),"
                 " (extract (epoch FROM clock_timestamp ()) * 1000)::bigint" },
    [SAY_CLAIM] = { "claim", "SELECT * FROM " SCHEMA_FUNCTION (
                                 "claim_orphans") " ($1::bigint, $2::bigint, $3::boolean)" },
    [SAY_HOSTS] = { "hosts", "SELECT * FROM " SCHEMA_FUNCTION (
                                 "claim_hosts") " ($1::bigint, $2::bigint, $3::text)" },
    [SAY_DAY] = { "day", "SELECT " SCHEMA_FUNCTION ("make_day") " ($1::date)" },
    [SAY_FORGET] = { "forget", "SELECT " SCHEMA_FUNCTION ("forget_nodes") " ()" },
    [SAY_NOTIFY] = { "notify",
                     "SELECT pg_notify ('session_moved', t) FROM unnest ($1::text[]) AS t" },
};

//  Something that other postoffices are to be sent.
typedef struct {
    list_t place;
    size_t size;
    char payload[];
} notice_t;

//  What is known of the database's clock.
#define CLOCK_KEPT_MS 60000 //  later a slower answer says more: clocks run apart
typedef struct {
    int64_t ahead_ms; //  of this process' monotonic clock
    uint64_t trip_ms; //  how long that answer took
    uint64_t read_ms; //  when; 0: never
} database_clock_t;

struct maintenance {
    uv_loop_t *loop;
    pg_link_t *link;
    maintenance_events_t events;
    void *owner;
    migrations_t migrations;
    bool listening;         //  said in this greeting
    bool begun;             //  the owner knows that we are up
    char *url;
    uint64_t answer_ms;
    pg_dial_t *echo;        //  another connection, which says something that we must hear
    uint64_t echo_number;
    uint64_t echo_said_ms;  //  0: not yet
    bool echo_failed;
    uint64_t writer;
    char *node;
    pg_values_t values;
    loop_timer_t *timer;
    uint64_t up_ms;         //  when the link came up, or took no beat last
    uint64_t beat_ms;
    unsigned beats;         //  that are not answered
    database_clock_t clock;
    uint64_t claim_ms;
    uint64_t hour_ms;
    bool claiming;
    bool claim_lost;        //  what was claimed last is ours, but we do not know it
    uint64_t own_ms;
    uint64_t hosts_ms;      //  when hosts were claimed last
    bool claiming_hosts;
    uint64_t hosts_asked;   //  by the claim that is under way, or was last
    bool more_hosts;        //  the last piece was full
    bool walking;           //  the claim under way walks through our own
    char walked[SESSION_KEY_MAX + 1]; //  and has come so far
    list_t notices;
    size_t notice_count;
    loop_timer_t *notify_timer;
};

// ---------------------------------------------------------------------------------------------
//  The greeting: migrations, then LISTEN

static const char *
s_greet (void *owner, const PGresult *result, uint64_t *within_ms)
{
    maintenance_t *self = owner;
    if (!result)
        self->listening = false;
    if (self->listening)
        return NULL;
    const char *sql = migrate_say (&self->migrations, result, within_ms);
    if (sql)
        return sql;
    self->listening = true;
    return "LISTEN session_moved";
}

// ---------------------------------------------------------------------------------------------
//  What is done from time to time

//  A server that became read-only may not be the primary any more: another place may be.
static void
s_on_said (void *owner, void *what, const pg_answer_t *answer)
{
    maintenance_t *self = owner;
    if (answer->lost || !answer->failed)
        return;
    log_warn ("database refused housekeeping", log_string ("what", what),
              log_string ("sqlstate", answer->sqlstate));
    if (answer->error == PG_ERROR_RECONNECT)
        pg_link_renew (self->link);
}

//  Its clock was read somewhen between the question and the answer: the middle is wrong by half of
//  that time at most. One that fits neither is a clock that was set.
static void
s_on_clock (maintenance_t *self, int64_t database_ms)
{
    database_clock_t *clock = &self->clock;
    uint64_t now = clock_mono_ms (), trip_ms = now - self->beat_ms;
    int64_t ahead_ms = database_ms - (int64_t) (self->beat_ms + trip_ms / 2);
    uint64_t apart_ms = (uint64_t) llabs (ahead_ms - clock->ahead_ms);
    bool is_set = apart_ms > trip_ms / 2 + clock->trip_ms / 2 + 2; //  they are whole ms
    bool is_old = now - clock->read_ms > CLOCK_KEPT_MS;
    if (clock->read_ms > 0 && !is_set && !is_old && trip_ms > clock->trip_ms)
        return;
    *clock = (database_clock_t){ .ahead_ms = ahead_ms, .trip_ms = trip_ms, .read_ms = now };
    if (self->events.clocked)
        self->events.clocked (self->owner, ahead_ms);
}

//  A database that takes no beats (it is read-only) takes nobody's, and its links stay up: all of
//  them look dead until it is writable and all have beaten again.
static void
s_on_beaten (void *owner, void *unused, const pg_answer_t *answer)
{
    maintenance_t *self = owner;
    (void) unused;
    s_on_said (self, "beat", answer);
    bool is_last = --self->beats == 0; //  else it is not known which one was sent when
    if (answer->failed)
        self->up_ms = clock_mono_ms ();
    else if (!answer->lost && is_last)
        s_on_clock (self, pg_number (answer->results[0], 0, 1));
}

static void
s_on_claimed (void *owner, void *unused, const pg_answer_t *answer)
{
    maintenance_t *self = owner;
    (void) unused;
    self->claiming = false;
    s_on_said (self, "claim", answer);
    self->claim_lost = answer->lost;
    if (answer->lost || answer->failed)
        return;
    const PGresult *result = answer->results[0];
    for (int row = 0; row < PQntuples (result); row++) {
        text_t session = pg_text (result, row, 0);
        if (pg_number (result, row, 1) == CLAIMED_TURNS) {
            store_metrics[STORE_ORPHANS]++;
            log_info ("orphaned work taken over", log_text ("session", session));
        }
        self->events.noticed (self->owner, NOTIFY_ORPHAN, session);
    }
}

//  What is lost of an answer is found by the walk, some time.
static void
s_on_hosts (void *owner, void *unused, const pg_answer_t *answer)
{
    maintenance_t *self = owner;
    (void) unused;
    self->claiming_hosts = self->more_hosts = false;
    s_on_said (self, "hosts", answer);
    if (answer->lost || answer->failed)
        return;
    const PGresult *result = answer->results[0];
    uint64_t claimed = 0, walked = 0;
    for (int row = 0; row < PQntuples (result); row++) {
        text_t session = pg_text (result, row, 0);
        bool is_claimed = pg_flag (result, row, 1);
        *(is_claimed ? &claimed : &walked) += 1;
        if (!is_claimed && session.size <= SESSION_KEY_MAX)
            snprintf (self->walked, sizeof self->walked, "%.*s", TEXT_ARGS (session));
        self->events.noticed (self->owner, is_claimed ? NOTIFY_HOST : NOTIFY_HOSTED, session);
    }
    if (self->walking && walked < self->hosts_asked)
        self->walked[0] = 0; //  at the end: from the beginning again
    self->more_hosts = claimed == self->hosts_asked;
    if (claimed == 0)
        return;
    store_metrics[STORE_HOSTS] += (int64_t) claimed;
    log_info ("sessions of a dead postoffice are hosted",
              log_number ("sessions", (int64_t) claimed));
}

static bool
s_is_due (uint64_t *last, uint64_t now, uint64_t every)
{
    if (*last && now - *last < every)
        return false;
    *last = now;
    return true;
}

//  What is claimed is soon in memory: no more than there is room for. Without room it waits, or
//  another postoffice claims it.
static uint64_t
s_room (const maintenance_t *self, uint64_t most)
{
    uint64_t room = self->events.room ? self->events.room (self->owner) : most;
    return room < most ? room : most;
}

static void
s_claim (maintenance_t *self)
{
    uint64_t most = s_room (self, ORPHANS_AT_ONCE);
    if (most == 0)
        return;
    self->claiming = true;
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->writer);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) most);
    bool own = s_is_due (&self->own_ms, clock_mono_ms (), OWN_MS) || self->claim_lost;
    pg_values_number (&self->values, PG_BOOL, own);
    pg_link_add (self->link, SAY_CLAIM, &self->values);
    pg_link_send (self->link, s_on_claimed, self, NULL);
}

static void
s_claim_hosts (maintenance_t *self)
{
    self->hosts_asked = s_room (self, HOSTS_AT_ONCE);
    if (self->hosts_asked == 0)
        return;
    self->claiming_hosts = true;
    self->walking = s_is_due (&self->hosts_ms, clock_mono_ms (), CLAIM_MS);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->writer);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->hosts_asked);
    if (self->walking)
        pg_values_text (&self->values, text_of (self->walked));
    else
        pg_values_null (&self->values);
    pg_link_add (self->link, SAY_HOSTS, &self->values);
    pg_link_send (self->link, s_on_hosts, self, NULL);
}

//  Yesterday's partition is there since yesterday; tomorrow's is there before it is needed.
static void
s_hourly (maintenance_t *self)
{
    for (uint64_t ahead = 0; ahead < 2; ahead++) {
        pg_values_number (&self->values, PG_DAY, (int64_t) (clock_wall_ms () / DAY_MS + ahead));
        pg_link_add (self->link, SAY_DAY, &self->values);
        pg_link_send (self->link, s_on_said, self, "partition");
    }
    pg_link_add (self->link, SAY_FORGET, &self->values);
    pg_link_send (self->link, s_on_said, self, "nodes");
}

static void s_say_echo (maintenance_t *self);

static void
s_on_timer (void *owner)
{
    maintenance_t *self = owner;
    uint64_t now = clock_mono_ms ();
    if (!self->begun) {
        if (self->echo_failed)
            s_say_echo (self);
        else if (self->echo && self->echo_said_ms && now - self->echo_said_ms > self->answer_ms) {
            //  Nothing else is said on our link meanwhile: a pooler could pass on what we should
            //  not count on.
            log_error ("database does not tell us what others say",
                       log_string ("complaint", "a NOTIFY of another connection was not heard"),
                       log_string ("advice", "POSTGRES_URL leads to a pooler (PgBouncer) in"
                                             " transaction or statement mode: go round it, or use"
                                             " its session mode"));
            pg_dial_destroy (&self->echo);
            pg_link_renew (self->link);
        }
        return;
    }
    if (pg_link_room (self->link) < ROOM_AT_LEAST)
        return; //  it hangs: the link's own limit ends it
    if (s_is_due (&self->beat_ms, now, BEAT_MS)) {
        pg_values_number (&self->values, PG_NUMBER, (int64_t) self->writer);
        pg_values_text (&self->values, text_of (self->node));
        self->beats++;
        pg_link_add (self->link, SAY_BEAT, &self->values);
        pg_link_send (self->link, s_on_beaten, self, NULL);
    }
    if (s_is_due (&self->hour_ms, now, HOUR_MS))
        s_hourly (self);
    if (now - self->up_ms <= CLAIM_AFTER_MS)
        return;
    if (!self->claiming && s_is_due (&self->claim_ms, now, CLAIM_MS))
        s_claim (self);
    if (!self->claiming_hosts && (self->more_hosts || now - self->hosts_ms >= CLAIM_MS))
        s_claim_hosts (self);
}

// ---------------------------------------------------------------------------------------------
//  Notifying others

static void
s_notice_destroy (maintenance_t *self, notice_t *notice)
{
    list_remove (&notice->place);
    free (notice);
    self->notice_count--;
}

static void
s_forget_notices (maintenance_t *self)
{
    store_metrics[STORE_NOTICES_LOST] += (int64_t) self->notice_count;
    for (list_t *first; (first = list_first (&self->notices));)
        s_notice_destroy (self, LIST_THING (first, notice_t, place));
}

//  How many they were stands in place of a request.
static void
s_on_notices_sent (void *owner, void *count, const pg_answer_t *answer)
{
    maintenance_t *self = owner;
    if (answer->lost || answer->failed)
        store_metrics[STORE_NOTICES_LOST] += (int64_t) (uintptr_t) count;
    s_on_said (self, "notify", answer);
}

static void
s_on_notify_timer (void *owner)
{
    maintenance_t *self = owner;
    list_t *first;
    while (!list_is_empty (&self->notices) && pg_link_room (self->link) >= ROOM_AT_LEAST) {
        pg_value_t *payloads = pg_values_array (&self->values, PG_TEXT);
        uintptr_t sent = 0;
        for (; sent < NOTICES_AT_ONCE && (first = list_first (&self->notices)); sent++) {
            notice_t *notice = LIST_THING (first, notice_t, place);
            pg_array_text (payloads, (text_t){ notice->payload, notice->size });
            s_notice_destroy (self, notice);
        }
        pg_link_add (self->link, SAY_NOTIFY, &self->values);
        pg_link_send (self->link, s_on_notices_sent, self, (void *) sent);
    }
    if (!list_is_empty (&self->notices))
        loop_timer_start_ms (self->notify_timer, NOTIFY_AFTER_MS, 0);
}

int
maintenance_notify (maintenance_t *self, store_notice_t what, text_t session)
{
    char payload[NOTICE_SIZE];
    int size = snprintf (payload, sizeof payload, "%s%" PRIu64 " %.*s",
                         what == NOTIFY_SHARED ? SHARED : "", self->writer, TEXT_ARGS (session));
    if (!self->begun || !pg_link_state (self->link).is_up || self->notice_count >= NOTICES_MOST
        || size < 0 || (size_t) size >= sizeof payload) {
        store_metrics[STORE_NOTICES_LOST]++;
        return -1;
    }
    notice_t *notice = alloc_zeroed (sizeof *notice + (size_t) size);
    notice->size = (size_t) size;
    memcpy (notice->payload, payload, notice->size);
    list_init (&notice->place);
    list_append (&self->notices, &notice->place);
    self->notice_count++;
    loop_timer_start_within_ms (self->notify_timer, NOTIFY_AFTER_MS);
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  Behind a pooler: what another connection says must be heard

static const char *
s_echo_greet (void *owner, const PGresult *result, uint64_t *within_ms)
{
    static char sql[120];
    maintenance_t *self = owner;
    (void) within_ms;
    if (result)
        return NULL;
    int size = snprintf (sql, sizeof sql,
                         "NOTIFY session_moved, '" ECHOED "%" PRIu64 " %" PRIu64 "'", self->writer,
                         self->echo_number);
    assert (size > 0 && (size_t) size < sizeof sql);
    return sql;
}

static void
s_on_echo_said (void *owner, PGconn *connection, bool is_direct)
{
    maintenance_t *self = owner;
    (void) is_direct;
    self->echo_said_ms = clock_mono_ms ();
    PQfinish (connection);
}

//  It was not said, so nothing is known of the pooler: it is tried again.
static void
s_on_echo_failed (void *owner, const char *why, text_t complaint)
{
    maintenance_t *self = owner;
    self->echo_failed = true;
    if (why)
        log_warn ("cannot try the pooler", log_string ("why", why),
                  log_text ("complaint", complaint));
}

static void
s_say_echo (maintenance_t *self)
{
    pg_dial_destroy (&self->echo);
    self->echo_failed = false;
    self->echo_said_ms = 0;
    self->echo_number++;
    self->echo = pg_dial_new (
        self->loop,
        &(pg_dial_config_t){ .url = self->url,
                             .node = self->node,
                             .answer_ms = self->answer_ms,
                             .greeting = { .say = s_echo_greet, .owner = self } },
        &(pg_dial_events_t){ .dialled = s_on_echo_said, .failed = s_on_echo_failed }, self);
    pg_dial_start (self->echo);
}

// ---------------------------------------------------------------------------------------------
//  The link's events

static void
s_begin (maintenance_t *self)
{
    self->begun = true;
    self->beat_ms = self->hour_ms = 0;
    self->claiming = self->claiming_hosts = self->more_hosts = false;
    s_on_timer (self);
    self->events.changed (self->owner, true);
}

static void
s_on_up (void *owner, bool is_direct)
{
    maintenance_t *self = owner;
    self->up_ms = clock_mono_ms ();
    if (is_direct)
        s_begin (self);
    else
        s_say_echo (self);
}

static void
s_on_down (void *owner)
{
    maintenance_t *self = owner;
    pg_dial_destroy (&self->echo);
    s_forget_notices (self);
    if (self->begun)
        self->events.changed (self->owner, false);
    self->begun = false;
}

static void
s_on_unfit (void *owner)
{
    maintenance_t *self = owner;
    self->events.unfit (self->owner);
}

//  What it begins with, and what that says: "<writer> <session>", "shared <writer> <session>" or
//  "item <writer> <item>".
static store_notice_t
s_kind_of_notice (const char **at)
{
    static const struct {
        const char *words;
        store_notice_t what;
    } rows[] = { { SHARED, NOTIFY_SHARED }, { ITEM, NOTIFY_CANCELLED } };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        if (strncmp (*at, rows[row].words, strlen (rows[row].words)) == 0) {
            *at += strlen (rows[row].words);
            return rows[row].what;
        }
    return NOTIFY_MOVED;
}

static void
s_on_notified (void *owner, text_t payload)
{
    maintenance_t *self = owner;
    if (!self->begun) {
        char echo[80];
        int size = snprintf (echo, sizeof echo, ECHOED "%" PRIu64 " %" PRIu64, self->writer,
                             self->echo_number);
        if (self->echo && size > 0 && text_is (payload, (text_t){ echo, (size_t) size }))
            s_begin (self);
        return;
    }
    const char *from = payload.data;
    char *end;
    store_notice_t what = s_kind_of_notice (&from);
    uint64_t writer = strtoull (from, &end, 10);
    if (end == from || *end != ' ' || writer == self->writer)
        return;
    if (what != NOTIFY_CANCELLED)
        store_metrics[what == NOTIFY_SHARED ? STORE_SHARED : STORE_MOVED]++;
    self->events.noticed (self->owner, what, text_of (end + 1));
}

// ---------------------------------------------------------------------------------------------

maintenance_t *
maintenance_new (uv_loop_t *loop, const store_config_t *config,
                 const maintenance_events_t *events, void *owner)
{
    maintenance_t *self = alloc_zeroed (sizeof *self);
    self->events = *events;
    self->owner = owner;
    self->writer = config->writer;
    self->loop = loop;
    self->url = alloc_string (config->url);
    self->node = alloc_string (config->node);
    self->answer_ms = config->answer_ms;
    self->migrations =
        (migrations_t){ .apply = config->migrate, .limit_minutes = MIGRATION_MINUTES };
    self->link = pg_link_new (
        loop,
        &(pg_link_config_t){ .url = config->url,
                             .name = "maintenance",
                             .node = config->node,
                             .statements = s_statements,
                             .statement_count = STATEMENTS,
                             .answer_ms = config->answer_ms,
                             .greeting = { .say = s_greet, .unfit = s_on_unfit, .owner = self } },
        &(pg_link_events_t){ .up = s_on_up, .down = s_on_down, .notified = s_on_notified }, self);
    pg_link_open (self->link);
    list_init (&self->notices);
    self->notify_timer = loop_timer_new (loop, s_on_notify_timer, self);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    loop_timer_start_ms (self->timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    return self;
}

bool
maintenance_is_alive (const maintenance_t *self)
{
    return self->begun && pg_link_state (self->link).is_alive;
}

void
maintenance_destroy (maintenance_t **self_p)
{
    maintenance_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pg_dial_destroy (&self->echo);
    pg_link_destroy (&self->link);
    s_forget_notices (self);
    loop_timer_destroy (&self->notify_timer);
    loop_timer_destroy (&self->timer);
    pg_values_free (&self->values);
    buffer_free (&self->migrations.sql);
    free (self->url);
    free (self->node);
    free (self);
}
