//  The store against a real PostgreSQL: what is stored, what is refused, and what happens when the
//  database or a link goes away.

#include "base/alloc.h"
#include "eventually.h"
#include "base/random_id.h"
#include "postgres.h"
#include "store/migrations.h"
#include "store/store.h"
#include "store/store_metrics.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_MS 86400000u
#define ANSWERS 4096

// ---------------------------------------------------------------------------------------------
//  One store on its own loop, and what it said

typedef struct {
    uv_loop_t loop;
    store_t *store;
    bool ready;
    unsigned ready_changes;
    unsigned moved;
    unsigned shared;
    char last_moved[300];
    unsigned orphans;
    char last_orphan[300];
    unsigned answers;
    store_outcome_t outcomes[ANSWERS];
    unsigned of_outcome[STORE_REJECTED + 1];
    //  The last load or read, its texts copied out.
    stored_session_t session;
    char info[100], sender[100], body[100], secret[100], known[100];
    uint64_t known_event;
    uint64_t participant_received, participant_delivered, participant_read;
    uint64_t seqs[ANSWERS];
    size_t seq_count;
    char located[300];
    void **lent;   //  what appends point at lives as long as the store
    size_t lent_count;
} box_t;

static void
s_on_ready (void *owner, bool ready)
{
    box_t *box = owner;
    box->ready = ready;
    box->ready_changes++;
}

static void
s_on_noticed (void *owner, store_notice_t what, text_t session)
{
    box_t *box = owner;
    if (what == NOTIFY_ORPHAN) {
        box->orphans++;
        snprintf (box->last_orphan, sizeof box->last_orphan, "%.*s", TEXT_ARGS (session));
        return;
    }
    *(what == NOTIFY_SHARED ? &box->shared : &box->moved) += 1;
    snprintf (box->last_moved, sizeof box->last_moved, "%.*s", TEXT_ARGS (session));
}

static box_t *
s_box_with (const store_config_t *config)
{
    box_t *box = calloc (1, sizeof *box);
    uv_loop_init (&box->loop);
    box->store =
        store_new (&box->loop, config,
                   &(store_events_t){ .ready = s_on_ready, .noticed = s_on_noticed }, box);
    return box;
}

static store_config_t
s_config (const char *url, uint64_t writer)
{
    return (store_config_t){ .url = url,
                             .migrate = true,
                             .links = 2,
                             .batch_appends = 100,
                             .queue_limit = 64u << 20,
                             .patience_ms = 5000,
                             .answer_ms = 10000,
                             .writer = writer,
                             .node = "tested" };
}

static bool
s_turn (box_t *box)
{
    uv_run (&box->loop, UV_RUN_NOWAIT);
    return true;
}

#define UNTIL(box, condition) EVENTUALLY (20000, s_turn (box) && (condition))

static box_t *
s_box (const char *url, uint64_t writer)
{
    store_config_t config = s_config (url, writer);
    box_t *box = s_box_with (&config);
    UNTIL (box, box->ready);
    return box;
}

static void
s_box_end (box_t *box)
{
    store_destroy (&box->store);
    for (size_t at = 0; at < box->lent_count; at++)
        free (box->lent[at]);
    free (box->lent);
    uv_run (&box->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&box->loop), 0);
    free (box);
}

static void
s_end (box_t *box, postgres_t **postgres_p)
{
    s_box_end (box);
    postgres_destroy (postgres_p);
}

static void
s_end_both (box_t *one, box_t *two, postgres_t **postgres_p)
{
    s_box_end (one);
    s_end (two, postgres_p);
}

// ---------------------------------------------------------------------------------------------
//  Appends

static void
s_on_appended (void *owner, uint64_t request_id, store_outcome_t outcome, const text_t *waits,
               size_t wait_count)
{
    box_t *box = owner;
    box->outcomes[request_id % ANSWERS] = outcome;
    box->of_outcome[outcome]++;
    (void) waits, (void) wait_count, box->answers++;
}

static store_entry_t
s_entry (const char *message_id)
{
    return (store_entry_t){ .message_id = text_of (message_id), .event = EVENT_NEW_MESSAGE,
                            .time_ms = 1000, .role = ROLE_VISITOR, .user = TEXT ("ann"),
                            .sender = TEXT ("{\"userId\":\"ann\"}"),
                            .data = TEXT ("{\"text\":\"h\\u0000i\"}") };
}

static uint64_t
s_today (void)
{
    return clock_wall_ms () / DAY_MS;
}

//  An append of one entry.
static store_append_t
s_append_of (const char *session, uint64_t seq, const store_entry_t *entry)
{
    return (store_append_t){ .session = text_of (session),
                             .opens = seq == 1,
                             .app = TEXT ("demo"),
                             .visitor = TEXT ("ann"),
                             .day_ms = clock_wall_ms (),
                             .day = s_today (),
                             .first_seq = seq,
                             .entries = entry,
                             .entry_count = 1 };
}

static void *
s_lent (box_t *box, const void *bytes, size_t size)
{
    if ((box->lent_count & (box->lent_count - 1)) == 0) //  none, or a power of two: full
        box->lent = alloc_resized (box->lent, (2 * box->lent_count + 1) * sizeof (void *));
    void *copy = malloc (size + 1);
    box->lent[box->lent_count++] = copy;
    return size > 0 ? memcpy (copy, bytes, size) : copy;
}

static text_t
s_lent_text (box_t *box, text_t text)
{
    return (text_t){ s_lent (box, text.data, text.size), text.size };
}

//  The store borrows what the append points at, and its maker does not stay.
static int
s_try_append (box_t *box, const store_append_t *append, uint64_t request_id)
{
    store_append_t lent = *append;
    lent.session = s_lent_text (box, append->session);
    store_entry_t *entries = s_lent (box, append->entries, append->entry_count * sizeof *entries);
    for (size_t at = 0; at < append->entry_count; at++)
        entries[at].message_id = s_lent_text (box, entries[at].message_id);
    lent.entries = entries;
    lent.participants = s_lent (box, append->participants,
                                append->participant_count * sizeof *append->participants);
    return store_append (box->store, &lent, request_id, s_on_appended, box);
}

static void
s_append (box_t *box, const store_append_t *append, uint64_t request_id)
{
    cr_assert_eq (s_try_append (box, append, request_id), 0);
}

//  Appends and waits for the answer.
static store_outcome_t
s_stored (box_t *box, const store_append_t *append)
{
    unsigned before = box->answers;
    s_append (box, append, 7);
    UNTIL (box, box->answers > before);
    return box->outcomes[7];
}

static store_outcome_t
s_say (box_t *box, const char *session, uint64_t seq, const char *message_id)
{
    store_entry_t entry = s_entry (message_id);
    store_append_t append = s_append_of (session, seq, &entry);
    return s_stored (box, &append);
}

static void
s_copy (char room[100], text_t text)
{
    snprintf (room, 100, "%.*s", TEXT_ARGS (text));
}

static void
s_on_loaded (void *owner, uint64_t request_id, store_outcome_t outcome,
             const stored_session_t *session)
{
    box_t *box = owner;
    box->outcomes[request_id % ANSWERS] = outcome;
    box->session = session ? *session : (stored_session_t){ .exists = false };
    if (session && session->participant_count > 0) {
        s_copy (box->sender, session->participants[0].sender);
        s_copy (box->info, session->participants[0].info);
        box->participant_received = session->participants[0].received_seq;
        box->participant_delivered = session->participants[0].delivered_seq;
        box->participant_read = session->participants[0].read_seq;
    }
    if (session && session->work_count > 0) {
        s_copy (box->body, session->works[0].body);
        s_copy (box->secret, session->works[0].secret);
    }
    if (session && session->known_count > 0) {
        s_copy (box->known, session->known[0].message_id);
        box->known_event = session->known[0].event;
    }
    box->answers++;
}

static const stored_session_t *
s_load (box_t *box, const char *session, const char *id)
{
    unsigned before = box->answers;
    text_t ids[] = { text_of (id) };
    cr_assert_eq (
        store_load (box->store, text_of (session), ids, 1, 2, false, 8, s_on_loaded, box), 0);
    UNTIL (box, box->answers > before);
    return &box->session;
}

static void
s_on_read (void *owner, uint64_t request_id, store_outcome_t outcome,
           const stored_entry_t *entries, size_t count)
{
    box_t *box = owner;
    box->outcomes[request_id % ANSWERS] = outcome;
    box->seq_count = count;
    for (size_t at = 0; at < count; at++)
        box->seqs[at] = entries[at].seq;
    if (count > 0)
        s_copy (box->body, entries[0].data);
    box->answers++;
}

static size_t
s_read (box_t *box, const char *session, uint64_t after, uint64_t most, uint64_t bytes)
{
    unsigned before = box->answers;
    cr_assert_eq (store_read (box->store, text_of (session), s_today (), after, most, bytes, 9,
                              s_on_read, box), 0);
    UNTIL (box, box->answers > before);
    cr_assert_eq (box->outcomes[9], STORED);
    return box->seq_count;
}

static void
s_on_located (void *owner, uint64_t request_id, store_outcome_t outcome, text_t session)
{
    box_t *box = owner;
    box->outcomes[request_id % ANSWERS] = outcome;
    snprintf (box->located, sizeof box->located, "%.*s", TEXT_ARGS (session));
    box->answers++;
}

static const char *
s_locate (box_t *box, const char *user)
{
    unsigned before = box->answers;
    cr_assert_eq (store_lookup (box->store, TEXT ("demo"), text_of (user), ROLE_VISITOR, 10,
                                s_on_located, box),
                  0);
    UNTIL (box, box->answers > before);
    return box->located;
}

//  The one value that the query returns is this one.
static void
s_expect (postgres_t *postgres, const char *sql, const char *value)
{
    char *found = postgres_query (postgres, sql);
    cr_assert_not_null (found);
    cr_assert_str_eq (found, value, "%s: %s, not %s", sql, found, value);
    free (found);
}

// ---------------------------------------------------------------------------------------------

Test (store, stores_and_gives_back)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    store_entry_t entries[] = { s_entry ("m1"), s_entry ("m2") };
    store_participant_t who = { .role = ROLE_VISITOR, .user = TEXT ("ann"), .present = true,
                                .sender = TEXT ("{\"n\":1}"), .info = TEXT ("{\"i\":1}") };
    store_work_t work = { .item = TEXT ("i1"), .kind = WORK_TURN, .is_leased = true,
                          .topic = TEXT ("bot.stentor"), .seq = 2,
                          .user = TEXT ("ann"), .body = TEXT ("{\"q\":1}"),
                          .secret = TEXT ("key") };
    store_append_t append = s_append_of ("demo/s", 1, entries);
    append.entry_count = 2;
    append.participants = &who;
    append.participant_count = 1;
    append.works = &work;
    append.work_count = 1;
    append.control_changes = true;
    append.control_role = ROLE_AGENT;
    append.control_user = TEXT ("bob");
    cr_assert_eq (s_stored (box, &append), STORED);

    const stored_session_t *session = s_load (box, "demo/s", "m1");
    cr_assert (session->exists);
    cr_assert_eq (session->last_seq, 2);
    cr_assert_eq (session->last_writer, 11);
    cr_assert_eq (session->last_time_ms, 1000);
    cr_assert_eq (session->day, s_today ());
    cr_assert_eq (session->control_role, ROLE_AGENT);
    cr_assert (session->participant_count == 1 && session->work_count == 1);
    cr_assert_eq (box->participant_received, SEQ_UNKNOWN);
    cr_assert_str_eq (box->sender, "{\"n\":1}");
    cr_assert_str_eq (box->info, "{\"i\":1}");
    cr_assert_str_eq (box->body, "{\"q\":1}");
    cr_assert_str_eq (box->secret, "key");
    cr_assert_eq (session->known_count, 2);
    cr_assert_eq (box->known_event, EVENT_NEW_MESSAGE);

    cr_assert_eq (s_read (box, "demo/s", 0, 10, 1 << 20), 2);
    cr_assert_str_eq (box->body, "{\"text\":\"h\\u0000i\"}");
    cr_assert_str_eq (s_locate (box, "ann"), "demo/s");
    cr_assert_str_eq (s_locate (box, "nobody"), "");
    cr_assert_not (s_load (box, "demo/none", "x")->exists);
    s_end (box, &postgres);
}

//  A session that begins with a question to a bot.
static store_outcome_t
s_ask (box_t *box)
{
    store_entry_t entry = s_entry ("m1");
    store_work_t work = { .item = TEXT ("i1"), .kind = WORK_TURN, .is_leased = true,
                          .topic = TEXT ("t"), .seq = 1, .user = TEXT ("u"),
                          .body = TEXT ("{}"), .secret = TEXT ("key") };
    store_append_t append = s_append_of ("demo/s", 1, &entry);
    append.works = &work;
    append.work_count = 1;
    return s_stored (box, &append);
}

//  And the bot's answer.
static store_outcome_t
s_answer (box_t *box)
{
    store_entry_t entry = s_entry ("m2");
    store_finish_t finish = { .item = TEXT ("i1"), .state = WORK_DONE, .detail = TEXT ("ok") };
    store_append_t append = s_append_of ("demo/s", 2, &entry);
    append.finishes = &finish;
    append.finish_count = 1;
    return s_stored (box, &append);
}

Test (store, forgets_the_secret_of_finished_work)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    cr_assert_eq (s_ask (box), STORED);
    cr_assert_eq (s_answer (box), STORED);
    s_expect (postgres, "SELECT state || ' ' || (secret IS NULL) || ' ' || detail FROM work_item",
              "2 true ok");
    cr_assert_eq (s_load (box, "demo/s", "x")->work_count, 0);
    s_end (box, &postgres);
}

Test (store, refuses_what_another_wrote_first)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres_url (postgres), 11);
    box_t *two = s_box (postgres_url (postgres), 12);
    cr_assert_eq (s_say (one, "demo/s", 1, "m1"), STORED);
    cr_assert_eq (s_say (two, "demo/s", 1, "m1x"), STORE_CONFLICT, "opened twice");
    cr_assert_eq (s_say (two, "demo/s", 2, "m2"), STORED);
    cr_assert_eq (s_say (one, "demo/s", 2, "m2x"), STORE_CONFLICT, "same seq");
    cr_assert_eq (s_say (one, "demo/s", 3, "m2"), STORE_CONFLICT, "same message id");
    cr_assert_eq (s_say (one, "demo/s", 4, "m4"), STORE_CONFLICT, "a gap");
    cr_assert_eq (s_say (one, "demo/none", 2, "m"), STORE_CONFLICT, "no such session");
    cr_assert_eq (s_say (one, "demo/s", 3, "m3"), STORED);
    s_expect (postgres, "SELECT string_agg (message_id, ',' ORDER BY seq) FROM log", "m1,m2,m3");
    s_expect (postgres, "SELECT count (*) FROM session", "1");
    s_end_both (one, two, &postgres);
}

Test (store, a_chunk_is_all_or_nothing)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    store_entry_t entries[] = { s_entry ("m1"), s_entry ("m1") };
    store_participant_t who = { .role = ROLE_VISITOR, .user = TEXT ("ann"), .sender = TEXT ("{}"),
                                .present = true };
    store_append_t bad = s_append_of ("demo/bad", 1, entries);
    bad.entry_count = 2;
    bad.participants = &who;
    bad.participant_count = 1;
    store_entry_t entry = s_entry ("m1");
    store_append_t good = s_append_of ("demo/good", 1, &entry);
    for (unsigned at = 0; at < 20; at++) {
        char name[20];
        snprintf (name, sizeof name, "demo/%c%u", at % 2 ? 'a' : 'z', at);
        good.session = text_of (name);
        s_append (box, &good, 1);
    }
    s_append (box, &bad, 2);
    UNTIL (box, box->answers == 21);
    cr_assert_eq (box->outcomes[2], STORE_CONFLICT);
    cr_assert_eq (box->of_outcome[STORED], 20);
    s_expect (postgres, "SELECT count (*) FROM log", "20");
    s_expect (postgres, "SELECT count (*) FROM session", "20");
    s_expect (postgres, "SELECT count (*) FROM participant", "0");
    s_expect (postgres, "SELECT count (*) FROM last_session", "0");
    s_end (box, &postgres);
}

Test (store, keeps_the_order_of_one_session)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    for (uint64_t seq = 1; seq <= 1000; seq++) {
        char id[20];
        snprintf (id, sizeof id, "m%u", (unsigned) seq);
        store_entry_t entry = s_entry (id);
        store_append_t append = s_append_of ("demo/s", seq, &entry);
        cr_assert_eq (s_stored (box, &append), STORED);
    }
    cr_assert_eq (
        store_load (box->store, TEXT ("demo/s"), NULL, 0, 3, false, 2000, s_on_loaded, box), 0);
    UNTIL (box, box->answers == 1001);
    cr_assert_eq (box->session.last_seq, 1000);
    cr_assert_eq (box->session.known_count, 3);
    cr_assert_eq (s_read (box, "demo/s", 990, 100, 1 << 20), 10);
    cr_assert_eq (box->seqs[0], 991);
    cr_assert_eq (s_read (box, "demo/s", 0, 100, 1), 1, "one at least");
    cr_assert_lt (s_read (box, "demo/s", 0, 100, 1000), 20);
    cr_assert_eq (s_read (box, "demo/s", 1000, 100, 1000), 0);
    cr_assert_eq (store_pending (box->store), 0);
    s_end (box, &postgres);
}

Test (store, several_start_on_an_empty_database)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *boxes[6];
    store_config_t config = s_config (postgres_url (postgres), 0);
    for (unsigned at = 0; at < 6; at++) {
        config.writer = at + 1;
        boxes[at] = s_box_with (&config);
    }
    for (unsigned at = 0; at < 6; at++)
        UNTIL (boxes[at], s_turn (boxes[(at + 1) % 6]) && s_turn (boxes[(at + 2) % 6])
                              && s_turn (boxes[(at + 3) % 6]) && s_turn (boxes[(at + 4) % 6])
                              && s_turn (boxes[(at + 5) % 6]) && boxes[at]->ready);
    s_expect (postgres, "SELECT count (*) FROM migration WHERE number = 1", "1");
    for (unsigned at = 0; at < 6; at++)
        s_box_end (boxes[at]);
    postgres_destroy (&postgres);
}

Test (store, refuses_a_newer_schema_until_it_fits)
{
    postgres_t *postgres = postgres_new (NULL);
    s_box_end (s_box (postgres_url (postgres), 11));
    cr_assert (postgres_exec (postgres,
                              "INSERT INTO migration (number, name, readable_from) VALUES (9999, "
                              "'future', 9999)"));
    store_config_t config = s_config (postgres_url (postgres), 12);
    box_t *box = s_box_with (&config);
    uint64_t until = clock_mono_ms () + 500;
    while (clock_mono_ms () < until)
        s_turn (box);
    cr_assert_not (box->ready);
    cr_assert (postgres_exec (postgres, "DELETE FROM migration WHERE number = 9999"));
    UNTIL (box, box->ready);
    s_end (box, &postgres);
}

//  A newer program has migrated, and says that this one may go on: old and new run side by side.
Test (store, works_beside_a_newer_schema_that_it_may_use)
{
    postgres_t *postgres = postgres_new (NULL);
    s_box_end (s_box (postgres_url (postgres), 11));
    cr_assert (postgres_exec (postgres, "INSERT INTO migration (number, name, readable_from)"
                                        " SELECT max (number) + 1, 'next', max (number)"
                                        " FROM migration"));
    cr_assert (postgres_exec (postgres, "ALTER TABLE log ADD COLUMN later text"));
    box_t *box = s_box (postgres_url (postgres), 12);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    cr_assert_eq (s_load (box, "demo/s", "m1")->last_seq, 1);
    s_end (box, &postgres);
}

//  An older schema is left alone by a program that is told so, until somebody migrates it.
Test (store, waits_for_a_migration_that_is_not_its_own)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres_exec (postgres,
                              "CREATE TABLE migration (number int PRIMARY KEY, name text,"
                              " readable_from int NOT NULL DEFAULT 0)"));
    store_config_t config = s_config (postgres_url (postgres), 12);
    config.migrate = false;
    box_t *box = s_box_with (&config);
    uint64_t until = clock_mono_ms () + 500;
    while (clock_mono_ms () < until)
        s_turn (box);
    cr_assert_not (box->ready);
    s_expect (postgres, "SELECT count (*) FROM migration", "0");
    s_box_end (s_box (postgres_url (postgres), 11));
    UNTIL (box, box->ready);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    s_end (box, &postgres);
}

//  What the schema before had is there afterwards; the clock of the database stands in new entries.
Test (store, migrates_what_the_schema_before_had)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres_exec (postgres,
                              "CREATE TABLE migration (number int PRIMARY KEY, name text,"
                              " applied_at timestamptz NOT NULL DEFAULT now ())"));
    for (size_t at = 0; at < 3; at++) {
        char row[100];
        snprintf (row, sizeof row, "INSERT INTO migration VALUES (%zu, '%s')", at + 1,
                  migrations_table[at].name);
        cr_assert (at > 0 || postgres_exec (postgres, migrations_table[at].sql));
        cr_assert (postgres_exec (postgres, row));
    }
    cr_assert (postgres_exec (
        postgres,
        "INSERT INTO session (session, app, visitor, day) VALUES ('demo/s', 'demo', 'ann',"
        " current_date); DO $$ BEGIN EXECUTE format ('CREATE TABLE %I PARTITION OF log"
        " FOR VALUES FROM (%L) TO (%L)', 'log_' || to_char (current_date, 'YYYYMMDD'),"
        " current_date, current_date + 1); END $$;"
        " INSERT INTO log SELECT n, n, 1, current_date, 3, 1, n = 2, 'demo/s', 'm' || n, 'ann', "
        "'{}',"
        " '{}' FROM generate_series (1, 3) AS n;"
        " INSERT INTO participant VALUES ('demo/s', 1, 'ann', '{}', true, 2);"
        " INSERT INTO place VALUES ('demo', 'ann', 1, 'demo/s');"
        " INSERT INTO work VALUES ('demo/s', 'i1', 'bot.stentor', 3, 'ann', '{}', 'key', 0, '', "
        "9),"
        " ('demo/s', 'i0', 'bot.stentor', 1, 'ann', '{}', NULL, 2, 'late', 9)"));
    box_t *box = s_box (postgres_url (postgres), 12);
    const stored_session_t *session = s_load (box, "demo/s", "m1");
    cr_assert_eq (session->last_seq, 3);
    cr_assert_eq (session->work_count, 1);
    cr_assert_eq (box->participant_received, 2);
    s_expect (postgres, "SELECT string_agg (item || state, ' ' ORDER BY item) FROM work_item",
              "i03 i11");
    s_expect (postgres, "SELECT count (*) FROM log WHERE hidden AND stored_at IS NULL", "1");
    s_expect (postgres, "SELECT count (*) FROM last_session", "1");
    cr_assert_eq (s_say (box, "demo/s", 4, "m4"), STORED);
    s_expect (
        postgres,
        "SELECT count (*) FROM log WHERE stored_at BETWEEN now () - interval '1 min' AND now ()",
        "1");
    s_end (box, &postgres);
}

//  A postoffice of schema 4, as far as the database sees one: says (session, seq, id, moved) is an
//  append with a turn, and returns the session if it lost.
static const char s_old_program[] =
    "CREATE FUNCTION old_says (p text, p_seq bigint, p_id text) RETURNS text LANGUAGE sql AS $$"
    " SELECT coalesce (string_agg (lost, ','), '') FROM append_4 (77, (now () AT TIME ZONE"
    " 'UTC')::date, CASE WHEN p_seq > 1 THEN ARRAY[p] ELSE '{}' END, CASE WHEN p_seq > 1 THEN"
    " ARRAY[p_seq - 1] ELSE '{}' END, CASE WHEN p_seq = 1 THEN ARRAY[p] ELSE '{}' END,"
    " CASE WHEN p_seq = 1 THEN ARRAY['demo'] ELSE '{}' END, CASE WHEN p_seq = 1 THEN ARRAY['ann']"
    " ELSE '{}' END, ARRAY[p], ARRAY[p_seq], ARRAY[p_id], ARRAY[3::smallint], ARRAY[1000::bigint],"
    " ARRAY[1::smallint], ARRAY['ann'], ARRAY['{}'], ARRAY['{}'], ARRAY[false], ARRAY[p],"
    " ARRAY['demo'], ARRAY[1::smallint], ARRAY['ann'], ARRAY['{}'], ARRAY[true], '{}', '{}', '{}',"
    " ARRAY[p], ARRAY[p || p_seq], ARRAY['bot.stentor'], ARRAY[p_seq], ARRAY['ann'], ARRAY['{}'],"
    " '{NULL}', '{}', '{}', '{}', '{}', ARRAY[p]) AS lost $$;"
    "CREATE FUNCTION old_sees (p text) RETURNS text LANGUAGE sql AS $$"
    " SELECT string_agg (CASE l.kind WHEN 0 THEN l.n2 || ' ' || l.n4 WHEN 1 THEN l.t1 || l.n2"
    " WHEN 3 THEN l.t1 END, ' ' ORDER BY l.kind, l.n1) FROM load_session_4 (p, '{}', 10, 77) l $$";

static postgres_t *
s_schema_4 (void)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres_exec (postgres, "CREATE TABLE migration (number int PRIMARY KEY, name"
                                        " text, applied_at timestamptz NOT NULL DEFAULT now (),"
                                        " readable_from int NOT NULL DEFAULT 0)"));
    for (size_t at = 0; at < 4; at++) {
        char row[100];
        snprintf (row, sizeof row, "INSERT INTO migration VALUES (%zu, '%s', now (), %d)", at + 1,
                  migrations_table[at].name, migrations_table[at].readable_from);
        bool is_empty = at == 1 || at == 2; //  comments only
        cr_assert (is_empty || postgres_exec (postgres, migrations_table[at].sql));
        cr_assert (postgres_exec (postgres, row));
    }
    static char functions[30000];
    FILE *file = fopen (SCHEMA_4, "r");
    cr_assert (file && fread (functions, 1, sizeof functions - 1, file) > 0);
    fclose (file);
    cr_assert (postgres_exec (postgres, functions));
    cr_assert (postgres_exec (postgres, s_old_program));
    cr_assert (postgres_exec (postgres, "SELECT make_day_4 ((now () AT TIME ZONE 'UTC')::date)"));
    return postgres;
}

//  In a rolling upgrade programs of schema 4 go on beside ours, on the migrated database: each sees
//  what the other writes, and the primary key decides between them.
Test (store, runs_beside_a_program_of_schema_4)
{
    postgres_t *postgres = s_schema_4 ();
    s_expect (postgres, "SELECT old_says ('demo/s', 1, 'o1')", "");
    box_t *box = s_box (postgres_url (postgres), 12);
    const stored_session_t *session = s_load (box, "demo/s", "o1");
    cr_assert_eq (session->last_seq, 1);
    cr_assert_eq (session->last_writer, 77);
    cr_assert_eq (session->participant_count, 1);
    cr_assert_eq (session->work_count, 1, "its turn is ours now");

    cr_assert_eq (s_say (box, "demo/s", 2, "n2"), STORED);
    s_expect (postgres, "SELECT old_sees ('demo/s')", "2 12 ann1 o1 n2");
    s_expect (postgres, "SELECT old_says ('demo/s', 2, 'o2')", "demo/s");
    s_expect (postgres, "SELECT old_says ('demo/s', 3, 'o3')", "");
    UNTIL (box, box->moved == 1);
    cr_assert_eq (s_say (box, "demo/s", 3, "n3"), STORE_CONFLICT);
    cr_assert_eq (s_load (box, "demo/s", "o3")->last_seq, 3);
    cr_assert_eq (s_say (box, "demo/s", 4, "n4"), STORED);
    cr_assert_eq (s_read (box, "demo/s", 0, 10, 10000), 4);

    //  What it begins now lacks what only we say, and is whole all the same.
    s_expect (postgres, "SELECT old_says ('demo/t', 1, 'o1')", "");
    session = s_load (box, "demo/t", "o1");
    cr_assert (session->exists && !session->is_closed);
    cr_assert_eq (session->host, 0);
    cr_assert_lt (session->active_ago_ms, 60000);
    cr_assert_str_eq (s_locate (box, "ann"), "demo/t");
    cr_assert_eq (s_say (box, "demo/u", 1, "n1"), STORED);
    s_expect (postgres, "SELECT old_sees ('demo/u')", "1 12 n1");
    cr_assert (postgres_exec (postgres, "SELECT beat_4 (77, 'old')"));
    s_expect (postgres, "SELECT count (*) FROM node", "2");
    s_end (box, &postgres);
}

Test (store, tells_others)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres_url (postgres), 11);
    box_t *two = s_box (postgres_url (postgres), 12);
    cr_assert_eq (s_say (one, "demo/s t", 1, "m1"), STORED);
    store_entry_t entry = s_entry ("m2");
    store_append_t append = s_append_of ("demo/s t", 2, &entry);
    append.notify_others = true;
    cr_assert_eq (s_stored (two, &append), STORED);
    UNTIL (one, one->moved == 1);
    cr_assert_str_eq (one->last_moved, "demo/s t");
    s_turn (two);
    cr_assert_eq (two->moved, 0);

    char name[20];
    for (unsigned at = 0; at < 2500; at++) {
        snprintf (name, sizeof name, "demo/u%u", at);
        cr_assert_eq (store_notify (one->store, NOTIFY_SHARED, text_of (name)), 0);
    }
    cr_assert_eq (store_notify (two->store, NOTIFY_MOVED, TEXT ("demo/v")), 0);
    UNTIL (two, s_turn (one) && two->shared == 2500);
    cr_assert_str_eq (two->last_moved, "demo/u2499");
    UNTIL (one, s_turn (two) && one->moved == 2);
    cr_assert_str_eq (one->last_moved, "demo/v");
    cr_assert_eq (one->shared, 0);
    s_end_both (one, two, &postgres);
}

//  A worker that stood still tells one postoffice that it has the work, and another one its answer.
Test (store, tells_the_holder_of_an_answer)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres_url (postgres), 11);
    box_t *two = s_box (postgres_url (postgres), 12);
    cr_assert_eq (s_ask (one), STORED);
    cr_assert_eq (s_load (two, "demo/s", "x")->work_count, 1);
    s_expect (postgres, "SELECT holder FROM work_item", "12");
    cr_assert_eq (s_answer (one), STORED);
    UNTIL (two, two->moved == 1);
    cr_assert_str_eq (two->last_moved, "demo/s");
    cr_assert_eq (s_load (two, "demo/s", "x")->work_count, 0);
    cr_assert_eq (one->moved, 0);
    s_end_both (one, two, &postgres);
}

Test (store, takes_over_the_work_of_the_dead)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres_url (postgres), 11);
    cr_assert_eq (s_ask (one), STORED);
    s_box_end (one);
    box_t *two = s_box (postgres_url (postgres), 12);
    EVENTUALLY (30000, s_turn (two) && two->orphans == 1);
    cr_assert_str_eq (two->last_orphan, "demo/s");
    s_expect (postgres, "SELECT holder FROM work_item", "12");
    s_box_end (two);
    postgres_destroy (&postgres);
}

Test (store, notes_what_was_seen)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    store_entry_t entry = s_entry ("m1");
    store_participant_t who = { .role = ROLE_VISITOR, .user = TEXT ("ann"), .sender = TEXT ("{}"),
                                .present = true };
    store_append_t append = s_append_of ("demo/s", 1, &entry);
    append.participants = &who;
    append.participant_count = 1;
    cr_assert_eq (s_stored (box, &append), STORED);
    static const store_receipt_t receipts[] = { { 5, 5, 2 }, { 3, 6, 0 }, { SEQ_UNKNOWN, 0, 4 } };
    for (size_t at = 0; at < sizeof receipts / sizeof *receipts; at++)
        store_receipt (box->store, TEXT ("demo/s"), ROLE_VISITOR, TEXT ("ann"), &receipts[at]);
    UNTIL (box, s_load (box, "demo/s", "x") && box->participant_received == 5);
    cr_expect_eq (box->participant_delivered, 6);
    cr_expect_eq (box->participant_read, 4);
    s_end (box, &postgres);
}

Test (store, makes_the_partition_of_any_day)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    for (unsigned at = 0; at < 30; at++) {
        char name[20];
        snprintf (name, sizeof name, "demo/%u", at);
        store_entry_t entry = s_entry ("m1");
        store_append_t append = s_append_of (name, 1, &entry);
        append.day_ms = (uint64_t) (100 + at % 10) * DAY_MS;
        s_append (box, &append, at);
    }
    UNTIL (box, box->answers == 30);
    cr_assert_eq (box->of_outcome[STORED], 30);
    cr_assert (postgres_exec (postgres, "DROP TABLE log_19700411"));
    store_entry_t entry = s_entry ("m1");
    store_append_t append = s_append_of ("demo/again", 1, &entry);
    append.day_ms = (uint64_t) 100 * DAY_MS;
    cr_assert_eq (s_stored (box, &append), STORED, "the day's partition is made again");
    s_end (box, &postgres);
}

Test (store, one_that_cannot_be_stored_harms_no_other)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    for (unsigned at = 0; at < 30; at++) {
        char name[20];
        snprintf (name, sizeof name, "demo/%u", at);
        store_entry_t entry = s_entry (at == 15 ? "not \xff UTF-8" : "m1");
        store_append_t append = s_append_of (name, 1, &entry);
        s_append (box, &append, at);
    }
    UNTIL (box, box->answers == 30);
    cr_assert_eq (box->outcomes[15], STORE_REJECTED);
    cr_assert_eq (box->of_outcome[STORED], 29);
    cr_assert (box->ready);
    s_end (box, &postgres);
}

//  Whatever is killed: what was said to be stored is there once, in order, without a gap.
Test (store, lost_links_lose_nothing)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    unsigned asked = 0;
    uint64_t until = clock_mono_ms () + 2000;
    while (clock_mono_ms () < until) {
        for (unsigned at = 0; at < 20 && asked - box->answers < 1000; at++) {
            char name[20];
            snprintf (name, sizeof name, "demo/%u", asked++);
            store_entry_t entry = s_entry ("m1");
            store_append_t append = s_append_of (name, 1, &entry);
            s_append (box, &append, 1);
        }
        s_turn (box);
        if (asked % 400 == 0)
            postgres_kill_backends (postgres, 2);
    }
    UNTIL (box, box->answers == asked);
    cr_assert_gt (box->of_outcome[STORE_UNSURE], 0);
    cr_assert_eq (box->of_outcome[STORE_CONFLICT] + box->of_outcome[STORE_DOWN], 0);
    char *count = postgres_query (postgres, "SELECT count (*) FROM log");
    unsigned stored = (unsigned) atoi (count);
    free (count);
    cr_assert_geq (stored, box->of_outcome[STORED]);
    cr_assert_leq (stored, box->of_outcome[STORED] + box->of_outcome[STORE_UNSURE]);
    UNTIL (box, box->ready);
    s_end (box, &postgres);
}

Test (store, waits_for_a_database_that_is_away)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    cr_assert (postgres_stop (postgres));
    UNTIL (box, !box->ready);
    store_entry_t entry = s_entry ("m2");
    store_append_t append = s_append_of ("demo/s", 2, &entry);
    s_append (box, &append, 2);
    cr_assert (postgres_start (postgres));
    UNTIL (box, box->answers == 2);
    cr_assert_eq (box->outcomes[2], STORED);
    UNTIL (box, box->ready);

    postgres_kill (postgres);
    UNTIL (box, !box->ready);
    append.first_seq = 3;
    s_append (box, &append, 3);
    cr_assert_eq (
        store_load (box->store, TEXT ("demo/t"), NULL, 0, 3, false, 4, s_on_loaded, box), 0);
    UNTIL (box, box->answers == 4);
    cr_assert_eq (box->outcomes[3], STORE_DOWN);
    cr_assert_eq (box->outcomes[4], STORE_DOWN);
    s_end (box, &postgres);
}

Test (store, says_when_its_queue_is_full)
{
    store_config_t config = s_config ("host=127.0.0.1 port=1 dbname=nowhere", 11);
    config.queue_limit = 10000;
    box_t *box = s_box_with (&config);
    store_entry_t entry = s_entry ("m1");
    store_append_t append = s_append_of ("demo/s", 1, &entry);
    unsigned taken = 0;
    char name[20] = "demo/0";
    append.session = text_of (name);
    while (s_try_append (box, &append, 1) == 0)
        name[5] = (char) ('0' + ++taken);
    cr_assert_gt (taken, 5);
    cr_assert_lt (taken, 50);
    cr_assert_eq (store_pending (box->store), taken);
    cr_assert_eq (store_metrics[STORE_QUEUE_LIMIT], 10000);
    cr_assert_geq (store_metrics[STORE_QUEUE_BYTES], 10000);
    cr_assert_eq (store_metrics[STORE_REFUSED], 1);
    UNTIL (box, box->answers == taken);
    cr_assert_eq (box->of_outcome[STORE_DOWN], taken);
    cr_assert_eq (s_try_append (box, &append, 1), 0, "room again");
    s_box_end (box);
}

Test (store, read_only_is_down_and_comes_back)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    cr_assert (postgres_exec (postgres,
        "CREATE FUNCTION full_disk () RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$;"
        " CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION full_disk ()"));
    cr_assert_eq (s_say (box, "demo/s", 2, "m2"), STORE_DOWN);
    cr_assert (postgres_exec (postgres, "DROP TRIGGER t ON log"));
    UNTIL (box, box->ready);
    cr_assert_geq (box->ready_changes, 3);
    cr_assert_eq (s_say (box, "demo/s", 2, "m2"), STORED);
    s_end (box, &postgres);
}

// ---------------------------------------------------------------------------------------------
//  A server that hangs

#define FAMILY_MOST 32

typedef struct {
    pid_t pids[FAMILY_MOST];
    size_t count;
} family_t;

//  The server's first process and those that serve us: none of them says anything any more.
static family_t
s_freeze (postgres_t *postgres)
{
    family_t family = { .count = 0 };
    char *pids = postgres_query (postgres,
        "SELECT split_part (pg_read_file ('postmaster.pid'), E'\\n', 1) || ' '"
        " || string_agg (pid::text, ' ') FROM pg_stat_activity WHERE application_name = 'tested'");
    cr_assert_not_null (pids);
    for (char *at = strtok (pids, " "); at && family.count < FAMILY_MOST; at = strtok (NULL, " "))
        family.pids[family.count++] = (pid_t) atoi (at);
    free (pids);
    for (size_t at = 0; at < family.count; at++)
        cr_assert_eq (kill (family.pids[at], SIGSTOP), 0);
    return family;
}

static void
s_thaw (const family_t *family)
{
    for (size_t at = 0; at < family->count; at++)
        cr_assert_eq (kill (family->pids[at], SIGCONT), 0);
}

Test (store, a_server_that_hangs_is_given_up)
{
    postgres_t *postgres = postgres_new (NULL);
    store_config_t config = s_config (postgres_url (postgres), 11);
    config.links = 1; //  what is asked second waits for what was asked first
    config.answer_ms = 1000;
    config.patience_ms = 300;
    box_t *box = s_box_with (&config);
    UNTIL (box, box->ready);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    family_t family = s_freeze (postgres);
    cr_assert_geq (family.count, 3);

    store_entry_t entry = s_entry ("m2");
    store_append_t append = s_append_of ("demo/s", 2, &entry);
    s_append (box, &append, 2);
    cr_assert_eq (
        store_load (box->store, TEXT ("demo/s"), NULL, 0, 3, false, 4, s_on_loaded, box), 0);
    store_append_t other = s_append_of ("demo/t", 1, &entry);
    s_append (box, &other, 3);
    uint64_t since = clock_mono_ms ();
    UNTIL (box, box->answers == 2);
    cr_assert_eq (box->outcomes[3], STORE_DOWN, "what was not sent waits as long as it may");
    cr_assert_lt (clock_mono_ms () - since, 900);
    UNTIL (box, box->answers == 4);
    cr_assert_eq (box->outcomes[2], STORE_UNSURE, "what was sent may be stored");
    cr_assert_eq (box->outcomes[4], STORE_DOWN);
    cr_assert_lt (clock_mono_ms () - since, 4000);
    cr_assert_not (box->ready);

    since = clock_mono_ms ();
    EVENTUALLY (20000, s_turn (box) && clock_mono_ms () - since > 1500);
    s_thaw (&family);
    UNTIL (box, box->ready);
    uint64_t last = s_load (box, "demo/s", "x")->last_seq;
    cr_assert (last == 1 || last == 2);
    cr_assert_eq (s_say (box, "demo/s", last + 1, "m3"), STORED);
    s_end (box, &postgres);
}

//  The first place takes the connection and says nothing, the second has no such name, the third
//  is the server under a name.
Test (store, finds_the_place_that_answers)
{
    postgres_t *postgres = postgres_new (NULL);
    struct sockaddr_in mute = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof mute;
    int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq (bind (listener, (struct sockaddr *) &mute, size), 0);
    cr_assert_eq (listen (listener, 100), 0);
    cr_assert_eq (getsockname (listener, (struct sockaddr *) &mute, &size), 0);
    char url[300];
    snprintf (url, sizeof url, "postgresql://stentor@127.0.0.1:%u,%064u:1,localhost:%u/postgres",
              ntohs (mute.sin_port), 0, postgres_port (postgres));
    store_config_t config = s_config (url, 11);
    config.answer_ms = 1000;
    box_t *box = s_box_with (&config);
    UNTIL (box, box->ready);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    s_box_end (box);
    close (listener);
    postgres_destroy (&postgres);
}

// ---------------------------------------------------------------------------------------------

Test (store, a_server_that_may_only_be_read_is_left)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    cr_assert (postgres_exec (postgres, "ALTER SYSTEM SET default_transaction_read_only = on"));
    cr_assert (postgres_exec (postgres, "SELECT pg_reload_conf ()"));
    UNTIL (box, !box->ready); //  nobody had to write anything
    cr_assert_eq (s_say (box, "demo/s", 2, "m2"), STORE_DOWN);
    cr_assert (postgres_exec (postgres, "ALTER SYSTEM RESET default_transaction_read_only"));
    cr_assert (postgres_exec (postgres, "SELECT pg_reload_conf ()"));
    UNTIL (box, box->ready);
    cr_assert_eq (s_say (box, "demo/s", 2, "m2"), STORED);
    s_end (box, &postgres);
}

//  A participant who is there, in a session of this day.
static void
s_join (box_t *box, const char *session, uint64_t seq, const char *user, uint64_t day,
        uint64_t request_id)
{
    char id[30];
    snprintf (id, sizeof id, "m%u", (unsigned) seq);
    store_entry_t entry = s_entry (id);
    store_participant_t who = { .role = ROLE_AGENT, .user = text_of (user), .sender = TEXT ("{}"),
                                .present = true };
    store_append_t append = s_append_of (session, seq, &entry);
    append.day = day;
    append.day_ms = day * DAY_MS;
    append.participants = &who;
    append.participant_count = 1;
    s_append (box, &append, request_id);
}

static void
s_both_turn (box_t *one, box_t *two, unsigned answers)
{
    EVENTUALLY (20000, s_turn (one) && s_turn (two) && one->answers == answers
                           && two->answers == answers);
}

//  Each has the place of one agent and wants that of the other's, which it comes to in another
//  day's part of its batch.
Test (store, a_deadlock_is_tried_again)
{
    postgres_t *postgres = postgres_new (NULL);
    store_config_t config = s_config (postgres_url (postgres), 11);
    config.links = 1;
    box_t *one = s_box_with (&config);
    config.writer = 12;
    box_t *two = s_box_with (&config);
    EVENTUALLY (20000, s_turn (one) && s_turn (two) && one->ready && two->ready);
    uint64_t today = s_today ();
    s_join (one, "demo/a1", 1, "kim", today, 1);
    s_join (one, "demo/a2", 1, "lee", today + 1, 1);
    s_join (two, "demo/b1", 1, "lee", today, 1);
    s_join (two, "demo/b2", 1, "kim", today + 1, 1);
    s_both_turn (one, two, 2);

    //  Both stand still between their two days until this is over.
    PGconn *holder = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (holder, "BEGIN"));
    PQclear (PQexec (holder, "SELECT FROM participant WHERE session IN ('demo/a2', 'demo/b2')"
                             " FOR UPDATE"));
    store_entry_t entry = s_entry ("m1");
    store_append_t first = s_append_of ("demo/x1", 1, &entry); //  what follows gathers behind it
    s_append (one, &first, 1);
    first.session = TEXT ("demo/x2");
    s_append (two, &first, 1);
    s_join (one, "demo/a1", 2, "kim", today, 2);
    s_join (one, "demo/a2", 2, "lee", today + 1, 2);
    s_join (two, "demo/b1", 2, "lee", today, 2);
    s_join (two, "demo/b2", 2, "kim", today + 1, 2);
    char *waiting = NULL;
    EVENTUALLY (20000, (free (waiting), s_turn (one)) && s_turn (two)
                && (waiting = postgres_query (postgres, "SELECT count (*) FROM pg_stat_activity"
                                                        " WHERE wait_event_type = 'Lock'"))
                && strcmp (waiting, "2") == 0);
    free (waiting);
    PQclear (PQexec (holder, "COMMIT"));
    PQfinish (holder);
    s_both_turn (one, two, 5);
    cr_assert_eq (one->of_outcome[STORED] + two->of_outcome[STORED], 10);
    s_expect (postgres, "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = 'postgres'",
              "t");
    s_end_both (one, two, &postgres);
}

//  Somebody sits on a row: only that session is kept from going on, and only for a while.
Test (store, a_locked_session_harms_no_other)
{
    postgres_t *postgres = postgres_new (NULL);
    store_config_t config = s_config (postgres_url (postgres), 11);
    config.links = 1;
    config.patience_ms = 10000; //  more than two locks' timeouts
    box_t *box = s_box_with (&config);
    UNTIL (box, box->ready);
    s_join (box, "demo/a", 1, "kim", s_today (), 1);
    UNTIL (box, box->answers == 1);
    PGconn *holder = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (holder, "BEGIN"));
    PQclear (PQexec (holder, "SELECT FROM participant WHERE session = 'demo/a' FOR UPDATE"));
    store_entry_t entry = s_entry ("m1");
    store_append_t first = s_append_of ("demo/x", 1, &entry); //  what follows gathers behind it
    s_append (box, &first, 1);
    s_join (box, "demo/a", 2, "kim", s_today (), 2);
    s_join (box, "demo/b", 1, "lee", s_today (), 3);
    UNTIL (box, box->answers == 4);
    cr_assert_eq (box->outcomes[2], STORE_DOWN);
    cr_assert_eq (box->outcomes[3], STORED);
    cr_assert (box->ready);
    PQfinish (holder);
    s_join (box, "demo/a", 2, "kim", s_today (), 2);
    UNTIL (box, box->answers == 5);
    cr_assert_eq (box->outcomes[2], STORED);
    s_end (box, &postgres);
}

Test (store, a_session_that_was_deleted_begins_anew)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *box = s_box (postgres_url (postgres), 11);
    cr_assert_eq (s_say (box, "demo/s", 1, "m1"), STORED);
    cr_assert (postgres_exec (postgres, "DELETE FROM session"));
    cr_assert (postgres_exec (postgres,
        "DO $$ BEGIN EXECUTE format ('DROP TABLE %I', 'log_'"
        " || to_char (current_timestamp AT TIME ZONE 'UTC', 'YYYYMMDD')); END $$"));
    cr_assert_eq (s_say (box, "demo/s", 2, "m2"), STORE_CONFLICT, "nothing is there to follow");
    cr_assert_not (s_load (box, "demo/s", "m1")->exists);
    cr_assert_eq (s_read (box, "demo/s", 0, 10, 1000), 0);
    cr_assert_eq (s_say (box, "demo/s", 1, "m3"), STORED);
    s_expect (postgres, "SELECT string_agg (message_id, ',' ORDER BY seq) FROM log", "m3");

    //  Its log alone is gone: no answer but an honest one.
    cr_assert (postgres_exec (postgres, "DELETE FROM log"));
    cr_assert_eq (s_load (box, "demo/s", "m3")->last_seq, 0);
    s_end (box, &postgres);
}
