//  endpoint — which posts are taken: none overtakes one that its client sent before it.

#include "session/endpoint.h"

#include <criterion/criterion.h>

static endpoint_t *s_endpoint;

static void
s_setup (void)
{
    s_endpoint = endpoint_new (NULL, 1, &(bus_attach_t){ .endpoint = 5, .user = TEXT ("u") });
}

static void
s_teardown (void)
{
    endpoint_destroy (&s_endpoint);
}

TestSuite (endpoint, .init = s_setup, .fini = s_teardown);

//  Decided on: refused when its order says so, else with the verdict.
static verdict_t
s_decide (operation_t *post, verdict_t verdict)
{
    if (endpoint_takes (s_endpoint, post))
        post->verdict = verdict;
    endpoint_note_post (s_endpoint, post);
    return post->verdict;
}

static operation_t
s_post (uint64_t request_id, uint64_t after)
{
    return (operation_t){ .kind = OPERATION_POST,
                          .record = { .kind = BUS_POST,
                                      .post = { .request_id = request_id,
                                                .after = after,
                                                .event = EVENT_NEW_MESSAGE } } };
}

static verdict_t
s_decide_new (uint64_t request_id, uint64_t after, verdict_t verdict)
{
    operation_t post = s_post (request_id, after);
    return s_decide (&post, verdict);
}

Test (endpoint, what_follows_a_refused_post_is_refused)
{
    cr_assert_eq (s_decide_new (10, 0, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide_new (11, 10, VERDICT_BUSY), VERDICT_BUSY);
    cr_assert_eq (s_decide_new (12, 11, VERDICT_OK), VERDICT_BUSY);
    cr_assert_eq (s_decide_new (13, 12, VERDICT_OK), VERDICT_BUSY);
    //  Its client begins anew with the refused one.
    cr_assert_eq (s_decide_new (14, 0, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide_new (15, 14, VERDICT_DUPLICATE), VERDICT_DUPLICATE);
    cr_assert_eq (s_decide_new (16, 15, VERDICT_OK), VERDICT_OK);
}

//  One that was refused before it came here, because too much waited: nothing was noted.
Test (endpoint, what_follows_an_unknown_post_is_refused)
{
    cr_assert_eq (s_decide_new (21, 20, VERDICT_OK), VERDICT_BUSY);
    cr_assert_eq (s_decide_new (22, 0, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide_new (23, 21, VERDICT_OK), VERDICT_OK, "21 is settled: 22 came after it");
}

Test (endpoint, a_post_refused_for_good_holds_nobody_back)
{
    cr_assert_eq (s_decide_new (30, 0, VERDICT_BAD_REQUEST), VERDICT_BAD_REQUEST);
    cr_assert_eq (s_decide_new (31, 30, VERDICT_OK), VERDICT_OK);
}

static verdict_t
s_decide_take (uint64_t request_id, uint64_t after)
{
    operation_t post = s_post (request_id, after);
    post.record.post.event = EVENT_BARGE_IN;
    return s_decide (&post, VERDICT_OK);
}

//  Whoever takes control on another connection meanwhile: what was said here before is not to come
//  behind what is said there again.
Test (endpoint, what_follows_words_without_control_waits_for_control)
{
    cr_assert_eq (s_decide_new (10, 0, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide_new (11, 10, VERDICT_NOT_IN_CONTROL), VERDICT_NOT_IN_CONTROL);
    cr_assert_eq (s_decide_new (12, 11, VERDICT_OK), VERDICT_NOT_IN_CONTROL);
    cr_assert_eq (s_decide_new (13, 12, VERDICT_OK), VERDICT_NOT_IN_CONTROL);
    cr_assert_eq (s_decide_take (14, 13), VERDICT_OK);
    cr_assert_eq (s_decide_new (15, 14, VERDICT_OK), VERDICT_OK);
}

Test (endpoint, control_that_is_taken_without_an_order)
{
    cr_assert_eq (s_decide_new (10, 0, VERDICT_NOT_IN_CONTROL), VERDICT_NOT_IN_CONTROL);
    cr_assert_eq (s_decide_take (11, 11), VERDICT_OK);
    cr_assert_eq (s_decide_new (12, 10, VERDICT_OK), VERDICT_OK);
    //  It does not settle what was refused for now.
    cr_assert_eq (s_decide_new (13, 12, VERDICT_BUSY), VERDICT_BUSY);
    cr_assert_eq (s_decide_take (14, 14), VERDICT_OK);
    cr_assert_eq (s_decide_new (15, 13, VERDICT_OK), VERDICT_BUSY);
}

//  A lost changeset: all of its posts are decided on again, and the first one is refused now.
Test (endpoint, what_was_taken_behind_it_is_not_any_more)
{
    operation_t first = s_post (40, 0), second = s_post (41, 40);
    cr_assert_eq (s_decide (&first, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide (&second, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide (&first, VERDICT_BUSY), VERDICT_BUSY);
    cr_assert_eq (s_decide (&second, VERDICT_OK), VERDICT_BUSY);
}

//  And one that was refused stays so, although the post that it followed came again meanwhile.
Test (endpoint, once_refused_is_refused)
{
    operation_t behind = s_post (51, 50), again = s_post (52, 0);
    cr_assert_eq (s_decide (&behind, VERDICT_OK), VERDICT_BUSY);
    cr_assert_eq (s_decide (&again, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide (&behind, VERDICT_OK), VERDICT_BUSY);
    cr_assert_eq (s_decide (&again, VERDICT_OK), VERDICT_OK);
}

Test (endpoint, a_post_without_order_changes_none)
{
    cr_assert_eq (s_decide_new (60, 0, VERDICT_BUSY), VERDICT_BUSY);
    cr_assert_eq (s_decide_new (61, 61, VERDICT_OK), VERDICT_OK);
    cr_assert_eq (s_decide_new (62, 60, VERDICT_OK), VERDICT_BUSY);
}
