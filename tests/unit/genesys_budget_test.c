//  genesys_budget — no minute has more calls than the rate, whenever it begins; polls have a third;
//  what is held is held exactly so long.

#include "platform/genesys_budget.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MINUTE_MS 60000u
#define STORY_MS (10 * MINUTE_MS)
#define CALLS_MOST 8000

static uint64_t s_times[CALLS_MOST]; //  of calls
static unsigned s_calls, s_polls;

//  As many calls as can be made, at every millisecond of `step` ms, with whoever waits.
static void
s_play (genesys_budget_t *budget, uint64_t begin_ms, uint64_t step_ms, bool polls, bool others)
{
    s_calls = s_polls = 0;
    for (uint64_t now_ms = begin_ms; now_ms < begin_ms + STORY_MS; now_ms += step_ms)
        for (;;) {
            bool can_poll = polls && genesys_budget_wait_ms (budget, SHARE_POLL, now_ms) == 0;
            bool can_other = others && genesys_budget_wait_ms (budget, SHARE_OPEN, now_ms) == 0;
            bool is_poll = can_poll && (!can_other || genesys_budget_is_polls_turn (budget));
            if (!can_poll && !can_other)
                break;
            genesys_budget_take (budget, is_poll ? SHARE_POLL : SHARE_OPEN, now_ms);
            cr_assert_lt (s_calls, CALLS_MOST);
            s_times[s_calls++] = now_ms;
            s_polls += is_poll;
        }
}

//  The most calls in any minute, wherever it begins.
static unsigned
s_most (void)
{
    unsigned most = 0;
    for (unsigned first = 0, last = 0; last < s_calls; last++) {
        while (s_times[last] - s_times[first] >= MINUTE_MS)
            first++;
        most = last - first + 1 > most ? last - first + 1 : most;
    }
    return most;
}

Test (genesys_budget, no_minute_has_more_than_the_rate)
{
    static const uint64_t rates[] = { 30, 31, 45, 60, 100, 299, 300, 301, 600 };
    for (size_t at = 0; at < sizeof rates / sizeof *rates; at++)
        for (uint64_t step_ms = 1; step_ms < 2000; step_ms = step_ms * 3 + 7) {
            genesys_budget_t budget = { 0 };
            genesys_budget_init (&budget, rates[at]);
            s_play (&budget, 1000000 + step_ms * 17, step_ms, true, true);
            cr_assert_lt (s_most (), rates[at], "%u of %u", s_most (), (unsigned) rates[at]);
            //  And it is used: four fifths of it, for ever.
            cr_assert_geq (s_calls, rates[at] * 8 - 10, "%u of %u", s_calls, (unsigned) rates[at]);
        }
}

Test (genesys_budget, polls_have_a_third_and_get_it)
{
    genesys_budget_t budget = { 0 };
    genesys_budget_init (&budget, 300);
    s_play (&budget, MINUTE_MS, 10, true, true);
    cr_assert_geq (s_polls * 3 + 9, s_calls, "%u of %u", s_polls, s_calls);
    cr_assert_leq (s_polls * 3, s_calls + 9, "%u of %u", s_polls, s_calls);
    //  Alone they have no more.
    budget = (genesys_budget_t){ 0 };
    genesys_budget_init (&budget, 300);
    s_play (&budget, MINUTE_MS, 10, true, false);
    cr_assert_eq (s_polls, s_calls);
    cr_assert_lt (s_most (), 100);
    cr_assert_geq (s_calls, 790, "%u", s_calls);
    //  And without them the others have all.
    budget = (genesys_budget_t){ 0 };
    genesys_budget_init (&budget, 300);
    s_play (&budget, MINUTE_MS, 10, false, true);
    cr_assert_geq (s_calls, 2400);
}

Test (genesys_budget, is_held_exactly)
{
    genesys_budget_t budget = { 0 };
    genesys_budget_init (&budget, 300);
    genesys_budget_hold (&budget, 100000 + 42000);
    genesys_budget_hold (&budget, 100000 + 10000); //  the longer one counts
    cr_assert_eq (genesys_budget_wait_ms (&budget, SHARE_OPEN, 100000), 42000);
    cr_assert_eq (genesys_budget_wait_ms (&budget, SHARE_POLL, 100000), 42000);
    cr_assert_eq (genesys_budget_wait_ms (&budget, SHARE_SPARE, 141999), 1);
    cr_assert_eq (genesys_budget_left (&budget, 141999), 0);
    cr_assert_eq (genesys_budget_wait_ms (&budget, SHARE_OPEN, 142000), 0);
    cr_assert_eq (genesys_budget_left (&budget, 142000), 45);
}

Test (genesys_budget, what_is_to_spare_is_what_is_left)
{
    genesys_budget_t budget = { 0 };
    genesys_budget_init (&budget, 300);
    unsigned spare = 0;
    while (genesys_budget_wait_ms (&budget, SHARE_SPARE, 5000) == 0) {
        genesys_budget_take (&budget, SHARE_SPARE, 5000);
        spare++;
    }
    cr_assert_eq (spare, 23, "%u", spare);
    cr_assert_eq (genesys_budget_wait_ms (&budget, SHARE_OPEN, 5000), 0);
    cr_assert_eq (genesys_budget_left (&budget, 5000), 22);
    cr_assert_eq (genesys_budget_polls_ms (&budget, 25), 18750, "25 conversations, a poll each");
}
