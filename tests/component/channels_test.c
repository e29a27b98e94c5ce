//  participants with a channel: a real postoffice (or two) over a real PostgreSQL, a scripted edge
//  with a visitor and an agent, and a scripted worker of the channel's topic.

#include "bus_rig.h"
#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include "base/clock.h"
#include "store/store.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "letters.out" //  of no destination: appends lease its items
#define SESSION "demo/c1"
#define WITHIN_MS 30000
//  A busy machine leaves a process, or this test, without its turn for seconds. These ends do not
//  come back to a session by themselves as an edge does: a lost stream is the end of the story.
#define HEARTBEAT_MS 5000
#define MOST 2000
enum { VISITOR = 1, AGENT = 2 }; //  endpoints

typedef struct {
    char item[120], event[40];
    uint64_t seq, attempt, at_us;
    unsigned postoffice;
} taken_t;

typedef struct {
    rig_t rig;
    postgres_t *postgres;
    process_t *postoffices[2];
    uint16_t ports[2];
    bus_client_t *edge, *worker;
    unsigned edge_up, worker_up;
    bool is_lazy; //  the worker accepts, and does nothing
    uint64_t request_id, posted, refused, posted_us, attached;
    taken_t taken[MOST];
    unsigned count, settled;
} stage_t;

// ---------------------------------------------------------------------------------------------
//  The worker

static void
s_say (bus_client_t *from, unsigned postoffice, bus_record_t record)
{
    cr_expect_eq (bus_client_send (from, postoffice, &record), 0);
}

static void
s_report (stage_t *self, const taken_t *taken)
{
    s_say (self->worker, taken->postoffice,
           (bus_record_t){ .kind = BUS_DONE,
                           .done = { .item = text_of (taken->item),
                                     .outcome = OUTCOME_ANSWERED,
                                     .topic = TEXT (TOPIC),
                                     .attempt = taken->attempt,
                                     .detail = TEXT_EMPTY } });
}

static void
s_on_work (void *owner, unsigned postoffice, const bus_record_t *record)
{
    stage_t *self = owner;
    self->settled += record->kind == BUS_SETTLED;
    if (record->kind != BUS_WORK)
        return;
    const bus_work_t *work = &record->work;
    cr_assert (self->count < MOST);
    taken_t *taken = &self->taken[self->count++];
    *taken = (taken_t){ .attempt = work->attempt,
                        .at_us = clock_mono_us (),
                        .postoffice = postoffice };
    char body[4000];
    snprintf (taken->item, sizeof taken->item, "%.*s", TEXT_ARGS (work->item));
    snprintf (body, sizeof body, "%.*s", TEXT_ARGS (work->body));
    unsigned long long seq = 0;
    cr_assert_eq (sscanf (body, "{\"event\":\"%39[^\"]\",\"seq\":%llu,", taken->event, &seq), 2);
    taken->seq = seq;
    cr_assert (strstr (body, "\"sessionId\":\"c1\",\"messageId\":"));
    cr_assert (strstr (body, "\"participant\":{\"role\":\"visitor\",\"userId\":\"sam\","
                             "\"channel\":\"" TOPIC "\",\"externalId\":\"+4930\"}}"));
    s_say (self->worker, postoffice,
           (bus_record_t){ .kind = BUS_ACCEPTED, .accepted = { .item = work->item } });
    if (!self->is_lazy)
        s_report (self, taken);
}

static void
s_on_worker_up (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->worker_up++;
}

static void
s_on_worker_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->worker_up--;
}

static void
s_start_worker (stage_t *self, unsigned postoffices)
{
    static const bus_client_events_t events = { .postoffice_up = s_on_worker_up,
                                                .postoffice_down = s_on_worker_down,
                                                .record = s_on_work };
    char addresses[80];
    snprintf (addresses, sizeof addresses, "127.0.0.1:%u,127.0.0.1:%u", self->ports[0],
              self->ports[1]);
    self->worker_up = 0;
    self->worker = bus_client_new (&self->rig.loop,
                                   &(bus_client_config_t){ .node = "worker",
                                                           .role = NODE_WORKER,
                                                           .topics = TOPIC,
                                                           .credit = 10,
                                                           .addresses = addresses,
                                                           .heartbeat_ms = HEARTBEAT_MS,
                                                           .queue_limit = 16u << 20 },
                                   &events, self);
    RIG_UNTIL (&self->rig, WITHIN_MS, self->worker_up == postoffices);
}

// ---------------------------------------------------------------------------------------------
//  The edge

static void
s_on_told (void *owner, unsigned postoffice, const bus_record_t *record)
{
    stage_t *self = owner;
    (void) postoffice;
    if (record->kind == BUS_ATTACHED)
        self->attached += record->attached.verdict == VERDICT_OK;
    else if (record->kind == BUS_POSTED) {
        bool is_stored =
            record->posted.verdict == VERDICT_OK || record->posted.verdict == VERDICT_DUPLICATE;
        self->posted += is_stored;
        self->refused += !is_stored;
        self->posted_us = clock_mono_us ();
    }
}

static void
s_on_edge_up (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->edge_up++;
}

static void
s_on_edge_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->edge_up--;
}

static void
s_attach (stage_t *self, unsigned postoffice, uint64_t endpoint)
{
    uint64_t before = self->attached;
    bool is_visitor = endpoint == VISITOR;
    s_say (self->edge, postoffice,
           (bus_record_t){ .kind = BUS_ATTACH,
                           .attach = { .endpoint = endpoint,
                                       .reason = ATTACH_JOIN,
                                       .session = TEXT (SESSION),
                                       .app = TEXT ("demo"),
                                       .user = is_visitor ? TEXT ("vic") : TEXT ("anna"),
                                       .role = is_visitor ? ROLE_VISITOR : ROLE_AGENT,
                                       .dialect = DIALECT_RICH,
                                       .seq = SEQ_UNKNOWN,
                                       .sender = TEXT ("{}") } });
    RIG_UNTIL (&self->rig, WITHIN_MS, self->attached == before + 1);
}

static void
s_ask (stage_t *self, unsigned postoffice, uint64_t endpoint, event_t event, bool is_hidden)
{
    char id[40];
    snprintf (id, sizeof id, "m%u", (unsigned) ++self->request_id);
    s_say (self->edge, postoffice,
           (bus_record_t){ .kind = BUS_POST,
                           .post = { .request_id = self->request_id,
                                     .endpoint = endpoint,
                                     .session = TEXT (SESSION),
                                     .event = event,
                                     .message_id = text_of (id),
                                     .sender = TEXT ("{}"),
                                     .data = TEXT ("{\"text\":\"hello\"}"),
                                     .hidden = is_hidden,
                                     .after = self->request_id } });
}

static void
s_post (stage_t *self, unsigned postoffice, uint64_t endpoint, event_t event, bool is_hidden)
{
    uint64_t before = self->posted;
    s_ask (self, postoffice, endpoint, event, is_hidden);
    RIG_UNTIL (&self->rig, WITHIN_MS, self->posted == before + 1);
}

static void
s_speak (stage_t *self, unsigned postoffice, unsigned times)
{
    for (; times > 0; times--)
        s_post (self, postoffice, VISITOR, EVENT_NEW_MESSAGE, false);
}

// ---------------------------------------------------------------------------------------------
//  The stage

static void
s_start_postoffice (stage_t *self, unsigned at)
{
    char url[300], bus[80], name[40], operations[40];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (self->postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", self->ports[at]);
    snprintf (name, sizeof name, "NODE_NAME=postoffice-%u", at + 1);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    const char *settings[] = { url, bus, name, operations, "STUDIO_APP_ID=demo",
                               NULL };
    self->postoffices[at] =
        process_new (name + strlen ("NODE_NAME="), "postoffice", NULL, settings);
    cr_assert (self->postoffices[at]);
    process_set_operations_port (self->postoffices[at], port);
}

static int64_t
s_number (stage_t *self, const char *sql)
{
    char *answer = postgres_query (self->postgres, sql);
    int64_t number = answer ? strtoll (answer, NULL, 10) : -1;
    free (answer);
    return number;
}

//  A visitor and an agent in control, at the first postoffice; and sam, who is reached by SMS.
static stage_t *
s_start (unsigned postoffices, bool has_worker)
{
    static const bus_client_events_t events = { .postoffice_up = s_on_edge_up,
                                                .postoffice_down = s_on_edge_down,
                                                .record = s_on_told };
    stage_t *self = calloc (1, sizeof *self);
    rig_start (&self->rig);
    self->postgres = postgres_new (NULL);
    cr_assert (self->postgres);
    for (unsigned at = 0; at < 2; at++)
        self->ports[at] = ports_free ();
    for (unsigned at = 0; at < postoffices; at++)
        s_start_postoffice (self, at);
    //  Before anybody connects: one that waits long for its database sends away whom it has taken.
    for (unsigned at = 0; at < postoffices; at++)
        cr_assert (process_wait_ready (self->postoffices[at], WITHIN_MS));
    char addresses[80];
    snprintf (addresses, sizeof addresses, "127.0.0.1:%u,127.0.0.1:%u", self->ports[0],
              self->ports[1]);
    self->edge = bus_client_new (&self->rig.loop,
                                 &(bus_client_config_t){ .node = "edge",
                                                         .role = NODE_EDGE,
                                                         .topics = "",
                                                         .addresses = addresses,
                                                         .heartbeat_ms = HEARTBEAT_MS,
                                                         .queue_limit = 16u << 20 },
                                 &events, self);
    RIG_UNTIL (&self->rig, WITHIN_MS, self->edge_up == postoffices);
    s_attach (self, 0, VISITOR);
    s_attach (self, 0, AGENT);
    s_post (self, 0, AGENT, EVENT_BARGE_IN, false);
    int64_t loads =
        (int64_t) process_metric (self->postoffices[0], "stentor_postoffice_session_loads_total");
    cr_assert (postgres_exec (
        self->postgres,
        "INSERT INTO participant (session, role, user_id, sender, present, channel)"
        " VALUES ('" SESSION "', 1, 'sam', '{}', true, '" TOPIC "');"
        " INSERT INTO external_ref (app, channel, external_id, session, role, user_id)"
        " VALUES ('demo', '" TOPIC "', '+4930', '" SESSION "', 1, 'sam');"
        " SELECT pg_notify ('session_moved', '0 " SESSION "')"));
    RIG_UNTIL (&self->rig, WITHIN_MS,
               process_metric (self->postoffices[0], "stentor_postoffice_session_loads_total")
                   > (double) loads);
    if (has_worker)
        s_start_worker (self, postoffices);
    return self;
}

static void
s_end (stage_t *self)
{
    bus_client_destroy (&self->worker);
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

//  The entries of the log that sam may see, in order, were all taken in order, and done once each.
//  An item may be taken again, in a further attempt, before the next one is.
static void
s_expect_all (stage_t *self)
{
    RIG_UNTIL (&self->rig, WITHIN_MS,
               s_number (self, "SELECT count (*) FROM work_item WHERE kind = 2 AND state < 2")
                   == 0);
    cr_expect_eq (s_number (self, "SELECT count (*) FROM work_item WHERE kind = 2 AND state = 2"),
                  s_number (self, "SELECT count (*) FROM log WHERE NOT hidden"
                                  " AND event IN (3, 4, 5)"
                                  " AND seq >= (SELECT min (seq) FROM work_item"
                                  "             WHERE kind = 2)"));
    for (unsigned at = 1; at < self->count; at++) {
        const taken_t *taken = &self->taken[at], *before = &self->taken[at - 1];
        cr_expect (taken->seq > before->seq
                       || (strcmp (taken->item, before->item) == 0
                           && taken->attempt == before->attempt + 1),
                   "%s, attempt %u, behind %s", taken->item, (unsigned) taken->attempt,
                   before->item);
    }
}

// ---------------------------------------------------------------------------------------------

static int
s_compare (const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *) left, b = *(const uint64_t *) right;
    return a < b ? -1 : a > b;
}

//  From the commit's answer at the sender to the worker, for both ways.
static void
s_print_times (const char *way, uint64_t *times, unsigned count)
{
    qsort (times, count, sizeof *times, s_compare);
    fprintf (stderr, "%s: p50 %.2f ms, p90 %.2f ms, most %.2f ms (%u items)\n", way,
             (double) times[count / 2] / 1000, (double) times[count * 9 / 10] / 1000,
             (double) times[count - 1] / 1000, count);
}

Test (channels, each_entry_comes_in_order_from_memory, .timeout = 180)
{
    stage_t *stage = s_start (1, true);
    enum { TIMES = 200 };
    uint64_t times[TIMES];
    for (unsigned at = 0; at < TIMES; at++) {
        uint64_t began = clock_mono_us ();
        s_speak (stage, 0, 1);
        RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == at + 1);
        times[at] = stage->taken[at].at_us - began;
    }
    double memory = process_metric (stage->postoffices[0],
                                    "stentor_postoffice_items_leased_total{from=\"memory\"}");
    double table = process_metric (stage->postoffices[0],
                                   "stentor_postoffice_items_leased_total{from=\"table\"}");
    cr_expect_eq (memory + table, TIMES);
    cr_expect (memory >= TIMES * 8 / 10, "%.0f from memory, %.0f from the table", memory, table);
    s_print_times ("post to worker, leased by the append", times, TIMES);
    //  What sam may see, and what not: a greeting is hidden; agents come and go, and speak.
    s_post (stage, 0, VISITOR, EVENT_NEW_MESSAGE, true);
    s_post (stage, 0, AGENT, EVENT_NEW_MESSAGE, false);
    s_post (stage, 0, AGENT, EVENT_BARGE_OUT, false);
    s_post (stage, 0, AGENT, EVENT_BARGE_IN, false);
    s_expect_all (stage);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == TIMES + 3);
    const char *events[] = { "new message", "user left", "user joined" };
    for (unsigned at = 0; at < 3; at++)
        cr_expect_str_eq (stage->taken[TIMES + at].event, events[at]);
    for (unsigned at = 0; at < stage->count; at++)
        cr_expect_eq (stage->taken[at].attempt, 1);
    //  The other way: an item is in the table, and is pulled.
    for (unsigned at = 0; at < TIMES / 4; at++) {
        unsigned before = stage->count;
        char sql[600];
        snprintf (sql, sizeof sql,
                  "INSERT INTO work_item (item, app, session, topic, body) SELECT 't%u', app,"
                  " session, topic, body FROM work_item WHERE kind = 2 LIMIT 1",
                  at);
        cr_assert (postgres_exec (stage->postgres, sql));
        uint64_t began = clock_mono_us ();
        RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == before + 1);
        times[at] = stage->taken[before].at_us - began;
    }
    s_print_times ("commit to worker, pulled from the table", times, TIMES / 4);
    s_end (stage);
}

//  Nobody serves the channel: it costs no visitor anything, and is caught up when somebody does.
Test (channels, that_nobody_serves_wait_in_the_table, .timeout = 180)
{
    stage_t *stage = s_start (1, false);
    s_speak (stage, 0, 50);
    cr_expect_eq (process_metric (stage->postoffices[0], "stentor_postoffice_items_held"), 0);
    s_start_worker (stage, 1);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 50);
    s_expect_all (stage);
    //  1,000 entries behind: what follows is a dead letter, and the visitor does not notice.
    bus_client_destroy (&stage->worker);
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               process_metric (stage->postoffices[0], "stentor_postoffice_workers") == 0);
    s_speak (stage, 0, 1);
    cr_assert (
        postgres_exec (stage->postgres, "UPDATE work_item SET seq = seq - 999 WHERE state = 0"));
    s_speak (stage, 0, 1);
    cr_expect_eq (s_number (stage, "SELECT count (*) FROM work_item WHERE kind = 2 AND state = 3"
                                   " AND detail <> '' AND finished_at IS NOT NULL"),
                  1);
    cr_expect_eq (
        process_metric (stage->postoffices[0], "stentor_store_work_overfull_total"), 1);
    cr_expect_eq (stage->refused, 0);
    s_end (stage);
}

//  The append is committed, and its postoffice killed before it hears of it.
Test (channels, killed_between_commit_and_hand_out, .timeout = 240)
{
    stage_t *stage = s_start (2, true);
    s_speak (stage, 0, 3);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 3);
    PGconn *lock = PQconnectdb (postgres_url (stage->postgres));
    PQclear (PQexec (lock, "BEGIN; LOCK TABLE log IN SHARE MODE"));
    s_ask (stage, 0, VISITOR, EVENT_NEW_MESSAGE, false);
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               s_number (stage, "SELECT count (*) FROM pg_locks WHERE NOT granted") > 0);
    process_kill (stage->postoffices[0], SIGSTOP);
    PQclear (PQexec (lock, "COMMIT"));
    PQfinish (lock);
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               s_number (stage, "SELECT count (*) FROM work_item WHERE kind = 2") == 4);
    int64_t leased =
        s_number (stage, "SELECT count (*) FROM work_item WHERE kind = 2 AND state = 1");
    process_kill (stage->postoffices[0], SIGKILL);
    process_destroy (&stage->postoffices[0]);
    cr_expect_eq (stage->count, 3);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 4);
    cr_expect_eq (stage->taken[3].attempt, 1 + (uint64_t) leased);
    //  The conversation goes on at the other one.
    s_attach (stage, 1, VISITOR);
    s_speak (stage, 1, 3);
    s_expect_all (stage);
    cr_expect_eq (stage->count, 7, "each once");
    s_end (stage);
}

Test (channels, whose_worker_dies, .timeout = 240)
{
    stage_t *stage = s_start (1, true);
    stage->is_lazy = true;
    s_speak (stage, 0, 5);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 1);
    bus_client_destroy (&stage->worker);
    stage->is_lazy = false;
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               process_metric (stage->postoffices[0], "stentor_postoffice_workers") == 0);
    s_start_worker (stage, 1);
    s_expect_all (stage);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 5);
    s_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  External references, over a store of our own

typedef struct {
    bool is_ready, is_answered, is_found;
    store_outcome_t outcome;
    char session[100], user[100];
    uint64_t role;
} asked_t;

static void
s_on_ready (void *owner, bool is_ready)
{
    ((asked_t *) owner)->is_ready = is_ready;
}

static void
s_on_stored (void *owner, uint64_t request_id, store_outcome_t outcome, const text_t *waits,
             size_t wait_count)
{
    asked_t *asked = owner;
    (void) request_id, (void) waits, (void) wait_count;
    asked->is_answered = true;
    asked->outcome = outcome;
}

static void
s_on_found (void *owner, uint64_t request_id, store_outcome_t outcome, text_t session,
            uint64_t role, text_t user)
{
    asked_t *asked = owner;
    (void) request_id;
    asked->is_answered = true;
    asked->outcome = outcome;
    asked->is_found = session.size > 0;
    snprintf (asked->session, sizeof asked->session, "%.*s", TEXT_ARGS (session));
    snprintf (asked->user, sizeof asked->user, "%.*s", TEXT_ARGS (user));
    asked->role = role;
}

static store_outcome_t
s_open_with_ref (rig_t *rig, store_t *store, asked_t *asked, const char *session)
{
    char user[40];
    snprintf (user, sizeof user, "of-%s", session);
    store_entry_t entry = { .message_id = TEXT ("m1"),
                            .event = EVENT_USER_JOINED,
                            .time_ms = 1000,
                            .role = ROLE_VISITOR,
                            .user = text_of (user),
                            .sender = TEXT ("{}"),
                            .data = TEXT_EMPTY };
    store_external_ref_t ref = { TEXT (TOPIC), TEXT ("+4930"), ROLE_VISITOR, text_of (user) };
    store_append_t append = { .session = text_of (session),
                              .opens = true,
                              .app = TEXT ("demo"),
                              .visitor = text_of (user),
                              .day_ms = clock_wall_ms (),
                              .first_seq = 1,
                              .entries = &entry,
                              .entry_count = 1,
                              .external_refs = &ref,
                              .external_ref_count = 1 };
    asked->is_answered = false;
    cr_assert_eq (store_append (store, &append, 0, s_on_stored, asked), 0);
    RIG_UNTIL (rig, WITHIN_MS, asked->is_answered);
    return asked->outcome;
}

static void
s_find (rig_t *rig, store_t *store, asked_t *asked, text_t app)
{
    asked->is_answered = false;
    cr_assert_eq (store_find_external (store, app, TEXT (TOPIC), TEXT ("+4930"), 0, s_on_found,
                                       asked),
                  0);
    RIG_UNTIL (rig, WITHIN_MS, asked->is_answered);
    cr_assert_eq (asked->outcome, STORED);
}

Test (channels, external_references_lead_to_sessions, .timeout = 120)
{
    rig_t rig;
    asked_t asked = { .is_ready = false };
    rig_start (&rig);
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    store_t *store = store_new (&rig.loop,
                                &(store_config_t){ .url = postgres_url (postgres),
                                                   .migrate = true,
                                                   .links = 1,
                                                   .batch_appends = 10,
                                                   .queue_limit = 1u << 20,
                                                   .patience_ms = 5000,
                                                   .answer_ms = 10000,
                                                   .writer = 7,
                                                   .node = "tested" },
                                &(store_events_t){ .ready = s_on_ready }, &asked);
    RIG_UNTIL (&rig, WITHIN_MS, asked.is_ready);
    s_find (&rig, store, &asked, TEXT ("demo"));
    cr_expect_not (asked.is_found);
    cr_assert_eq (s_open_with_ref (&rig, store, &asked, "demo/x1"), STORED);
    s_find (&rig, store, &asked, TEXT ("demo"));
    cr_expect_str_eq (asked.session, "demo/x1");
    cr_expect_str_eq (asked.user, "of-demo/x1");
    cr_expect_eq (asked.role, ROLE_VISITOR);
    //  What is refused leaves nothing behind; a new conversation takes the name over.
    cr_assert_eq (s_open_with_ref (&rig, store, &asked, "demo/x1"), STORE_CONFLICT);
    cr_assert_eq (s_open_with_ref (&rig, store, &asked, "demo/x2"), STORED);
    cr_assert_eq (s_open_with_ref (&rig, store, &asked, "demo/x1"), STORE_CONFLICT);
    s_find (&rig, store, &asked, TEXT ("demo"));
    cr_expect_str_eq (asked.session, "demo/x2");
    //  Each app has its own.
    s_find (&rig, store, &asked, TEXT ("other"));
    cr_expect_not (asked.is_found);
    store_destroy (&store);
    postgres_destroy (&postgres);
    rig_stop (&rig);
}
