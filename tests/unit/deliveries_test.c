//  deliveries — items that an append leases, and those that are taken from the table: who gets
//  them, within which room, and what is known of them meanwhile.

#include "work/deliveries.h"

#include "base/clock.h"
#include "fake_work_store.h"
#include "tables/postoffice_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TOPIC TEXT ("sms.out")
#define LEASE_MS 60000

static uv_loop_t s_loop;
static workers_t *s_workers;
static deliveries_t *s_deliveries;
static char s_story[4000];
static uint64_t s_attempt = 1; //  of what is handed out

int
bus_server_send (bus_server_t *self, peer_t peer, const bus_record_t *record)
{
    (void) self;
    size_t size = strlen (s_story);
    text_t item = record->kind == BUS_WORK      ? record->work.item
                  : record->kind == BUS_SETTLED ? record->settled.item
                                                : record->cancel.item;
    snprintf (s_story + size, sizeof s_story - size, "%s%u %s %.*s", size ? ", " : "",
              (unsigned) peer, bus_kind_name (record->kind), TEXT_ARGS (item));
    if (record->kind == BUS_WORK)
        cr_assert_eq (record->work.attempt, s_attempt);
    return 0;
}

static void
s_begin (void)
{
    uv_loop_init (&s_loop);
    s_workers = workers_new (
        NULL, &(workers_config_t){ .accepted_within_ms = 1000, .recovery_ms = 1000 });
    s_deliveries = deliveries_new (&s_loop, NULL, s_workers, &(store_config_t){ .writer = 7 },
                                   &(deliveries_config_t){ .lease_ms = LEASE_MS });
}

static void
s_end (void)
{
    deliveries_destroy (&s_deliveries);
    for (peer_t peer = 1; peer < 4; peer++)
        workers_remove (s_workers, peer);
    workers_destroy (&s_workers);
    uv_loop_close (&s_loop);
}

TestSuite (deliveries, .init = s_begin, .fini = s_end);

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

static bool
s_lease (const char *item)
{
    return deliveries_lease (s_deliveries,
                             &(store_work_t){ .item = text_of (item), .topic = TOPIC });
}

static void
s_hand_out (const char *item)
{
    deliveries_hand_out (s_deliveries, TEXT ("demo/s"), TEXT ("demo"),
                         &(store_work_t){ .item = text_of (item),
                                          .kind = WORK_DELIVERY,
                                          .topic = TOPIC,
                                          .user = TEXT ("vic"),
                                          .body = TEXT ("{}"),
                                          .secret = TEXT_EMPTY });
}

static void
s_done (peer_t peer, const char *item)
{
    deliveries_accepted (s_deliveries, peer, &(bus_accepted_t){ .item = text_of (item) });
    deliveries_done (s_deliveries, peer,
                     &(bus_done_t){ .item = text_of (item),
                                    .topic = TOPIC,
                                    .attempt = 1,
                                    .outcome = OUTCOME_ANSWERED });
    fake_work_finished ();
}

//  What the table has of the item, taken in this attempt.
static void
s_taken_again (const char *item, uint64_t attempt)
{
    s_attempt = attempt;
    fake_work_taken (&(work_taken_t){ .item = text_of (item),
                                      .app = TEXT ("demo"),
                                      .session = TEXT ("demo/s"),
                                      .topic = TOPIC,
                                      .user = TEXT ("vic"),
                                      .body = TEXT ("{}"),
                                      .secret = TEXT_EMPTY,
                                      .attempt = attempt },
                     1);
}

static void
s_taken (const char *item)
{
    s_taken_again (item, 1);
}

Test (deliveries, nothing_is_leased_without_a_worker_of_the_topic)
{
    cr_expect_not (s_lease ("a"));
    s_worker (1, "sms.in notify.sms", 5);
    cr_expect_not (s_lease ("a"));
    cr_expect_not (fake_work_is_known ("a"));
}

Test (deliveries, what_an_append_leases_goes_to_a_worker_behind_it)
{
    s_worker (1, "notify.sms sms.out", 5);
    cr_assert (s_lease ("a"));
    cr_expect (fake_work_is_known ("a"), "else it might be released");
    cr_expect_not (s_lease ("a"), "twice");
    EXPECT ("");
    s_hand_out ("a");
    EXPECT ("1 WORK a");
    s_hand_out ("a"); //  twice is harmless
    EXPECT ("");
    s_done (1, "a");
    EXPECT ("1 SETTLED a");
    cr_expect_not (fake_work_is_known ("a"));
    cr_expect_eq (postoffice_counts[POSTOFFICE_ITEMS_HANDED_OUT], 1);
    cr_expect_eq (postoffice_counts[POSTOFFICE_ITEMS_TAKEN], 0);
}

Test (deliveries, what_is_not_stored_is_let_go)
{
    s_worker (1, "sms.out", 1);
    cr_assert (s_lease ("a"));
    deliveries_let_go (s_deliveries, TEXT ("a"));
    cr_expect_not (fake_work_is_known ("a"));
    s_hand_out ("a");
    EXPECT ("");
    cr_expect (s_lease ("b"), "its room is free again");
}

//  What is promised, waits, and is out counts against one room.
Test (deliveries, room_is_counted_once)
{
    s_worker (1, "sms.out", 2);
    s_worker (2, "sms.out", 1);
    cr_assert (s_lease ("a"));
    cr_assert (s_lease ("b"));
    deliveries_tick (s_deliveries);
    cr_expect_eq (fake_work_wish ("sms.out"), 1);
    fake_work_taken (NULL, 0);
    cr_assert (s_lease ("c"));
    cr_expect_not (s_lease ("d"));
    deliveries_tick (s_deliveries);
    cr_expect_not (fake_work_is_taking (), "no room is left");
    s_hand_out ("a");
    s_hand_out ("b");
    s_hand_out ("c");
    cr_expect_not (s_lease ("d"));
    s_story[0] = 0;
    s_done (1, "a");
    cr_expect_eq (fake_work_wish ("sms.out"), 1, "room again: the table is asked");
}

//  A take may bring half of what there is room for; appends lease for the other half meanwhile, and
//  what comes beyond that is fetched behind it.
Test (deliveries, a_take_and_appends_share_the_room)
{
    s_worker (1, "sms.out", 5);
    deliveries_tick (s_deliveries);
    cr_assert_eq (fake_work_wish ("sms.out"), 3);
    cr_assert (s_lease ("m1"));
    cr_assert (s_lease ("m2"));
    deliveries_look (s_deliveries);
    cr_expect_not (s_lease ("a"));
    deliveries_let_go (s_deliveries, TEXT ("m1"));
    deliveries_let_go (s_deliveries, TEXT ("m2"));
    deliveries_look (s_deliveries);
    fake_work_taken (NULL, 0);
    cr_assert (fake_work_is_taking (), "it is looked again");
    s_taken ("a");
    EXPECT ("1 WORK a");
    cr_assert (fake_work_is_taking (), "there may be more");
    fake_work_taken (NULL, 0);
    cr_expect_not (fake_work_is_taking ());
    cr_expect_eq (postoffice_counts[POSTOFFICE_ITEMS_TAKEN], 1);
    deliveries_look (s_deliveries);
    cr_expect (fake_work_is_taking (), "until the next tick");
    fake_work_taken (NULL, 0);
    deliveries_tick (s_deliveries);
    fake_work_taken (NULL, 0);
    deliveries_look (s_deliveries);
    cr_expect_not (fake_work_is_taking (), "nothing was missed");
}

//  It was stored as ready (an earlier one of its lane was open), and was taken before we heard.
Test (deliveries, what_was_taken_meanwhile_is_not_let_go)
{
    s_worker (1, "sms.out", 5);
    cr_assert (s_lease ("a"));
    deliveries_tick (s_deliveries);
    s_taken ("a");
    EXPECT ("1 WORK a");
    deliveries_let_go (s_deliveries, TEXT ("a"));
    cr_expect (fake_work_is_known ("a"));
    s_done (1, "a");
    EXPECT ("1 SETTLED a");
}

Test (deliveries, nothing_is_leased_while_the_database_is_away)
{
    s_worker (1, "sms.out", 5);
    cr_assert (s_lease ("a"));
    fake_work_is_up (false);
    cr_expect (fake_work_is_known ("a"), "its append is under way over another link");
    cr_expect_not (s_lease ("b"));
    fake_work_is_up (true);
    cr_expect (s_lease ("b"));
}

//  Nobody reports an item that no worker has.
Test (deliveries, a_report_of_what_is_promised_is_not_believed)
{
    s_worker (1, "sms.out", 5);
    cr_assert (s_lease ("a"));
    s_done (1, "a");
    EXPECT ("");
    cr_expect_eq (fake_work_reports (), 0);
    s_hand_out ("a");
    EXPECT ("1 WORK a");
}

//  Each of them would be refused by the database, again and again, with all that stand beside it.
Test (deliveries, what_cannot_be_stored_keeps_nothing_back)
{
    s_worker (1, "sms.out", 5);
    deliveries_tick (s_deliveries);
    s_taken ("a");
    EXPECT ("1 WORK a");
    char detail[1200];
    memset (detail, 'x', sizeof detail);
    memcpy (detail + 999, "\xc3\xa9\xff", 3);
    bus_done_t done = { .item = TEXT ("a"),
                        .topic = TOPIC,
                        .attempt = 1,
                        .outcome = OUTCOME_RETRY,
                        .after_ms = UINT64_MAX,
                        .detail = { detail, sizeof detail } };
    deliveries_done (s_deliveries, 1, &done);
    cr_expect_eq (fake_work_reports (), 1);
    const work_report_t *report = fake_work_report (0);
    cr_expect_eq (report->detail.size, 999, "cut between characters");
    cr_expect_eq (report->after_ms, 366ull * 24 * 3600 * 1000);
    fake_work_finished ();
    EXPECT ("1 SETTLED a");
    static const text_t bad[] = { { "b\0c", 3 }, { "b\xff", 2 } };
    for (size_t at = 0; at < 2; at++) {
        done.item = bad[at];
        deliveries_done (s_deliveries, 1, &done);
        cr_expect_eq (fake_work_reports (), 0);
    }
}

//  It comes back after its lease, and another one has the item by now.
Test (deliveries, a_report_of_an_earlier_attempt_ends_nothing)
{
    s_worker (1, "sms.out", 5);
    deliveries_tick (s_deliveries);
    s_taken_again ("a", 2);
    EXPECT ("1 WORK a");
    bus_done_t done = { .item = TEXT ("a"),
                        .topic = TOPIC,
                        .attempt = 1,
                        .outcome = OUTCOME_DEAD };
    deliveries_done (s_deliveries, 1, &done);
    EXPECT ("1 SETTLED a");
    cr_expect_eq (fake_work_reports (), 0);
    cr_expect (fake_work_is_known ("a"));
    done.attempt = 2;
    deliveries_done (s_deliveries, 1, &done);
    cr_expect_eq (fake_work_reports (), 1);
    cr_expect_eq (fake_work_report (0)->attempt, 2);
    fake_work_finished ();
    EXPECT ("1 SETTLED a");
}

//  Items that are due and cannot be had (their lanes wait) make each take slow: the database is not
//  asked again at once, by nothing that happens here.
Test (deliveries, a_slow_take_that_brings_little_is_followed_by_a_pause)
{
    s_worker (1, "sms.out", 4);
    deliveries_tick (s_deliveries);
    cr_assert_eq (fake_work_wish ("sms.out"), 2);
    fake_work_takes_last (100000);
    s_taken ("a");
    EXPECT ("1 WORK a");
    cr_expect_not (fake_work_is_taking ());
    deliveries_tick (s_deliveries);
    s_done (1, "a");
    EXPECT ("1 SETTLED a");
    cr_expect_not (fake_work_is_taking ());
    cr_expect (s_lease ("b"), "appends lease as ever");
}

Test (deliveries, the_pause_behind_a_slow_take_ends)
{
    s_worker (1, "sms.out", 4);
    deliveries_tick (s_deliveries);
    fake_work_takes_last (50);
    uint64_t began = clock_mono_ms ();
    fake_work_taken (NULL, 0);
    while (!fake_work_is_taking () && clock_mono_ms () - began < 10000)
        deliveries_tick (s_deliveries);
    cr_expect (fake_work_is_taking ());
    cr_expect (clock_mono_ms () - began >= 200, "four times as long");
}

//  What is in no table is not asked for: a connector costs an idle database nothing but timers.
Test (deliveries, of_no_table_are_not_taken)
{
    s_worker (1, "bot.stentor health.stentor", 5);
    deliveries_tick (s_deliveries);
    cr_assert_gt (fake_work_wish ("timer"), 0);
    cr_expect_eq (fake_work_wish ("bot.stentor"), 0);
    cr_expect_eq (fake_work_wish ("health.stentor"), 0);
    fake_work_taken (NULL, 0);
    uint64_t asked_ms = clock_mono_ms ();
    deliveries_tick (s_deliveries);
    cr_expect (!fake_work_is_taking () || clock_mono_ms () - asked_ms >= 400, "timers only");
}

//  Timers run, however many topics there are.
Test (deliveries, topics_leave_room_for_timers)
{
    char topics[800] = "";
    for (int at = 0; at < 70; at++)
        snprintf (topics + strlen (topics), sizeof topics - strlen (topics), "%stopic.%d",
                  at ? " " : "", at);
    s_worker (1, topics, 5);
    deliveries_tick (s_deliveries);
    cr_expect_gt (fake_work_wish ("timer"), 0);
    unsigned wanted = 0;
    for (int at = 0; at < 70; at++) {
        char topic[40];
        snprintf (topic, sizeof topic, "topic.%d", at);
        wanted += fake_work_wish (topic) > 0;
    }
    cr_expect_eq (wanted, 63);
}

//  There may be more of it, and each take brings something on.
Test (deliveries, a_slow_take_that_is_full_is_followed_by_another)
{
    s_worker (1, "sms.out", 2);
    deliveries_tick (s_deliveries);
    cr_assert_eq (fake_work_wish ("sms.out"), 1);
    fake_work_takes_last (100000);
    s_taken ("a");
    EXPECT ("1 WORK a");
    cr_expect (fake_work_is_taking ());
}

//  What is only reported needs no worker's room, nor does a lost worker's item once it is given up.
Test (deliveries, what_is_reported_takes_no_room)
{
    s_worker (1, "sms.out", 2);
    cr_assert (s_lease ("a"));
    s_hand_out ("a");
    EXPECT ("1 WORK a");
    for (unsigned at = 0; at < 50; at++) {
        char item[20];
        snprintf (item, sizeof item, "f%u", at);
        deliveries_done (s_deliveries, 1,
                         &(bus_done_t){ .item = text_of (item),
                                        .topic = TOPIC,
                                        .attempt = 1,
                                        .outcome = OUTCOME_ANSWERED });
    }
    cr_assert (s_lease ("b"));
    cr_expect_not (s_lease ("c"), "one is out, one promised");
    workers_remove (s_workers, 1);
    s_worker (2, "sms.out", 3);
    cr_expect (s_lease ("c"), "the lost one's waits: three in all");
    cr_expect_not (s_lease ("d"));
}
