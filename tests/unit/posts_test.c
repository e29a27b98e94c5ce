//  posts — what must not be overtaken: behind a message that was refused all others are held back,
//  until it comes again. A client that goes on without it is closed.

#include "edge_rig.h"

#include "tables/edge_metrics.h"

#define HOLD_MS 10000

static client_t *s_client;
static post_queue_t *s_queue;

static void
s_begin (void)
{
    rig_begin ();
    s_client = rig_connect (ROLE_VISITOR, DIALECT_RICH)->client;
    s_queue = post_queue_new (rig_posts, s_client, &s_queue);
}

static void
s_end (void)
{
    post_queue_destroy (&s_queue);
    rig_end ();
}

TestSuite (posts, .init = s_begin, .fini = s_end);

static void
s_add_event (event_t event, const char *id, bool is_named, uint64_t now_ms)
{
    bus_post_t record = { .session = TEXT ("demo/s"),
                          .event = event,
                          .message_id = text_of (id),
                          .sender = TEXT ("{}"),
                          .data = text_of (id),
                          .secret = TEXT_EMPTY };
    post_queue_add (s_queue, &record, is_named, 0, now_ms);
}

static void
s_add (const char *id, bool is_named, uint64_t now_ms)
{
    s_add_event (EVENT_NEW_MESSAGE, id, is_named, now_ms);
}

//  Adds and sends it. Returns its request id; 0: it was refused, as it would overtake another.
static uint64_t
s_post (const char *id, uint64_t now_ms)
{
    rig_post = (bus_post_t){ 0 };
    s_add (id, true, now_ms);
    cr_assert (post_queue_send (s_queue, 1));
    return rig_post.request_id;
}

static void
s_answer (uint64_t request_id, verdict_t verdict, uint64_t now_ms)
{
    post_t *post = posts_find (rig_posts, 1, request_id);
    cr_assert_not_null (post);
    cr_assert_eq (post_owner (post), &s_queue);
    post_answer (&post, &(bus_posted_t){ .verdict = verdict }, now_ms);
}

//  Is it taken? Then it is stored at once.
static bool
s_passes (const char *id, uint64_t now_ms)
{
    uint64_t request_id = s_post (id, now_ms);
    if (request_id)
        s_answer (request_id, VERDICT_OK, now_ms);
    return request_id != 0;
}

static void
s_refuse (const char *id, uint64_t now_ms)
{
    s_answer (s_post (id, now_ms), VERDICT_BUSY, now_ms);
}

//  Nothing of the caller's record is used later.
Test (posts, are_kept_whole_until_they_are_answered)
{
    char bytes[] = "abcdefghijklmnopqrstuvwxyz";
    bus_record_t record = { .kind = BUS_POST };
    text_t *texts[BUS_TEXTS_MAX];
    size_t count = bus_record_texts (&record, texts);
    for (size_t at = 0; at < count; at++)
        *texts[at] = (text_t){ bytes + at, 1 };
    post_queue_add (s_queue, &record.post, true, 0, 100);
    memset (bytes, '?', sizeof bytes);
    cr_assert (post_queue_is_waiting (s_queue));
    cr_assert_gt (edge_metrics[EDGE_POST_BYTES_PENDING], (int64_t) (2 * count));
    cr_assert (post_queue_send (s_queue, 1));
    record.post = rig_post;
    for (size_t at = 0; at < count; at++)
        cr_assert (text_is (*texts[at], (text_t){ &"abcdefgh"[at], 1 }), "text %zu", at);
    cr_assert_eq (rig_post.endpoint, client_view (s_client)->endpoint);
    cr_assert_null (posts_find (rig_posts, 2, rig_post.request_id));
    s_answer (rig_post.request_id, VERDICT_OK, 101);
    cr_assert_null (posts_find (rig_posts, 1, rig_post.request_id));
    cr_assert_not (post_queue_is_waiting (s_queue));
    cr_assert (post_queue_is_idle (s_queue));
    cr_assert_eq (edge_metrics[EDGE_POST_BYTES_PENDING], 0);
}

//  What its client does not name has no order; it is not waited for either.
Test (posts, are_sent_in_order_and_again)
{
    s_add ("a", true, 100);
    s_add ("b", false, 100);
    rig_bus_is_full = true;
    cr_assert_not (post_queue_send (s_queue, 1));
    rig_bus_is_full = false;
    cr_assert (post_queue_send (s_queue, 1));
    cr_assert (post_queue_send (s_queue, 1));
    s_add ("c", true, 100);
    cr_assert (post_queue_send (s_queue, 1));
    EXPECT ("p1 POST c1 a 0\n"
            "p1 POST c1 b\n"
            "p1 POST c1 c 1\n");
    post_queue_unsend (s_queue);
    cr_assert (post_queue_send (s_queue, 2));
    EXPECT ("p2 POST c1 a 0\n"
            "p2 POST c1 b\n"
            "p2 POST c1 c 1\n");
}

//  What was ever sent has another time limit.
Test (posts, are_late_by_their_own_limits)
{
    s_add ("a", true, 100);
    cr_assert (post_queue_send (s_queue, 1));
    s_add ("b", true, 200);
    cr_assert_null (posts_late (rig_posts, 199 + ANSWER_LIMIT_MS));
    post_t *post = posts_late (rig_posts, 200 + ANSWER_LIMIT_MS);
    cr_assert_not_null (post);
    post_give_up (&post, 200 + ANSWER_LIMIT_MS);
    post_queue_unsend (s_queue);
    cr_assert_null (posts_late (rig_posts, 99 + SENT_POST_LIMIT_MS));
    post = posts_late (rig_posts, 100 + SENT_POST_LIMIT_MS);
    cr_assert_not_null (post);
    post_give_up (&post, 100 + SENT_POST_LIMIT_MS);
    cr_assert_not (post_queue_is_waiting (s_queue));
}

Test (posts, none_overtakes_a_refused_one)
{
    cr_assert (s_passes ("a", 0));
    s_refuse ("b", 1);
    cr_assert_not (s_passes ("c", 2));
    cr_assert_not (s_passes ("d", 2));
    cr_assert (s_passes ("b", 3));
    cr_assert (s_passes ("c", 3));
    cr_assert (s_passes ("d", 3));
}

//  A client that reads slowly may have said "b" before it hears that "a" was refused, however much
//  later that comes: nothing passes, and it begins anew.
Test (posts, one_that_goes_on_without_a_refused_one_is_closed)
{
    s_refuse ("a", 0);
    cr_assert_not (s_passes ("b", HOLD_MS - 1));
    cr_assert_not (client_is_closed (s_client));
    cr_assert_not (s_passes ("b", HOLD_MS));
    cr_assert (client_is_closed (s_client));
    cr_assert_not (s_passes ("c", HOLD_MS + 1));
}

//  However late: it was waited for.
Test (posts, one_that_comes_again_late_passes)
{
    s_refuse ("a", 0);
    cr_assert_not (s_passes ("b", 1));
    cr_assert (s_passes ("a", 10 * HOLD_MS));
    cr_assert (s_passes ("b", 10 * HOLD_MS));
    cr_assert_not (client_is_closed (s_client));
}

//  Those that were on their way are refused, too, and wait behind it.
//  One that may have been stored is refused much later than the one behind it, as after an outage
//  of the database: its client has as long to send it again.
Test (posts, one_that_is_refused_later_is_waited_for_as_long)
{
    uint64_t first = s_post ("a", 100);
    s_refuse ("b", 100);
    s_answer (first, VERDICT_BUSY, 100 + HOLD_MS);
    cr_assert_not (s_passes ("z", 101 + HOLD_MS));
    cr_assert_not (s_passes ("b", 101 + HOLD_MS));
    cr_assert (s_passes ("a", 101 + HOLD_MS));
    cr_assert (s_passes ("b", 101 + HOLD_MS));
}

Test (posts, those_that_waited_are_behind_it_too)
{
    uint64_t a = s_post ("a", 0);
    (void) s_post ("b", 0);
    s_answer (a, VERDICT_BUSY, 0);
    cr_assert_not (post_queue_is_waiting (s_queue));
    cr_assert_not (s_passes ("c", 1));
    cr_assert_not (s_passes ("b", 2));
    cr_assert (s_passes ("a", 3));
    cr_assert (s_passes ("b", 3));
}

//  An agent without control. On its next connection it takes control and says all of it again: what
//  is still on its way here must not come behind that.
Test (posts, words_without_control_are_refused_until_it_is_taken_here)
{
    uint64_t a = s_post ("a", 0);
    (void) s_post ("b", 0);
    s_answer (a, VERDICT_NOT_IN_CONTROL, 0);
    cr_assert_not (post_queue_is_waiting (s_queue), "b is refused, too");
    cr_assert_not (post_queue_is_idle (s_queue));
    cr_assert_not (s_passes ("c", 1));
    rig_forget ();
    s_add_event (EVENT_BARGE_IN, "in", true, 2);
    cr_assert (post_queue_send (s_queue, 1));
    EXPECT ("p1 POST c1 in 0\n");
    s_answer (rig_post.request_id, VERDICT_OK, 3);
    cr_assert (s_passes ("c", 4));
    cr_assert (post_queue_is_idle (s_queue));
}

//  It has taken control through the API: its words count again when it has the entry that says so.
Test (posts, words_count_again_when_control_was_taken_elsewhere)
{
    s_answer (s_post ("a", 0), VERDICT_NOT_IN_CONTROL, 0);
    cr_assert (post_queue_may_regain (s_queue, 7));
    cr_assert_not (s_passes ("b", 1));
    post_queue_received (s_queue, SEQ_UNKNOWN);
    post_queue_received (s_queue, 6);
    cr_assert_not (s_passes ("b", 2));
    post_queue_received (s_queue, 7);
    cr_assert (s_passes ("b", 3));
    cr_assert_not (post_queue_may_regain (s_queue, 9), "nothing waits for it");
}

//  It has taken control behind what is refused now.
Test (posts, words_behind_a_taking_are_not_refused)
{
    uint64_t a = s_post ("a", 0);
    s_add_event (EVENT_BARGE_IN, "in", true, 0);
    uint64_t b = s_post ("b", 0);
    s_answer (a, VERDICT_NOT_IN_CONTROL, 1);
    cr_assert_not_null (posts_find (rig_posts, 1, b));
    s_answer (b - 1, VERDICT_OK, 1);
    s_answer (b, VERDICT_OK, 1);
    cr_assert (s_passes ("c", 2));
}

//  It was stored all the same, and its client is told: it will not say it again.
Test (posts, told)
{
    s_refuse ("a", 0);
    cr_assert_not (s_passes ("b", 1));
    post_queue_told (s_queue, TEXT ("x"), 2);
    cr_assert_not (s_passes ("c", 2));
    post_queue_told (s_queue, TEXT ("a"), 3);
    cr_assert_not (s_passes ("c", 3));
    cr_assert (s_passes ("b", 4));
    cr_assert (s_passes ("c", 4));
}

//  The refusal of one that was sent first comes last: it is the one to await.
Test (posts, answers_come_in_any_order)
{
    uint64_t a = s_post ("a", 0), b = s_post ("b", 0);
    (void) s_post ("c", 0);
    (void) s_post ("d", 0);
    s_answer (b, VERDICT_BUSY, 0);
    cr_assert_not (s_passes ("e", 0));
    s_answer (a, VERDICT_BUSY, 0);
    cr_assert_not (s_passes ("b", 1));
    post_queue_told (s_queue, TEXT ("a"), 2);
    cr_assert_not (s_passes ("c", 3));
    cr_assert (s_passes ("b", 3));
}

Test (posts, are_as_many_as_allowed)
{
    s_add ("a", true, 0);
    cr_assert_not (post_queue_is_full (s_queue));
    flow_control_add (rig_flow, FLOW_INBOXES, 1 << 20);
    cr_assert (post_queue_is_full (s_queue));
    flow_control_add (rig_flow, FLOW_INBOXES, -(1 << 20));
    s_add ("b", true, 0);
    cr_assert_not (post_queue_is_full (s_queue));
    s_add ("c", true, 0);
    cr_assert (post_queue_is_full (s_queue));
}
