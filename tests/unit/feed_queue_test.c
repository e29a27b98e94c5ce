//  feed_queue — what waits for a watcher: the newest row of each session, in the order in which
//  they changed first, and a bound.

#include "events/feed_queue.h"

#include "tables/edge_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MOST 4

static feed_queue_t *s_queue;
static buffer_t s_told;

static void
s_begin (void)
{
    s_queue = feed_queue_new (MOST);
    buffer_init (&s_told, 10000);
}

static void
s_end (void)
{
    feed_queue_destroy (&s_queue);
    buffer_free (&s_told);
    cr_assert_eq (edge_metrics[EDGE_FEED_ROWS_WAITING], 0);
}

TestSuite (feed_queue, .init = s_begin, .fini = s_end);

static bool
s_put (const char *session, uint64_t seq)
{
    char json[80];
    int size = snprintf (json, sizeof json, "{\"s\":\"%s\",\"n\":%u}", session, (unsigned) seq);
    feed_row_t *row = feed_row_new (text_of (session), seq, (text_t){ json, (size_t) size });
    bool is_put = feed_queue_put (s_queue, row);
    feed_row_drop (&row);
    return is_put;
}

//  All that is told at this time.
static void
s_expect (uint64_t now_ms, const char *told)
{
    buffer_clear (&s_told);
    while (feed_queue_next (s_queue, now_ms, &s_told))
        continue;
    text_t text = buffer_text (&s_told);
    cr_assert (text_is (text, text_of (told)), "expected\n%sbut it was\n%.*s", told,
               TEXT_ARGS (text));
}

#define ROW(session, seq)                                                                          \
    "event: session\ndata: {\"s\":\"" session "\",\"n\":" seq "}\n\n"
#define RESYNC(why) "event: resync\ndata: {\"reason\":\"" why "\"}\n\n"

Test (feed_queue, in_the_order_of_the_first_change)
{
    cr_assert (feed_queue_is_empty (s_queue));
    cr_assert (s_put ("b", 1) && s_put ("a", 5) && s_put ("c", 2));
    cr_assert (!feed_queue_is_empty (s_queue));
    s_expect (1, ROW ("b", "1") ROW ("a", "5") ROW ("c", "2"));
    cr_assert (feed_queue_is_empty (s_queue));
    s_expect (1, "");
}

Test (feed_queue, the_newest_row_of_a_session)
{
    cr_assert (s_put ("a", 1) && s_put ("b", 1) && s_put ("a", 2) && s_put ("a", 7));
    cr_assert (s_put ("a", 6)); //  another postoffice, behind
    s_expect (1, ROW ("a", "7") ROW ("b", "1"));
    cr_assert (s_put ("a", 7));
    s_expect (1, ROW ("a", "7"));
}

Test (feed_queue, of_the_same_seq_the_last_one)
{
    feed_row_t *one = feed_row_new (TEXT ("a"), 3, TEXT ("1"));
    feed_row_t *two = feed_row_new (TEXT ("a"), 3, TEXT ("2"));
    cr_assert (feed_queue_put (s_queue, one) && feed_queue_put (s_queue, two));
    feed_row_drop (&one);
    feed_row_drop (&two);
    s_expect (1, "event: session\ndata: 2\n\n");
}

Test (feed_queue, too_many_sessions)
{
    char name[2] = "a";
    for (unsigned at = 0; at < MOST; at++, name[0]++)
        cr_assert (s_put (name, 1));
    cr_assert (s_put ("a", 2), "it is there already");
    cr_assert_eq (edge_metrics[EDGE_FEED_ROWS_WAITING], MOST);
    cr_assert_not (s_put ("z", 1));
    cr_assert_eq (edge_metrics[EDGE_FEED_ROWS_WAITING], 0);
    cr_assert (s_put ("y", 1));
    s_expect (1, RESYNC ("slow") ROW ("y", "1"));
}

Test (feed_queue, ready_is_the_first)
{
    cr_assert (s_put ("a", 1));
    feed_queue_ready (s_queue);
    cr_assert (!feed_queue_is_empty (s_queue));
    s_expect (1, "event: ready\ndata: {}\n\n" ROW ("a", "1"));
}

//  Asking for everything costs more than a row.
Test (feed_queue, resyncs_are_rare)
{
    feed_queue_resync (s_queue, FEED_LOST);
    feed_queue_resync (s_queue, FEED_GAP);
    s_expect (500, RESYNC ("gap"));
    feed_queue_resync (s_queue, FEED_BACK);
    cr_assert (s_put ("a", 1));
    s_expect (500 + FEED_RESYNC_LEAST_MS - 1, ROW ("a", "1"));
    cr_assert (!feed_queue_is_empty (s_queue));
    s_expect (500 + FEED_RESYNC_LEAST_MS, RESYNC ("postoffice back"));
    s_expect (500 + 9 * FEED_RESYNC_LEAST_MS, "");
}

//  Rows are shared: each goes when the last of those who have it is done with it.
Test (feed_queue, a_row_of_two_watchers)
{
    feed_queue_t *other = feed_queue_new (MOST);
    feed_row_t *row = feed_row_new (TEXT ("a"), 1, TEXT ("{}"));
    cr_assert (feed_queue_put (s_queue, row) && feed_queue_put (other, row));
    feed_row_drop (&row);
    cr_assert_null (row);
    s_expect (1, "event: session\ndata: {}\n\n");
    buffer_clear (&s_told);
    cr_assert (feed_queue_next (other, 1, &s_told));
    cr_assert (s_put ("b", 1));
    feed_queue_destroy (&other);
}

Test (feed_queue, a_full_buffer)
{
    buffer_t small;
    buffer_init (&small, 10);
    cr_assert (s_put ("a", 1));
    cr_assert_not (feed_queue_next (s_queue, 1, &small));
    buffer_free (&small);
}
