//  postoffice's timers: real postoffices over a real PostgreSQL, and a scripted edge. Sessions that
//  were left are written by SQL, as many as a story needs; the timer that closes a session is the
//  one that all stories are told with.

#include "bus_rig.h"
#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHIN_MS 20000
#define POSTS_MOST 20000

typedef struct {
    rig_t rig;
    postgres_t *postgres;
    process_t *postoffices[2];
    uint16_t ports[2];
    bus_client_t *edge;
    unsigned up;
    unsigned attached;
    unsigned posted;
    uint64_t said_ms, waited_ms[POSTS_MOST]; //  in milliseconds, of posts, one at a time
} stage_t;

static void
s_start_postoffice (stage_t *self, unsigned at)
{
    char url[300], bus[80], name[40], operations[40];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (self->postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", self->ports[at]);
    snprintf (name, sizeof name, "NODE_NAME=postoffice-%u", at + 1);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    const char *settings[] = { url,  bus, name, operations, "SESSION_GRACE=100ms",
                               "SESSION_CLOSE_AFTER=3s", NULL };
    self->postoffices[at] =
        process_new (name + strlen ("NODE_NAME="), "postoffice", NULL, settings);
    cr_assert (self->postoffices[at]);
    process_set_operations_port (self->postoffices[at], port);
}

static void
s_kill_postoffice (stage_t *self, unsigned at)
{
    process_kill (self->postoffices[at], SIGKILL);
    process_destroy (&self->postoffices[at]);
}

static stage_t *
s_start (unsigned postoffices)
{
    stage_t *self = calloc (1, sizeof *self);
    rig_start (&self->rig);
    self->postgres = postgres_new (NULL);
    cr_assert (self->postgres);
    for (unsigned at = 0; at < 2; at++)
        self->ports[at] = ports_free ();
    for (unsigned at = 0; at < postoffices; at++)
        s_start_postoffice (self, at);
    for (unsigned at = 0; at < postoffices; at++)
        cr_assert (process_wait_ready (self->postoffices[at], WITHIN_MS));
    return self;
}

static void
s_end (stage_t *self)
{
    bus_client_destroy (&self->edge);
    for (unsigned at = 0; at < 2; at++)
        if (self->postoffices[at]) {
            cr_expect_eq (process_stop (self->postoffices[at], 15000), 0);
            process_destroy (&self->postoffices[at]);
        }
    postgres_destroy (&self->postgres);
    rig_stop (&self->rig);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  The edge

static void
s_on_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    stage_t *self = owner;
    if (record->kind == BUS_DELIVER && record->deliver.end_of_window) {
        bus_record_t more = { .kind = BUS_NEXT_WINDOW,
                              .next_window = { .endpoint = ids_at (record->deliver.endpoints, 0),
                                               .session = record->deliver.session,
                                               .seq = record->deliver.seq } };
        cr_assert_eq (bus_client_send (self->edge, postoffice, &more), 0);
    }
    self->attached += record->kind == BUS_ATTACHED && record->attached.verdict == VERDICT_OK;
    if (record->kind == BUS_POSTED) {
        cr_assert_eq (record->posted.verdict, VERDICT_OK);
        cr_assert_lt (self->posted, POSTS_MOST);
        self->waited_ms[self->posted++] = clock_mono_ms () - self->said_ms;
    }
}

static void
s_on_up (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->up++;
}

static void
s_on_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->up--;
}

//  That is connected to this many postoffices.
static void
s_start_edge (stage_t *self, unsigned postoffices, uint64_t heartbeat_ms)
{
    static const bus_client_events_t events = { .postoffice_up = s_on_up,
                                                .postoffice_down = s_on_down,
                                                .record = s_on_record };
    char addresses[80];
    snprintf (addresses, sizeof addresses, "127.0.0.1:%u,127.0.0.1:%u", self->ports[0],
              self->ports[1]);
    self->edge = bus_client_new (&self->rig.loop,
                                 &(bus_client_config_t){ .node = "edge",
                                                         .role = NODE_EDGE,
                                                         .addresses = addresses,
                                                         .heartbeat_ms = heartbeat_ms,
                                                         .queue_limit = 16u << 20 },
                                 &events, self);
    RIG_UNTIL (&self->rig, WITHIN_MS, self->up == postoffices);
}

static void
s_say (stage_t *self, text_t session, const bus_record_t *record)
{
    int owner = bus_client_postoffice_of (self->edge, session);
    cr_assert (owner >= 0);
    cr_assert_eq (bus_client_send (self->edge, (unsigned) owner, record), 0);
}

static void
s_attach (stage_t *self, const char *session, uint64_t endpoint, role_t role, const char *user)
{
    s_say (self, text_of (session),
           &(bus_record_t){ .kind = BUS_ATTACH,
                            .attach = { .endpoint = endpoint,
                                        .reason = ATTACH_JOIN,
                                        .session = text_of (session),
                                        .app = TEXT ("demo"),
                                        .user = text_of (user),
                                        .role = role,
                                        .dialect = DIALECT_RICH,
                                        .seq = SEQ_UNKNOWN,
                                        .sender = TEXT ("{}") } });
}

static void
s_detach (stage_t *self, const char *session, uint64_t endpoint)
{
    s_say (self, text_of (session),
           &(bus_record_t){ .kind = BUS_DETACH,
                            .detach = { .endpoint = endpoint,
                                        .session = text_of (session),
                                        .received_seq = SEQ_UNKNOWN } });
}

//  The agent says something: the bot is not asked.
static void
s_post (stage_t *self, const char *session, uint64_t endpoint, event_t event, unsigned number)
{
    char id[30];
    snprintf (id, sizeof id, "m%u", number);
    self->said_ms = clock_mono_ms ();
    s_say (self, text_of (session),
           &(bus_record_t){ .kind = BUS_POST,
                            .post = { .request_id = number,
                                      .endpoint = endpoint,
                                      .session = text_of (session),
                                      .event = event,
                                      .message_id = text_of (id),
                                      .sender = TEXT ("{}"),
                                      .data = TEXT ("{}") } });
}

// ---------------------------------------------------------------------------------------------
//  The database

static int64_t
s_ask (stage_t *self, const char *sql)
{
    char *answer = postgres_query (self->postgres, sql);
    int64_t number = answer ? strtoll (answer, NULL, 10) : -1;
    free (answer);
    return number;
}

static void
s_exec (stage_t *self, const char *sql)
{
    cr_assert (postgres_exec (self->postgres, sql), "%s", sql);
}

//  Sessions "demo/s1" … that their visitor has left, with the timer that closes them due then.
static void
s_write_sessions (stage_t *self, unsigned count, const char *after)
{
    char sql[2000];
    snprintf (
        sql, sizeof sql,
        "WITH n AS (SELECT n, 'demo/s' || n AS session, 'v' || n AS who,"
        "  (now () AT TIME ZONE 'UTC')::date AS day FROM generate_series (1, %u) AS n),"
        " s AS (INSERT INTO session (session, app, visitor, day)"
        "  SELECT session, 'demo', who, day FROM n),"
        " l AS (INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session,"
        "   message_id, user_id, sender)"
        "  SELECT e, 1000 + e, 1, day, e, 1, false, session, 'id' || e, who, '{}'"
        "  FROM n, generate_series (1, 2) AS e),"
        " p AS (INSERT INTO participant (session, role, user_id, sender, present)"
        "  SELECT session, 1, who, '{}', false FROM n)"
        " INSERT INTO work_item (item, kind, app, session, topic, seq, body, next_at)"
        " SELECT ':timer:close:' || session, 3, 'demo', session, 'timer', 2, '{}',"
        "  now () + interval '%s' FROM n",
        count, after);
    EVENTUALLY (WITHIN_MS, postgres_exec (self->postgres, sql));
}

#define CLOSINGS "SELECT count (*) FROM log WHERE event = 8"
#define UNFINISHED "SELECT count (*) FROM work_item WHERE kind = 3 AND state < 2"

//  Each of them was closed, by one entry, and says so; and no timer is left.
static void
s_expect_closed (stage_t *self, int64_t count)
{
    cr_expect_eq (s_ask (self, CLOSINGS), count);
    cr_expect_eq (s_ask (self, "SELECT count (DISTINCT session) FROM log WHERE event = 8"), count);
    cr_expect_eq (s_ask (self, "SELECT count (*) FROM session WHERE closed_at IS NOT NULL"),
                  count);
    cr_expect_eq (s_ask (self, "SELECT count (*) FROM work_item WHERE kind = 3 AND state = 2"),
                  count);
    cr_expect_eq (s_ask (self, "SELECT count (*) FROM work_attempt"), 0);
}

// ---------------------------------------------------------------------------------------------

Test (timers, are_run_once_without_any_worker, .timeout = 120)
{
    stage_t *stage = s_start (2);
    s_write_sessions (stage, 1000, "0");
    EVENTUALLY (WITHIN_MS, s_ask (stage, UNFINISHED) == 0);
    s_expect_closed (stage, 1000);
    s_end (stage);
}

//  The whole way: a visitor leaves, the postoffice that noticed it is killed before the timer is
//  due, another one closes the session; and the visitor comes back.
Test (timers, outlive_the_postoffice_that_set_them, .timeout = 120)
{
    stage_t *stage = s_start (1);
    s_start_edge (stage, 1, 500);
    s_attach (stage, "demo/s1", 5, ROLE_VISITOR, "v1");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->attached == 1);
    s_detach (stage, "demo/s1", 5);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_ask (stage, UNFINISHED) == 1);
    s_kill_postoffice (stage, 0);
    cr_expect_eq (s_ask (stage, CLOSINGS), 0);
    s_start_postoffice (stage, 1);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_ask (stage, UNFINISHED) == 0);
    s_expect_closed (stage, 1);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->up == 1);
    s_attach (stage, "demo/s1", 6, ROLE_VISITOR, "v1");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->attached == 2);
    char *events = postgres_query (stage->postgres,
                                   "SELECT string_agg (event::text, ' ' ORDER BY seq) FROM log");
    cr_expect_str_eq (events, "1 2 8 9 1");
    free (events);
    cr_expect_eq (s_ask (stage, "SELECT count (*) FROM session WHERE closed_at IS NULL"), 1);
    //  It leaves and comes back before the timer is due, which is cancelled.
    s_detach (stage, "demo/s1", 6);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_ask (stage, UNFINISHED) == 1);
    s_attach (stage, "demo/s1", 7, ROLE_VISITOR, "v1");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->attached == 3);
    cr_expect_eq (s_ask (stage, "SELECT state FROM work_item"), 4);
    s_end (stage);
}

Test (timers, due_in_three_days_survive_a_restart, .timeout = 120)
{
    stage_t *stage = s_start (1);
    s_write_sessions (stage, 10, "3 days");
    s_kill_postoffice (stage, 0);
    s_start_postoffice (stage, 0);
    cr_assert (process_wait_ready (stage->postoffices[0], WITHIN_MS));
    rig_turn_for (&stage->rig, 2000);
    cr_expect_eq (s_ask (stage, UNFINISHED " AND next_at > now () + interval '71 hours'"), 10);
    s_exec (stage, "UPDATE work_item SET next_at = now ()");
    EVENTUALLY (WITHIN_MS, s_ask (stage, UNFINISHED) == 0);
    s_expect_closed (stage, 10);
    s_end (stage);
}

//  A postoffice is killed while it runs some, again and again: when it has leased them, or when the
//  first of them has run. TIMERS_KILLS says how often (200 in the notes of a release).
Test (timers, of_a_postoffice_killed_while_it_runs_them_run_once, .timeout = 220)
{
    enum { A_ROUND = 20 };
    const char *wanted = getenv ("TIMERS_KILLS");
    unsigned kills = wanted ? (unsigned) atoi (wanted) : 40;
    stage_t *stage = s_start (1);
    s_write_sessions (stage, kills * A_ROUND, "3 days");
    s_kill_postoffice (stage, 0);
    int64_t under_way = 0;
    for (unsigned kill = 0; kill < kills; kill++) {
        char sql[300];
        snprintf (sql, sizeof sql,
                  "UPDATE work_item SET next_at = now () WHERE item IN (SELECT item FROM work_item"
                  " WHERE kind = 3 AND state = 0 AND next_at > now () LIMIT %d)",
                  A_ROUND);
        s_exec (stage, sql);
        int64_t before = s_ask (stage, CLOSINGS);
        s_start_postoffice (stage, 0);
        EVENTUALLY (WITHIN_MS,
                    s_ask (stage, "SELECT count (*) FROM work_item WHERE state = 1"
                                  " AND holder = (SELECT writer FROM node"
                                  "  ORDER BY beat_at DESC LIMIT 1)") > 0
                        || s_ask (stage, CLOSINGS) > before);
        if (kill % 2)
            EVENTUALLY (WITHIN_MS, s_ask (stage, CLOSINGS) > before);
        s_kill_postoffice (stage, 0);
    }
    under_way = s_ask (stage, "SELECT count (*) FROM work_item WHERE state = 1");
    fprintf (stderr, "%d kills: %d timers had run, %d were leased to the dead\n", (int) kills,
             (int) s_ask (stage, CLOSINGS), (int) under_way);
    s_start_postoffice (stage, 0);
    EVENTUALLY (60000, s_ask (stage, UNFINISHED) == 0);
    s_expect_closed (stage, kills * A_ROUND);
    s_end (stage);
}

//  The visitor comes back at the moment at which the timer is due: whichever is first, the session
//  is open in the end.
Test (timers, race_with_whoever_comes_back, .timeout = 120)
{
    enum { SESSIONS = 300 };
    stage_t *stage = s_start (2);
    s_start_edge (stage, 2, 500);
    s_write_sessions (stage, SESSIONS, "3 days");
    s_exec (stage, "UPDATE work_item SET next_at = now () + interval '1 s'"
                   " + random () * interval '1 s'");
    rig_turn_for (&stage->rig, 1000);
    for (unsigned at = 1; at <= SESSIONS; at++) {
        char session[30], user[30];
        snprintf (session, sizeof session, "demo/s%u", at);
        snprintf (user, sizeof user, "v%u", at);
        s_attach (stage, session, at, ROLE_VISITOR, user);
        rig_turn_for (&stage->rig, 3);
    }
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->attached == SESSIONS);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_ask (stage, UNFINISHED) == 0);
    cr_expect_eq (s_ask (stage, "SELECT count (*) FROM session WHERE closed_at IS NOT NULL"), 0);
    int64_t closed = s_ask (stage, CLOSINGS);
    fprintf (stderr, "%d of %d were closed before the visitor was back\n", (int) closed, SESSIONS);
    cr_expect_eq (s_ask (stage, "SELECT count (*) FROM log c JOIN log o ON o.session = c.session"
                                " AND o.seq = c.seq + 1 AND o.event = 9 WHERE c.event = 8"),
                  closed);
    cr_expect_eq (s_ask (stage, "SELECT count (DISTINCT session) FROM log WHERE event = 8"),
                  closed);
    s_end (stage);
}

static int
s_compare (const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *) left, b = *(const uint64_t *) right;
    return a < b ? -1 : a > b;
}

//  Of the posts since the last call.
static uint64_t
s_percentile (stage_t *self, unsigned percent)
{
    qsort (self->waited_ms, self->posted, sizeof *self->waited_ms, s_compare);
    uint64_t wait = self->posted ? self->waited_ms[self->posted * percent / 100] : 0;
    self->posted = 0;
    return wait;
}

//  Someone chats: each post waits for its answer.
static void
s_chat (stage_t *self, unsigned posts)
{
    static unsigned s_number;
    for (unsigned at = 0; at < posts; at++) {
        unsigned before = self->posted;
        s_post (self, "demo/chat", 2, EVENT_NEW_MESSAGE, ++s_number);
        RIG_UNTIL (&self->rig, WITHIN_MS, self->posted == before + 1);
    }
}

static uint64_t
s_memory (stage_t *self)
{
    return (uint64_t) process_metric (self->postoffices[0], "process_resident_memory_bytes");
}

//  50,000 that are due at once: who chats meanwhile hardly notices, and memory stays.
Test (timers, of_a_backlog_are_nobodys_burden, .timeout = 220)
{
    enum { BACKLOG = 50000 };
    process_keep_little_of_what_is_freed ();
    stage_t *stage = s_start (1);
    s_write_sessions (stage, BACKLOG, "3 days");
    s_exec (stage, "ANALYZE");
    s_start_edge (stage, 1, 10000); //  the test itself is silent while it writes rows
    s_attach (stage, "demo/chat", 1, ROLE_VISITOR, "vic");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->attached == 1);
    s_attach (stage, "demo/chat", 2, ROLE_AGENT, "anna");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->attached == 2);
    s_post (stage, "demo/chat", 2, EVENT_BARGE_IN, 0);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->posted == 1);
    s_chat (stage, 200);
    uint64_t before_ms = s_percentile (stage, 99), memory = s_memory (stage), most = 0;
    s_exec (stage, "UPDATE work_item SET next_at = now () WHERE kind = 3");
    uint64_t began = clock_mono_ms ();
    while (s_ask (stage, UNFINISHED) > 0) {
        cr_assert_lt (clock_mono_ms () - began, 150000);
        s_chat (stage, 20);
        uint64_t now = s_memory (stage);
        most = now > most ? now : most;
    }
    uint64_t took = clock_mono_ms () - began, posts = stage->posted;
    uint64_t median_ms = s_percentile (stage, 50);
    stage->posted = (unsigned) posts;
    uint64_t while_ms = s_percentile (stage, 99);
    fprintf (stderr,
             "%d timers that are due: %llu ms, %lld KiB more at most; 99 %% of posts within %llu ms"
             " before, %llu ms meanwhile (median %llu ms)\n",
             BACKLOG, (unsigned long long) took, (long long) (most - memory) / 1024,
             (unsigned long long) before_ms, (unsigned long long) while_ms,
             (unsigned long long) median_ms);
    s_expect_closed (stage, BACKLOG);
    cr_expect (most < memory + (64u << 20), "%llu bytes more",
               (unsigned long long) (most - memory));
    cr_expect_lt (while_ms, before_ms + 500);
    s_end (stage);
}
