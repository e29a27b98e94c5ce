//  posts — what must not be overtaken: behind a message that was refused all others are held back,
//  until it comes again, or the first one behind it when it does not come.

#include "session/posts.h"

#include <criterion/criterion.h>

#define HOLD_MS 10000

static edge_config_t s_config = { .backlog_limit = 1 << 20 };
static flow_control_t *s_flow;
static posts_t *s_posts;
static post_queue_t *s_queue;

static void
s_begin (void)
{
    s_flow = flow_control_new (&s_config);
    s_posts = posts_new (s_flow);
    s_queue = post_queue_new (s_posts, 5, NULL);
}

static void
s_end (void)
{
    post_queue_destroy (&s_queue);
    posts_destroy (&s_posts);
    flow_control_destroy (&s_flow);
}

TestSuite (posts, .init = s_begin, .fini = s_end);

//  Request ids rise with the message ids.
static void
s_refuse (const char *id, uint64_t now_ms)
{
    post_t post = { .is_named = true,
                    .queue = s_queue,
                    .request_id = (uint64_t)*id,
                    .record = { .message_id = text_of (id) } };
    post_hold_back (&post, now_ms);
}

static bool
s_passes (const char *id, uint64_t now_ms)
{
    return !post_queue_is_held_back (s_queue, text_of (id), now_ms);
}

static post_t *
s_add (const char *id, bool is_named)
{
    bus_post_t record = { .session = TEXT ("demo/s"),
                          .message_id = text_of (id),
                          .sender = TEXT ("{}"),
                          .data = text_of (id),
                          .secret = TEXT_EMPTY };
    return post_queue_add (s_queue, &record, is_named, 100);
}

Test (posts, are_kept_whole_until_they_are_removed)
{
    post_t *post = s_add ("a", true);
    cr_assert_eq (posts_find (s_posts, post->request_id), post);
    cr_assert (text_is (post->record.data, TEXT ("a")));
    cr_assert_eq (post->record.endpoint, 5);
    cr_assert_eq (post->record.request_id, post->request_id);
    cr_assert_eq (post_queue_bytes (s_queue), post->bytes);
    uint64_t request_id = post->request_id;
    post_remove (&post);
    cr_assert_null (posts_find (s_posts, request_id));
    cr_assert_eq (post_queue_count (s_queue), 0);
    cr_assert_eq (post_queue_bytes (s_queue), 0);
    cr_assert (post_queue_is_idle (s_queue));
}

//  Nothing of the caller's record is used later.
Test (posts, have_copies_of_all_texts)
{
    char bytes[] = "abcdefghijklmnopqrstuvwxyz";
    bus_record_t record = { .kind = BUS_POST };
    text_t *texts[BUS_TEXTS_MAX];
    size_t count = bus_record_texts (&record, texts);
    for (size_t at = 0; at < count; at++)
        *texts[at] = (text_t){ bytes + at, 1 };
    post_t *post = post_queue_add (s_queue, &record.post, true, 100);
    memset (bytes, '?', sizeof bytes);
    cr_assert_eq (post->bytes, sizeof *post + 2 * count);
    record.post = post->record;
    for (size_t at = 0; at < count; at++)
        cr_assert (text_is (*texts[at], (text_t){ &"abcdefgh"[at], 1 }), "text %zu", at);
}

Test (posts, are_sent_in_order_and_again)
{
    post_t *a = s_add ("a", true), *b = s_add ("b", false), *c = s_add ("c", true);
    cr_assert_eq (post_queue_next_unsent (s_queue), a);
    a->postoffice = b->postoffice = 1;
    cr_assert_eq (post_queue_next_unsent (s_queue), c);
    c->postoffice = 1;
    cr_assert_null (post_queue_next_unsent (s_queue));
    post_queue_unsend (s_queue);
    cr_assert_eq (post_queue_next_unsent (s_queue), a);
    //  What its client does not name has no order; it is not waited for either.
    cr_assert_eq (post_before (a), 0);
    cr_assert_eq (post_before (b), b->request_id);
    cr_assert_eq (post_before (c), a->request_id);
}

//  What was ever sent has another time limit.
Test (posts, stand_by_age_sent_or_not)
{
    post_t *a = s_add ("a", true), *b = s_add ("b", true);
    cr_assert_eq (posts_oldest (s_posts, false), a);
    cr_assert_null (posts_oldest (s_posts, true));
    post_sent (a, 1);
    cr_assert_eq (a->postoffice, 1);
    cr_assert_eq (posts_oldest (s_posts, false), b);
    cr_assert_eq (posts_oldest (s_posts, true), a);
    post_sent (b, 1);
    post_queue_unsend (s_queue);
    cr_assert_null (posts_oldest (s_posts, false));
    cr_assert_eq (posts_oldest (s_posts, true), a);
    post_sent (a, 2);
    post_remove (&a);
    cr_assert_eq (posts_oldest (s_posts, true), b);
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

//  The time ends in the middle of what is said again: what stands behind the first one refused must
//  not pass it.
Test (posts, the_next_one_is_waited_for)
{
    s_refuse ("a", 0);
    cr_assert_not (s_passes ("b", HOLD_MS - 1));
    cr_assert_not (s_passes ("c", HOLD_MS));
    cr_assert (s_passes ("b", HOLD_MS + 1));
    cr_assert (s_passes ("c", HOLD_MS + 1));
}

Test (posts, those_that_waited_are_behind_it_too)
{
    s_refuse ("a", 0);
    s_refuse ("b", 0);
    cr_assert_not (s_passes ("c", HOLD_MS));
    cr_assert (s_passes ("b", HOLD_MS));
}

Test (posts, given_up_with_nothing_behind_it)
{
    s_refuse ("a", 0);
    cr_assert (s_passes ("b", HOLD_MS));
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

Test (posts, answers_come_in_any_order)
{
    s_refuse ("b", 0);
    s_refuse ("d", 0);
    s_refuse ("c", 0);
    s_refuse ("a", 0);
    cr_assert_not (s_passes ("b", 1));
    post_queue_told (s_queue, TEXT ("a"), 2);
    cr_assert_not (s_passes ("c", 3));
    cr_assert (s_passes ("b", 3));
    s_refuse ("b", 4);
    s_refuse ("d", 4);
    s_refuse ("c", 4);
    cr_assert_not (s_passes ("d", 4 + HOLD_MS));
    cr_assert (s_passes ("c", 4 + HOLD_MS));
}
