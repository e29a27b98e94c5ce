//  bearer — one renewal at a time, on a clock that the test moves. The renewal is a stand-in.

#include "http/bearer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static uint64_t s_now = 1000;
static unsigned s_renewals;
static char s_story[200];

static uint64_t
s_clock (void)
{
    return s_now;
}

static void
s_renew (void *owner, bearer_t *bearer)
{
    (void) bearer;
    s_renewals++;
    if (owner)
        bearer_failed (bearer, owner, 0); //  at once
}

static bearer_t *
s_bearer (void *owner)
{
    return bearer_new (&(bearer_config_t){ .name = "test",
                                           .margin_ms = 10000,
                                           .waiters = 3,
                                           .backoff_first_ms = 4000,
                                           .backoff_most_ms = 4000,
                                           .now_ms = s_clock,
                                           .renew = s_renew,
                                           .owner = owner });
}

typedef struct {
    bearer_wait_t wait;
    bearer_t *bearer;
    const char *name;
} waiter_t;

//  Asks again, as one does who was called.
static void
s_come (bearer_wait_t *wait)
{
    waiter_t *self = LIST_THING (wait, waiter_t, wait);
    bool is_here = bearer_want (self->bearer, wait) == BEARER_HERE;
    size_t size = strlen (s_story);
    snprintf (s_story + size, sizeof s_story - size, "%s:%s ", self->name,
              is_here ? bearer_token (self->bearer) : "none");
}

static waiter_t
s_waiter (bearer_t *bearer, const char *name)
{
    return (waiter_t){ .wait.come = s_come, .bearer = bearer, .name = name };
}

Test (bearer, many_wait_for_one_renewal)
{
    bearer_t *bearer = s_bearer (NULL);
    waiter_t a = s_waiter (bearer, "a"), b = s_waiter (bearer, "b"), c = s_waiter (bearer, "c"),
             d = s_waiter (bearer, "d");
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_LATER);
    cr_assert_eq (bearer_want (bearer, &b.wait), BEARER_LATER);
    cr_assert_eq (bearer_want (bearer, &c.wait), BEARER_LATER);
    cr_assert_eq (bearer_want (bearer, &d.wait), BEARER_NEVER, "waiters are bounded");
    bearer_leave (&b.wait);
    bearer_leave (&d.wait);
    cr_assert_eq (s_renewals, 1);
    bearer_renewed (bearer, TEXT ("t1"), 100000);
    cr_assert_str_eq (s_story, "a:t1 c:t1 ");
    cr_assert_eq (bearer_want (bearer, &d.wait), BEARER_HERE);
    cr_assert_eq (s_renewals, 1);
    bearer_destroy (&bearer);
}

Test (bearer, renewed_ahead_of_its_end_and_used_meanwhile)
{
    bearer_t *bearer = s_bearer (NULL);
    waiter_t a = s_waiter (bearer, "a");
    (void) bearer_want (bearer, &a.wait);
    bearer_renewed (bearer, TEXT ("t1"), 100000);
    s_now += 100000 - 10001;
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_HERE);
    cr_assert_eq (s_renewals, 1);
    s_now += 1;
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_HERE);
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_HERE);
    cr_assert_eq (s_renewals, 2);
    cr_assert_str_eq (bearer_token (bearer), "t1");
    s_now += 10000;
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_LATER, "it has run out");
    bearer_renewed (bearer, TEXT ("t2"), 100000);
    cr_assert_str_eq (bearer_token (bearer), "t2");
    bearer_destroy (&bearer);
}

//  A margin of ten seconds would renew a token of five all the time.
Test (bearer, the_margin_is_a_part_of_a_short_life)
{
    bearer_t *bearer = s_bearer (NULL);
    waiter_t a = s_waiter (bearer, "a");
    (void) bearer_want (bearer, &a.wait);
    bearer_renewed (bearer, TEXT ("t1"), 5000);
    s_now += 3999;
    (void) bearer_want (bearer, &a.wait);
    cr_assert_eq (s_renewals, 1);
    s_now += 1;
    (void) bearer_want (bearer, &a.wait);
    cr_assert_eq (s_renewals, 2);
    bearer_destroy (&bearer);
}

Test (bearer, a_failure_is_told_to_all_and_not_repeated_at_once)
{
    bearer_t *bearer = s_bearer (NULL);
    waiter_t a = s_waiter (bearer, "a"), b = s_waiter (bearer, "b");
    (void) bearer_want (bearer, &a.wait);
    (void) bearer_want (bearer, &b.wait);
    bearer_failed (bearer, "status 401", 60000);
    cr_assert_str_eq (s_story, "a:none b:none ");
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_NEVER);
    s_now += 59999;
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_NEVER);
    cr_assert_eq (s_renewals, 1);
    s_now += 1;
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_LATER);
    cr_assert_eq (s_renewals, 2);
    bearer_leave (&a.wait);
    bearer_destroy (&bearer);
}

Test (bearer, an_old_token_is_used_while_renewals_fail)
{
    bearer_t *bearer = s_bearer (NULL);
    waiter_t a = s_waiter (bearer, "a");
    (void) bearer_want (bearer, &a.wait);
    bearer_renewed (bearer, TEXT ("t1"), 100000);
    s_now += 95000;
    (void) bearer_want (bearer, &a.wait);
    bearer_failed (bearer, "timeout", 0);
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_HERE);
    cr_assert_eq (s_renewals, 2);
    bearer_destroy (&bearer);
}

Test (bearer, a_refused_token_is_dropped_once)
{
    bearer_t *bearer = s_bearer (NULL);
    waiter_t a = s_waiter (bearer, "a");
    (void) bearer_want (bearer, &a.wait);
    bearer_renewed (bearer, TEXT ("t1"), 100000);
    uint64_t old = bearer_serial (bearer);
    bearer_refused (bearer, old);
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_LATER);
    bearer_renewed (bearer, TEXT ("t2"), 100000);
    bearer_refused (bearer, old); //  another call, which was sent with the first one
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_HERE);
    cr_assert_eq (s_renewals, 2);
    bearer_destroy (&bearer);
}

Test (bearer, tokens_that_cannot_stand_in_a_header)
{
    static const char *const tokens[] = { "", "a b", "a\r\nX-Injected: yes", "a\tb", "ä", "a\x7f" };
    for (size_t row = 0; row < sizeof tokens / sizeof *tokens; row++) {
        bearer_t *bearer = s_bearer (NULL);
        waiter_t a = s_waiter (bearer, "a");
        (void) bearer_want (bearer, &a.wait);
        bearer_renewed (bearer, text_of (tokens[row]), 100000);
        cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_NEVER, "%s", tokens[row]);
        bearer_destroy (&bearer);
    }
}

Test (bearer, a_renewal_that_fails_at_once)
{
    bearer_t *bearer = s_bearer ("no call can be made");
    waiter_t a = s_waiter (bearer, "a");
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_NEVER);
    cr_assert_eq (bearer_want (bearer, &a.wait), BEARER_NEVER);
    cr_assert_eq (s_renewals, 1);
    bearer_destroy (&bearer);
}
