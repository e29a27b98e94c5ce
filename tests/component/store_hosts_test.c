//  The store against a real PostgreSQL: who is the host of a session, and what becomes of that when
//  two take it, or one dies (docs/decisions/session-hosts.md).

#include "eventually.h"
#include "postgres.h"
#include "store/store.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS 86400000u

//  A store on its own loop, and what it said.
typedef struct {
    uv_loop_t loop;
    store_t *store;
    bool ready;
    unsigned answers;
    store_outcome_t outcomes[3]; //  by request_id
    uint64_t host, last_seq;     //  of the last load
    unsigned claimed, walked;
    bool is_bounded;
    unsigned room; //  then: for so many sessions of the dead in all
} box_t;

static void
s_on_ready (void *owner, bool ready)
{
    ((box_t *) owner)->ready = ready;
}

static void
s_on_noticed (void *owner, store_notice_t what, text_t session)
{
    box_t *box = owner;
    (void) session;
    box->claimed += what == NOTIFY_HOST;
    box->walked += what == NOTIFY_HOSTED;
}

static uint64_t
s_on_room (void *owner)
{
    const box_t *box = owner;
    return !box->is_bounded           ? UINT64_MAX
           : box->claimed < box->room ? box->room - box->claimed
                                      : 0;
}

static bool
s_turn (box_t *box)
{
    uv_run (&box->loop, UV_RUN_NOWAIT);
    return true;
}

#define UNTIL(box, condition) EVENTUALLY (20000, s_turn (box) && (condition))

static box_t *
s_box (postgres_t *postgres, uint64_t writer)
{
    store_config_t config = { .url = postgres_url (postgres), .migrate = true, .links = 1,
                              .batch_appends = 100, .queue_limit = 64u << 20, .patience_ms = 5000,
                              .answer_ms = 10000, .writer = writer, .node = "tested" };
    box_t *box = calloc (1, sizeof *box);
    uv_loop_init (&box->loop);
    box->store =
        store_new (&box->loop, &config,
                   &(store_events_t){
                       .ready = s_on_ready, .noticed = s_on_noticed, .room = s_on_room },
                   box);
    UNTIL (box, box->ready);
    return box;
}

static void
s_end (box_t *box)
{
    store_destroy (&box->store);
    uv_run (&box->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&box->loop), 0);
    free (box);
}

static void
s_expect (postgres_t *postgres, const char *sql, const char *value)
{
    char *found = postgres_query (postgres, sql);
    cr_assert_not_null (found);
    cr_assert_str_eq (found, value, "%s: %s, not %s", sql, found, value);
    free (found);
}

static void
s_on_appended (void *owner, uint64_t request_id, store_outcome_t outcome, const text_t *waits,
               size_t wait_count)
{
    (void) waits, (void) wait_count;
    box_t *box = owner;
    box->outcomes[request_id] = outcome;
    box->answers++;
}

//  Ann comes (the session is opened), or is the last to leave. What the store borrows is static.
static void
s_ask_presence (box_t *box, const char *session, bool comes, uint64_t request_id)
{
    static const store_participant_t here = { .role = ROLE_VISITOR, .user = { "ann", 3 },
                                              .sender = { "{}", 2 }, .present = true };
    static const store_participant_t away = { .role = ROLE_VISITOR, .user = { "ann", 3 },
                                              .sender = { "{}", 2 } };
    static const store_entry_t joined = { .message_id = { "m1", 2 }, .event = EVENT_USER_JOINED,
                                          .time_ms = 1000, .role = ROLE_VISITOR,
                                          .user = { "ann", 3 }, .sender = { "{}", 2 } };
    static const store_entry_t left = { .message_id = { "m2", 2 }, .event = EVENT_USER_LEFT,
                                        .time_ms = 1001, .role = ROLE_VISITOR,
                                        .user = { "ann", 3 }, .sender = { "{}", 2 } };
    store_append_t append = { .session = text_of (session), .opens = comes, .app = TEXT ("demo"),
                              .visitor = TEXT ("ann"), .day_ms = clock_wall_ms (),
                              .day = clock_wall_ms () / DAY_MS, .first_seq = comes ? 1 : 2,
                              .entries = comes ? &joined : &left, .entry_count = 1,
                              .participants = comes ? &here : &away, .participant_count = 1,
                              .only_host = !comes, .is_left = !comes, .notify_others = !comes };
    cr_assert_eq (store_append (box->store, &append, request_id, s_on_appended, box), 0);
}

static store_outcome_t
s_presence (box_t *box, const char *session, bool comes)
{
    unsigned before = box->answers;
    s_ask_presence (box, session, comes, 0);
    UNTIL (box, box->answers > before);
    return box->outcomes[0];
}

static void
s_on_loaded (void *owner, uint64_t request_id, store_outcome_t outcome,
             const stored_session_t *session)
{
    box_t *box = owner;
    (void) request_id;
    cr_assert_eq (outcome, STORED);
    box->host = session->host;
    box->last_seq = session->last_seq;
    box->answers++;
}

static void
s_ask_load (box_t *box, const char *session, bool hosts)
{
    cr_assert_eq (
        store_load (box->store, text_of (session), NULL, 0, 2, hosts, 0, s_on_loaded, box), 0);
}

//  The host until then.
static uint64_t
s_load (box_t *box, const char *session, bool hosts)
{
    unsigned before = box->answers;
    s_ask_load (box, session, hosts);
    UNTIL (box, box->answers > before);
    return box->host;
}

Test (store_hosts, one_is_the_host)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres, 11);
    box_t *two = s_box (postgres, 12);
    static const char host[] = "SELECT coalesce (host, 0) FROM session";
    cr_assert_eq (s_presence (one, "demo/s", true), STORED);
    s_expect (postgres, host, "11");
    cr_assert_eq (s_load (two, "demo/s", false), 11, "for its work only");
    s_expect (postgres, host, "11");
    cr_assert_eq (s_presence (two, "demo/s", false), STORE_CONFLICT, "is not the host");
    cr_assert_eq (s_load (two, "demo/s", true), 11, "finds the one before");
    s_expect (postgres, host, "12");
    cr_assert_eq (s_load (two, "demo/s", true), 12);
    cr_assert_eq (s_presence (one, "demo/s", false), STORE_CONFLICT, "is it no more");
    s_expect (postgres, "SELECT count (*) FROM log", "1");
    cr_assert_eq (s_presence (two, "demo/s", false), STORED);
    s_expect (postgres, host, "0");
    //  Somebody says that it is the host, and nobody is present: not for long.
    cr_assert_eq (s_load (one, "demo/s", true), 0);
    s_expect (postgres, host, "11");
    cr_assert_eq (s_load (two, "demo/s", false), 11);
    cr_assert_eq (s_load (one, "demo/s", false), 0);
    s_expect (postgres, host, "0");
    s_end (one);
    s_end (two);
    postgres_destroy (&postgres);
}

//  One says that somebody has left, just when the other takes the session over. Whoever is first:
//  the append has lost, or the load has seen the entry. Beside one that nobody takes, in the same
//  batch.
Test (store_hosts, nobody_leaves_behind_a_new_host, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres, 11);
    box_t *two = s_box (postgres, 12);
    unsigned lost = 0, rounds = 200;
    for (unsigned round = 0; round < rounds; round++) {
        char session[20], other[20];
        snprintf (session, sizeof session, "demo/s%u", round);
        snprintf (other, sizeof other, "demo/o%u", round);
        cr_assert_eq (s_presence (one, session, true), STORED);
        cr_assert_eq (s_presence (one, other, true), STORED);
        unsigned before = one->answers, loads = two->answers;
        if (round % 2)
            s_ask_load (two, session, true);
        s_ask_presence (one, session, false, 1);
        s_ask_presence (one, other, false, 2);
        for (unsigned turns = round % 5; turns > 0; turns--)
            s_turn (one);
        if (round % 2 == 0)
            s_ask_load (two, session, true);
        UNTIL (one, s_turn (two) && one->answers == before + 2 && two->answers > loads);
        cr_assert_eq (one->outcomes[2], STORED);
        bool has_lost = one->outcomes[1] == STORE_CONFLICT;
        cr_assert (has_lost || one->outcomes[1] == STORED);
        cr_assert_eq (two->last_seq, has_lost ? 1 : 2, "round %u", round);
        lost += has_lost;
    }
    cr_assert (lost > 0 && lost < rounds, "%u of %u lost: it was no race", lost, rounds);
    s_expect (postgres, "SELECT count (*) FROM session WHERE host = 12", "200");
    s_end (one);
    s_end (two);
    postgres_destroy (&postgres);
}

Test (store_hosts, survivors_share_the_sessions_of_the_dead, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres, 11);
    cr_assert_eq (s_presence (one, "demo/s", true), STORED);
    s_end (one);
    cr_assert (postgres_exec (postgres,
                              "INSERT INTO session (session, app, visitor, day, host)"
                              " SELECT 'demo/d' || n, 'demo', 'ann', current_date, 11"
                              " FROM generate_series (1, 4999) n;"
                              "INSERT INTO session (session, app, visitor, day)"
                              " SELECT 'demo/f' || n, 'demo', 'ann', current_date"
                              " FROM generate_series (1, 5000) n"));
    box_t *two = s_box (postgres, 12);
    box_t *three = s_box (postgres, 13);
    EVENTUALLY (30000,
                s_turn (two) && s_turn (three) && two->claimed + three->claimed == 5000);
    s_expect (postgres, "SELECT count (*) FROM session WHERE host IN (12, 13)", "5000");
    //  And each goes through its own, again and again.
    EVENTUALLY (60000, s_turn (two) && s_turn (three) && two->walked > two->claimed
                           && three->walked > three->claimed);
    s_end (two);
    s_end (three);
    postgres_destroy (&postgres);
}

//  One that has little memory left takes over as much as it has room for, in several pieces; the
//  rest waits until it has room again.
Test (store_hosts, no_more_are_claimed_than_there_is_room_for, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    box_t *one = s_box (postgres, 11);
    cr_assert_eq (s_presence (one, "demo/s", true), STORED);
    s_end (one);
    cr_assert (postgres_exec (postgres, "INSERT INTO session (session, app, visitor, day, host)"
                                        " SELECT 'demo/d' || n, 'demo', 'ann', current_date, 11"
                                        " FROM generate_series (1, 2999) n"));
    box_t *two = s_box (postgres, 12);
    two->is_bounded = true;
    two->room = 1200;
    EVENTUALLY (30000, s_turn (two) && two->claimed >= 1200);
    uint64_t until = clock_mono_ms () + 4000; //  longer than between claims
    EVENTUALLY (10000, s_turn (two) && clock_mono_ms () > until);
    s_expect (postgres, "SELECT count (*) FROM session WHERE host = 12", "1200");
    two->room = 3000;
    EVENTUALLY (30000, s_turn (two) && two->claimed == 3000);
    s_end (two);
    postgres_destroy (&postgres);
}
