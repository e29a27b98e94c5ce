//  send_window — which posts are refused because of one before them.

#include "rules/send_window.h"

#include <criterion/criterion.h>

static bool
s_include (send_window_t *send_windows, peer_t peer, uint64_t post, uint64_t after)
{
    return send_window_include (
        send_windows, peer, &(bus_post_t){ .endpoint = 5, .request_id = post, .after = after });
}

static void
s_refuse (send_window_t *send_windows, peer_t peer, uint64_t post)
{
    send_window_note (send_windows, peer, &(bus_post_t){ .endpoint = 5, .request_id = post },
                      1000);
}

Test (send_window, a_run_goes_on_until_something_follows_none_of_it)
{
    send_window_t *send_windows = send_window_new ();
    cr_assert_not (s_include (send_windows, 1, 10, 0));
    s_refuse (send_windows, 1, 10);
    cr_assert (s_include (send_windows, 1, 11, 10));
    s_refuse (send_windows, 1, 11);
    cr_assert (s_include (send_windows, 1, 12, 11));
    cr_assert_not (s_include (send_windows, 1, 13, 0));
    cr_assert_not (s_include (send_windows, 1, 14, 13));
    cr_assert_eq (send_window_count (send_windows), 0);
    send_window_destroy (&send_windows);
    send_window_destroy (&send_windows);
}

//  A changeset was lost: what was decided on before the refusal is decided on again behind it.
Test (send_window, earlier_posts_do_not_end_a_run)
{
    send_window_t *send_windows = send_window_new ();
    s_refuse (send_windows, 1, 12);
    cr_assert_not (s_include (send_windows, 1, 10, 0));
    cr_assert_not (s_include (send_windows, 1, 11, 10));
    cr_assert (s_include (send_windows, 1, 13, 12));
    s_refuse (send_windows, 1, 10);
    cr_assert (s_include (send_windows, 1, 11, 10), "now its predecessor is refused, too");
    send_window_destroy (&send_windows);
}

Test (send_window, endpoints_and_edges_are_told_apart)
{
    send_window_t *send_windows = send_window_new ();
    s_refuse (send_windows, 1, 10);
    cr_assert_not (s_include (send_windows, 2, 11, 10));
    s_refuse (send_windows, 2, 10);
    send_window_forget_peer (send_windows, 1);
    cr_assert_not (s_include (send_windows, 1, 11, 10));
    cr_assert (s_include (send_windows, 2, 11, 10));
    send_window_forget (send_windows, 2, 5);
    send_window_forget (send_windows, 2, 5);
    cr_assert_not (s_include (send_windows, 2, 11, 10));
    send_window_destroy (&send_windows);
}

//  `barge in`, say, between two messages: it neither belongs to them nor begins anew.
Test (send_window, what_is_of_no_run_ends_none)
{
    send_window_t *send_windows = send_window_new ();
    send_window_note (send_windows, 1,
                      &(bus_post_t){ .endpoint = 5, .request_id = 9, .after = 9 }, 1000);
    cr_assert_eq (send_window_count (send_windows), 0);
    s_refuse (send_windows, 1, 10);
    cr_assert_not (s_include (send_windows, 1, 11, 11));
    cr_assert (s_include (send_windows, 1, 12, 10));
    send_window_destroy (&send_windows);
}

Test (send_window, old_runs_are_forgotten)
{
    send_window_t *send_windows = send_window_new ();
    for (uint64_t endpoint = 0; endpoint < 3; endpoint++)
        send_window_note (send_windows, 1,
                          &(bus_post_t){ .endpoint = endpoint, .request_id = 10 }, endpoint);
    send_window_note (send_windows, 1,
                      &(bus_post_t){ .endpoint = 0, .request_id = 11, .after = 10 }, 3);
    send_window_expire (send_windows, SEND_WINDOW_KEPT_MS + 1);
    cr_assert_eq (send_window_count (send_windows), 2); //  endpoint 1 is gone
    send_window_expire (send_windows, SEND_WINDOW_KEPT_MS + 3);
    cr_assert_eq (send_window_count (send_windows), 0);
    send_window_destroy (&send_windows);
}

Test (send_window, the_oldest_goes_when_there_are_too_many)
{
    send_window_t *send_windows = send_window_new ();
    for (uint64_t endpoint = 1; endpoint <= SEND_WINDOW_MOST + 1; endpoint++)
        send_window_note (send_windows, 1,
                          &(bus_post_t){ .endpoint = endpoint, .request_id = 10 }, 0);
    cr_assert_eq (send_window_count (send_windows), SEND_WINDOW_MOST);
    cr_assert_not (send_window_include (
        send_windows, 1, &(bus_post_t){ .endpoint = 1, .request_id = 11, .after = 10 }));
    cr_assert (send_window_include (
        send_windows, 1, &(bus_post_t){ .endpoint = 2, .request_id = 11, .after = 10 }));
    send_window_destroy (&send_windows);
}
