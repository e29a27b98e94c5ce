//  workers — who is handed which turn: topics, credit, order, time, and who has it when two say so.

#include "work/workers.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ACCEPTED_WITHIN_MS 100
#define RECOVERY_MS 30

static workers_t *s_workers;
static char s_story[4000];
static uint64_t s_attempt; //  of the last WORK
static peer_t s_lost; //  nothing can be sent to it
static turn_t *s_turns[10];
static size_t s_turn_count;

int
bus_server_send (bus_server_t *self, peer_t peer, const bus_record_t *record)
{
    (void) self;
    if (peer == s_lost)
        return -1;
    size_t size = strlen (s_story);
    if (record->kind == BUS_WORK)
        s_attempt = record->work.attempt;
    snprintf (s_story + size, sizeof s_story - size, "%s%u %s %.*s", size ? ", " : "",
              (unsigned) peer, bus_kind_name (record->kind),
              TEXT_ARGS (record->kind == BUS_WORK     ? record->work.item
                         : record->kind == BUS_NOTICE ? record->notice.session
                                                      : record->cancel.item));
    return 0;
}

static void
s_begin (void)
{
    s_workers = workers_new (NULL, &(workers_config_t){ .accepted_within_ms = ACCEPTED_WITHIN_MS,
                                                        .recovery_ms = RECOVERY_MS });
}

static void
s_end (void)
{
    for (size_t at = 0; at < s_turn_count; at++) {
        workers_forget (s_workers, s_turns[at], false);
        turn_destroy (&s_turns[at]);
    }
    workers_destroy (&s_workers);
}

TestSuite (workers, .init = s_begin, .fini = s_end);

static turn_t *
s_turn_of (const char *item, const char *topic, turn_state_t state)
{
    turn_t *turn = turn_new (&(turn_t){ .state = state,
                                        .item = text_of (item),
                                        .topic = text_of (topic),
                                        .user = TEXT ("vic"),
                                        .body = TEXT ("{}"),
                                        .secret = TEXT_EMPTY });
    s_turns[s_turn_count++] = turn;
    workers_want (s_workers, turn);
    return turn;
}

static turn_t *
s_turn (const char *item)
{
    return s_turn_of (item, "bot", TURN_QUEUED);
}

static void
s_worker (peer_t peer, const char *topics, uint64_t credit)
{
    workers_add (s_workers, peer, &(bus_hello_t){ .topics = text_of (topics), .credit = credit });
}

static void
s_expect (unsigned line, const char *story)
{
    cr_assert (strcmp (s_story, story) == 0, "line %u: expected %s, it was %s", line, story,
               s_story);
    s_story[0] = 0;
}
#define EXPECT(story) s_expect (__LINE__, story)

Test (workers, turns_wait_for_a_worker_in_order)
{
    s_turn ("a");
    s_turn ("b");
    EXPECT ("");
    s_worker (1, "bot", 5);
    EXPECT ("1 WORK a, 1 WORK b");
}

Test (workers, credit)
{
    s_worker (1, "bot", 1);
    turn_t *a = s_turn ("a");
    s_turn ("b");
    EXPECT ("1 WORK a");
    workers_accepted (s_workers, a, 1);
    EXPECT ("");
    workers_forget (s_workers, a, false);
    EXPECT ("1 WORK b");
    workers_forget (s_workers, a, true); //  twice is harmless
    EXPECT ("");
}

Test (workers, no_credit)
{
    s_worker (1, "bot", 0);
    s_turn ("a");
    workers_tick (s_workers);
    EXPECT ("");
}

Test (workers, most_credit_left_goes_first)
{
    s_worker (1, "bot", 2);
    s_worker (2, "bot", 3);
    s_turn ("a");
    s_turn ("b");
    s_turn ("c");
    EXPECT ("2 WORK a, 1 WORK b, 2 WORK c");
}

Test (workers, topics)
{
    const struct {
        const char *topics;
        const char *topic;
        bool takes;
    } rows[] = {
        { "bot", "bot", true },        { "a bot", "bot", true }, { "bot a", "bot", true },
        { "a bot b", "bot", true },    { "bots", "bot", false }, { "robot", "bot", false },
        { "bot.stentor", "bot", false }, { "", "bot", false },   { "bo", "bot", false },
        { "  bot", "bot", true },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_worker (at + 1, rows[at].topics, 1);
        turn_t *turn = s_turn_of ("x", rows[at].topic, TURN_QUEUED);
        cr_assert_eq (turn->state == TURN_DISPATCHED, rows[at].takes, "row %zu", at);
        workers_forget (s_workers, turn, false);
        turn_destroy (&s_turns[--s_turn_count]);
        workers_remove (s_workers, at + 1);
    }
}

Test (workers, who_cannot_be_reached)
{
    s_lost = 1;
    s_worker (1, "bot", 5);
    turn_t *turn = s_turn ("a");
    cr_assert_eq (turn->state, TURN_WAITING);
    workers_remove (s_workers, 1);
    s_worker (2, "bot", 1);
    EXPECT ("2 WORK a");
    cr_assert_eq (turn->attempts, 1);
}

Test (workers, unknown_peers)
{
    turn_t *turn = s_turn ("a");
    workers_remove (s_workers, 9);
    workers_accepted (s_workers, turn, 9);
    cr_assert_eq (turn->state, TURN_WAITING);
}

Test (workers, cancel)
{
    s_worker (1, "bot", 5);
    turn_t *a = s_turn ("a");
    turn_t *b = s_turn ("b");
    workers_accepted (s_workers, b, 1);
    s_story[0] = 0;
    workers_forget (s_workers, a, true);
    workers_forget (s_workers, b, true);
    EXPECT ("1 CANCEL a, 1 CANCEL b");
    workers_forget (s_workers, s_turn_of ("c", "other", TURN_QUEUED), true);
    EXPECT ("");
}

Test (workers, recovered_waits_for_who_has_it)
{
    s_worker (1, "bot", 5);
    turn_t *turn = s_turn_of ("a", "bot", TURN_RECOVERED);
    workers_want (s_workers, turn);
    workers_tick (s_workers);
    EXPECT ("");
    uv_sleep (RECOVERY_MS + 10);
    workers_tick (s_workers);
    EXPECT ("1 WORK a");
}

Test (workers, lost_ones_turn_is_recovered)
{
    s_worker (1, "bot", 5);
    turn_t *turn = s_turn ("a");
    workers_accepted (s_workers, turn, 1);
    s_worker (2, "bot", 5);
    s_story[0] = 0;
    workers_remove (s_workers, 1);
    cr_assert_eq (turn->state, TURN_RECOVERED);
    uv_sleep (RECOVERY_MS + 10);
    workers_tick (s_workers);
    EXPECT ("2 WORK a");
    cr_assert_eq (turn->attempts, 2);
}

//  Of a turn each time counts; of a delivery the attempt is that of the lease. A lost worker may
//  have reported it to another postoffice: the lease is its owner's to give back.
Test (workers, lost_ones_delivery_is_not_handed_out_again)
{
    s_worker (1, "bot sms", 5);
    turn_t *delivery = turn_new (&(turn_t){ .state = TURN_QUEUED,
                                            .item = TEXT ("d"),
                                            .topic = TEXT ("sms"),
                                            .lease = 3 });
    turn_t *turns[] = { s_turn ("a"), s_turns[s_turn_count++] = delivery };
    cr_assert_eq (s_attempt, 1);
    workers_want (s_workers, delivery);
    cr_assert_eq (s_attempt, 3);
    s_worker (2, "sms", 5);
    uv_sleep (ACCEPTED_WITHIN_MS + 10);
    workers_tick (s_workers);
    cr_assert_eq (delivery->worker, 2u, "it was not accepted in time");
    cr_assert_eq (s_attempt, 3);
    workers_remove (s_workers, 1);
    workers_remove (s_workers, 2);
    s_worker (3, "sms", 5);
    cr_assert_eq (delivery->state, TURN_RECOVERED);
    uv_sleep (RECOVERY_MS + 10);
    s_story[0] = 0;
    workers_tick (s_workers);
    cr_assert_eq (delivery->state, TURN_QUEUED);
    EXPECT ("");
    s_worker (9, "bot", 5);
    EXPECT ("9 WORK a");
    cr_assert_eq (turns[0]->worker, 9u);
    cr_assert_eq (s_attempt, 3);
}

//  As long as nobody can come back, the time to come back does not pass.
Test (workers, recovery_waits_while_peers_are_refused)
{
    s_worker (1, "bot", 5);
    turn_t *turn = s_turn ("a");
    workers_remove (s_workers, 1);
    for (unsigned wait = 0; wait < 4; wait++) {
        uv_sleep (RECOVERY_MS / 2);
        workers_hold (s_workers);
        workers_tick (s_workers);
        cr_assert_eq (turn->state, TURN_RECOVERED);
    }
    uv_sleep (RECOVERY_MS + 10);
    workers_tick (s_workers);
    cr_assert_eq (turn->state, TURN_WAITING);
}

Test (workers, not_taken)
{
    s_worker (1, "bot", 50);
    turn_t *turn = s_turn ("a");
    EXPECT ("1 WORK a");
    uv_sleep (ACCEPTED_WITHIN_MS + 10);
    workers_tick (s_workers); //  there is no other
    EXPECT ("1 WORK a");
    s_worker (2, "bot", 1);
    uv_sleep (ACCEPTED_WITHIN_MS + 10);
    workers_tick (s_workers);
    EXPECT ("2 WORK a");
    workers_accepted (s_workers, turn, 2);
    uv_sleep (ACCEPTED_WITHIN_MS + 10);
    workers_tick (s_workers);
    EXPECT ("");
}

static void
s_decline (peer_t peer, const char *item, bool ending)
{
    workers_declined (s_workers, peer,
                      &(bus_declined_t){ .item = text_of (item), .ending = ending });
}

Test (workers, declined_goes_to_another_at_once)
{
    s_worker (1, "bot", 50);
    s_worker (2, "bot", 5);
    turn_t *a = s_turn ("a");
    EXPECT ("1 WORK a");
    s_decline (1, "a", false);
    EXPECT ("2 WORK a");
    cr_assert_eq (a->attempts, 1);
    s_turn ("b");
    EXPECT ("2 WORK b");
    workers_tick (s_workers); //  that was long enough
    s_turn ("c");
    EXPECT ("1 WORK c");
}

Test (workers, declined_by_all_waits_for_the_tick)
{
    s_worker (1, "bot", 50);
    turn_t *a = s_turn ("a");
    turn_t *b = s_turn ("b");
    workers_accepted (s_workers, a, 1);
    EXPECT ("1 WORK a, 1 WORK b");
    s_decline (1, "b", false);
    EXPECT ("");
    cr_assert_eq (b->state, TURN_WAITING);
    workers_tick (s_workers);
    EXPECT ("1 WORK b");
    s_decline (1, "b", false);
    workers_forget (s_workers, a, false); //  it has room again
    EXPECT ("1 WORK b");
}

Test (workers, one_that_is_ending_gets_nothing_more)
{
    s_worker (1, "bot", 50);
    turn_t *a = s_turn ("a");
    workers_accepted (s_workers, a, 1);
    s_turn ("b");
    EXPECT ("1 WORK a, 1 WORK b");
    s_decline (1, "b", true);
    workers_forget (s_workers, a, false);
    workers_tick (s_workers);
    EXPECT ("");
    s_worker (2, "bot", 1);
    EXPECT ("2 WORK b");
}

Test (workers, declined_by_whom_it_was_not_offered)
{
    s_worker (1, "bot", 5);
    turn_t *a = s_turn ("a");
    workers_accepted (s_workers, a, 1);
    EXPECT ("1 WORK a");
    s_decline (1, "a", false); //  it has it
    s_decline (1, "unknown", false);
    s_decline (9, "a", true);
    cr_assert_eq (a->state, TURN_ACCEPTED);
    EXPECT ("");
}

Test (workers, inherit)
{
    const struct {
        turn_state_t state, becomes;
    } rows[] = { { TURN_QUEUED, TURN_QUEUED },
                 { TURN_RECOVERED, TURN_RECOVERED },
                 { TURN_DISPATCHED, TURN_DISPATCHED },
                 { TURN_ACCEPTED, TURN_ACCEPTED } };
    s_worker (1, "bot", 5);
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        turn_state_t first = rows[at].state == TURN_RECOVERED ? TURN_RECOVERED : TURN_QUEUED;
        turn_t *old = turn_new (&(turn_t){ .state = first,
                                           .item = TEXT ("a"),
                                           .topic = TEXT ("bot"),
                                           .user = TEXT_EMPTY,
                                           .body = TEXT_EMPTY,
                                           .secret = TEXT_EMPTY });
        if (rows[at].state != TURN_QUEUED)
            workers_want (s_workers, old);
        if (rows[at].state == TURN_ACCEPTED)
            workers_accepted (s_workers, old, 1);
        s_story[0] = 0;
        turn_t *turn = turn_new (old);
        turn->state = TURN_RECOVERED;
        workers_inherit (s_workers, turn, old);
        turn_destroy (&old);
        cr_assert_eq (turn->state, rows[at].becomes, "row %zu", at);
        EXPECT ("");
        workers_forget (s_workers, turn, false);
        turn_destroy (&turn);
    }
    workers_remove (s_workers, 1); //  asserts that it has nothing in hand
}

Test (workers, inherit_keeps_the_place)
{
    turn_t *first = s_turn ("a");
    s_turn ("b");
    turn_t *turn = turn_new (first);
    workers_inherit (s_workers, turn, first);
    s_turns[s_turn_count++] = turn;
    s_worker (1, "bot", 5);
    EXPECT ("1 WORK a, 1 WORK b");
}

//  One worker of the topic is told, and none that does not know notices, as one of before.
Test (workers, notices)
{
    const bus_notice_t notice = { .topic = TEXT ("platform.x"),
                                  .app = TEXT ("demo"),
                                  .session = TEXT ("s"),
                                  .external_id = TEXT_EMPTY,
                                  .event = EVENT_TYPING };
    const bus_hello_t other = { .topics = TEXT ("sms.out"), .features = BUS_FEATURES };
    const bus_hello_t old = { .topics = TEXT ("platform.x"), .features = BUS_FEATURE_FEED };
    const bus_hello_t hello = { .topics = TEXT ("sms.out platform.x"), .features = UINT64_MAX };
    workers_add (s_workers, 1, &other);
    workers_add (s_workers, 2, &old);
    workers_notice (s_workers, &notice);
    EXPECT ("");
    workers_add (s_workers, 3, &hello);
    workers_add (s_workers, 4, &hello);
    workers_notice (s_workers, &notice);
    EXPECT ("3 NOTICE s");
    s_lost = 3;
    workers_notice (s_workers, &notice);
    EXPECT (""); //  it may be lost
    s_lost = 0;
    cr_assert (workers_is_one (s_workers, 3) && !workers_is_one (s_workers, 9));
    cr_assert (workers_takes (s_workers, 3, TEXT ("platform.x")));
    cr_assert_not (workers_takes (s_workers, 3, TEXT ("platform")));
    cr_assert_not (workers_takes (s_workers, 1, TEXT ("platform.x")));
    cr_assert_not (workers_takes (s_workers, 9, TEXT ("sms.out")));
}
