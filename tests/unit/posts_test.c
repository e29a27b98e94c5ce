//  posts — what must not be overtaken: behind a message that was refused all others are, until it,
//  or the first one behind it when it does not come any more, is said again.

#include "session/posts.h"

#include <criterion/criterion.h>

#define HOLD_MS 10000

//  Tickets rise with the ids.
static void
s_refuse (connection_t *connection, const char *id, uint64_t now_ms)
{
    post_t post = { .named = true,
                    .request_id = (uint64_t)*id,
                    .record = { .message_id = text_of (id) } };
    posts_hold_back (connection, &post, now_ms);
}

static bool
s_passes (connection_t *connection, const char *id, uint64_t now_ms)
{
    return !posts_is_held_back (connection, text_of (id), now_ms);
}

static void
s_end (connection_t *connection)
{
    free (connection->refused.id);
    free (connection->behind.id);
}

Test (posts, none_overtakes_a_refused_one)
{
    connection_t connection = { 0 };
    cr_assert (s_passes (&connection, "a", 0));
    s_refuse (&connection, "b", 1);
    cr_assert_not (s_passes (&connection, "c", 2));
    cr_assert_not (s_passes (&connection, "d", 2));
    cr_assert (s_passes (&connection, "b", 3));
    cr_assert (s_passes (&connection, "c", 3));
    cr_assert (s_passes (&connection, "d", 3));
    s_end (&connection);
}

//  The time ends in the middle of what is said again: what stands behind the first one refused must
//  not pass it.
Test (posts, the_next_one_is_waited_for)
{
    connection_t connection = { 0 };
    s_refuse (&connection, "a", 0);
    cr_assert_not (s_passes (&connection, "b", HOLD_MS - 1));
    cr_assert_not (s_passes (&connection, "c", HOLD_MS));
    cr_assert (s_passes (&connection, "b", HOLD_MS + 1));
    cr_assert (s_passes (&connection, "c", HOLD_MS + 1));
    s_end (&connection);
}

Test (posts, those_that_waited_are_behind_it_too)
{
    connection_t connection = { 0 };
    s_refuse (&connection, "a", 0);
    s_refuse (&connection, "b", 0);
    cr_assert_not (s_passes (&connection, "c", HOLD_MS));
    cr_assert (s_passes (&connection, "b", HOLD_MS));
    s_end (&connection);
}

Test (posts, given_up_with_nothing_behind_it)
{
    connection_t connection = { 0 };
    s_refuse (&connection, "a", 0);
    cr_assert (s_passes (&connection, "b", HOLD_MS));
    s_end (&connection);
}

//  It was stored all the same, and its client is told: it will not say it again.
Test (posts, told)
{
    connection_t connection = { 0 };
    s_refuse (&connection, "a", 0);
    cr_assert_not (s_passes (&connection, "b", 1));
    posts_is_told (&connection, TEXT ("x"), 2);
    cr_assert_not (s_passes (&connection, "c", 2));
    posts_is_told (&connection, TEXT ("a"), 3);
    cr_assert_not (s_passes (&connection, "c", 3));
    cr_assert (s_passes (&connection, "b", 4));
    cr_assert (s_passes (&connection, "c", 4));
    s_end (&connection);
}

Test (posts, answers_come_in_any_order)
{
    connection_t connection = { 0 };
    s_refuse (&connection, "b", 0);
    s_refuse (&connection, "d", 0);
    s_refuse (&connection, "c", 0);
    s_refuse (&connection, "a", 0);
    cr_assert_not (s_passes (&connection, "b", 1));
    posts_is_told (&connection, TEXT ("a"), 2);
    cr_assert_not (s_passes (&connection, "c", 3));
    cr_assert (s_passes (&connection, "b", 3));
    s_refuse (&connection, "b", 4);
    s_refuse (&connection, "d", 4);
    s_refuse (&connection, "c", 4);
    cr_assert_not (s_passes (&connection, "d", 4 + HOLD_MS));
    cr_assert (s_passes (&connection, "c", 4 + HOLD_MS));
    s_end (&connection);
}
