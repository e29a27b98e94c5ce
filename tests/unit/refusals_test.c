//  refusals — which posts are refused because of one before them.

#include "refusals.h"

#include <criterion/criterion.h>

static bool
s_include (refusals_t *refusals, peer_t peer, uint64_t post, uint64_t follows)
{
    return refusals_include (refusals, peer,
                             &(bus_post_t){ .endpoint = 5, .post = post, .follows = follows });
}

static void
s_refuse (refusals_t *refusals, peer_t peer, uint64_t post)
{
    refusals_note (refusals, peer, &(bus_post_t){ .endpoint = 5, .post = post }, 1000);
}

Test (refusals, a_run_goes_on_until_something_follows_none_of_it)
{
    refusals_t *refusals = refusals_new ();
    cr_assert_not (s_include (refusals, 1, 10, 0));
    s_refuse (refusals, 1, 10);
    cr_assert (s_include (refusals, 1, 11, 10));
    s_refuse (refusals, 1, 11);
    cr_assert (s_include (refusals, 1, 12, 11));
    cr_assert_not (s_include (refusals, 1, 13, 0));
    cr_assert_not (s_include (refusals, 1, 14, 13));
    cr_assert_eq (refusals_count (refusals), 0);
    refusals_destroy (&refusals);
    refusals_destroy (&refusals);
}

//  A draft was lost: what was decided on before the refusal is decided on again behind it.
Test (refusals, earlier_posts_do_not_end_a_run)
{
    refusals_t *refusals = refusals_new ();
    s_refuse (refusals, 1, 12);
    cr_assert_not (s_include (refusals, 1, 10, 0));
    cr_assert_not (s_include (refusals, 1, 11, 10));
    cr_assert (s_include (refusals, 1, 13, 12));
    s_refuse (refusals, 1, 10);
    cr_assert (s_include (refusals, 1, 11, 10), "now its predecessor is refused, too");
    refusals_destroy (&refusals);
}

Test (refusals, endpoints_and_edges_are_told_apart)
{
    refusals_t *refusals = refusals_new ();
    s_refuse (refusals, 1, 10);
    cr_assert_not (s_include (refusals, 2, 11, 10));
    s_refuse (refusals, 2, 10);
    refusals_forget_peer (refusals, 1);
    cr_assert_not (s_include (refusals, 1, 11, 10));
    cr_assert (s_include (refusals, 2, 11, 10));
    refusals_forget (refusals, 2, 5);
    refusals_forget (refusals, 2, 5);
    cr_assert_not (s_include (refusals, 2, 11, 10));
    refusals_destroy (&refusals);
}

//  `barge in`, say, between two messages: it neither belongs to them nor begins anew.
Test (refusals, what_is_of_no_run_ends_none)
{
    refusals_t *refusals = refusals_new ();
    refusals_note (refusals, 1, &(bus_post_t){ .endpoint = 5, .post = 9, .follows = 9 }, 1000);
    cr_assert_eq (refusals_count (refusals), 0);
    s_refuse (refusals, 1, 10);
    cr_assert_not (s_include (refusals, 1, 11, 11));
    cr_assert (s_include (refusals, 1, 12, 10));
    refusals_destroy (&refusals);
}

Test (refusals, old_runs_are_forgotten)
{
    refusals_t *refusals = refusals_new ();
    for (uint64_t endpoint = 0; endpoint < 3; endpoint++)
        refusals_note (refusals, 1, &(bus_post_t){ .endpoint = endpoint, .post = 10 }, endpoint);
    refusals_note (refusals, 1, &(bus_post_t){ .endpoint = 0, .post = 11, .follows = 10 }, 3);
    refusals_expire (refusals, REFUSALS_KEPT_MS + 1);
    cr_assert_eq (refusals_count (refusals), 2); //  endpoint 1 is gone
    refusals_expire (refusals, REFUSALS_KEPT_MS + 3);
    cr_assert_eq (refusals_count (refusals), 0);
    refusals_destroy (&refusals);
}

Test (refusals, the_oldest_goes_when_there_are_too_many)
{
    refusals_t *refusals = refusals_new ();
    for (uint64_t endpoint = 1; endpoint <= REFUSALS_MOST + 1; endpoint++)
        refusals_note (refusals, 1, &(bus_post_t){ .endpoint = endpoint, .post = 10 }, 0);
    cr_assert_eq (refusals_count (refusals), REFUSALS_MOST);
    cr_assert_not (refusals_include (
        refusals, 1, &(bus_post_t){ .endpoint = 1, .post = 11, .follows = 10 }));
    cr_assert (refusals_include (refusals, 1,
                                 &(bus_post_t){ .endpoint = 2, .post = 11, .follows = 10 }));
    refusals_destroy (&refusals);
}
