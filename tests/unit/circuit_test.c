//  circuit — when an app's bot is asked, and when not: all states and events, the run of failures
//  that opens it, its pauses, and what closes it.

#include "work/circuit.h"

#include <criterion/criterion.h>

static const circuit_rules_t s_rules = {
    .failures = 3, .answers = 2, .open_ms = 1000, .open_most_ms = 8000
};

static uint64_t s_now_ms = 100000;

//  Each failure is of another session.
static bool
s_happens_with (circuit_t *circuit, circuit_event_t event, uint64_t tries, uint64_t chance)
{
    static uint64_t session;
    return circuit_happens (circuit, &s_rules,
                            &(circuit_news_t){ .event = event,
                                               .tries = tries,
                                               .by = ++session,
                                               .now_ms = s_now_ms,
                                               .chance = chance });
}

static bool
s_happens (circuit_t *circuit, circuit_event_t event)
{
    return s_happens_with (circuit, event, 1, 0);
}

//  Until it is open, from being closed.
static void
s_open (circuit_t *circuit, uint64_t chance)
{
    s_happens_with (circuit, CIRCUIT_EVENT_FAILED, 2, chance);
    s_happens_with (circuit, CIRCUIT_EVENT_FAILED, 2, chance);
    cr_assert_eq (circuit->state, CIRCUIT_OPEN);
}

//  One in that state, one step from whatever a single event can do there.
static circuit_t
s_in (circuit_state_t state)
{
    circuit_t circuit = { .state = CIRCUIT_CLOSED };
    s_happens (&circuit, CIRCUIT_EVENT_FAILED);
    s_happens (&circuit, CIRCUIT_EVENT_FAILED);
    if (state == CIRCUIT_CLOSED)
        return circuit;
    s_happens (&circuit, CIRCUIT_EVENT_FAILED);
    if (state == CIRCUIT_OPEN)
        return circuit;
    s_happens (&circuit, CIRCUIT_EVENT_DUE);
    s_happens (&circuit, CIRCUIT_EVENT_ANSWERED);
    return circuit;
}

Test (circuit, every_event_in_every_state)
{
    static const circuit_state_t s_becomes[CIRCUIT_STATES][CIRCUIT_EVENTS] = {
        [CIRCUIT_CLOSED] = { [CIRCUIT_EVENT_ANSWERED] = CIRCUIT_CLOSED,
                             [CIRCUIT_EVENT_FAILED] = CIRCUIT_OPEN,
                             [CIRCUIT_EVENT_UNCLEAR] = CIRCUIT_CLOSED,
                             [CIRCUIT_EVENT_DUE] = CIRCUIT_CLOSED },
        [CIRCUIT_OPEN] = { [CIRCUIT_EVENT_ANSWERED] = CIRCUIT_OPEN,
                           [CIRCUIT_EVENT_FAILED] = CIRCUIT_OPEN,
                           [CIRCUIT_EVENT_UNCLEAR] = CIRCUIT_OPEN,
                           [CIRCUIT_EVENT_DUE] = CIRCUIT_HALF_OPEN },
        [CIRCUIT_HALF_OPEN] = { [CIRCUIT_EVENT_ANSWERED] = CIRCUIT_CLOSED,
                                [CIRCUIT_EVENT_FAILED] = CIRCUIT_OPEN,
                                [CIRCUIT_EVENT_UNCLEAR] = CIRCUIT_HALF_OPEN,
                                [CIRCUIT_EVENT_DUE] = CIRCUIT_HALF_OPEN },
    };
    for (circuit_state_t state = CIRCUIT_CLOSED; state < CIRCUIT_STATES; state++)
        for (circuit_event_t event = CIRCUIT_EVENT_ANSWERED; event < CIRCUIT_EVENTS; event++) {
            circuit_t circuit = s_in (state);
            cr_assert_eq (circuit.state, state);
            bool has_moved = s_happens (&circuit, event);
            cr_assert_eq (circuit.state, s_becomes[state][event], "event %d in %s is %s",
                          (int) event, circuit_label (state), circuit_label (circuit.state));
            cr_assert_eq (has_moved, circuit.state != state);
        }
}

Test (circuit, only_failures_in_a_row_open_it)
{
    circuit_t circuit = { .state = CIRCUIT_CLOSED };
    for (int round = 0; round < 10; round++) {
        s_happens (&circuit, CIRCUIT_EVENT_FAILED);
        s_happens (&circuit, CIRCUIT_EVENT_FAILED);
        s_happens (&circuit, CIRCUIT_EVENT_ANSWERED);
        cr_assert_eq (circuit.state, CIRCUIT_CLOSED);
    }
    s_happens (&circuit, CIRCUIT_EVENT_FAILED);
    s_happens (&circuit, CIRCUIT_EVENT_UNCLEAR); //  neither for it nor against it
    s_happens (&circuit, CIRCUIT_EVENT_FAILED);
    cr_assert (s_happens (&circuit, CIRCUIT_EVENT_FAILED));
    cr_assert_eq (circuit.state, CIRCUIT_OPEN);
}

//  Of one session all that fails may be one question that is too much for a bot that is well.
Test (circuit, failures_of_one_session_do_not_open_it)
{
    circuit_t circuit = { .state = CIRCUIT_CLOSED };
    circuit_news_t news = { .event = CIRCUIT_EVENT_FAILED, .tries = 3, .by = 7 };
    for (int round = 0; round < 10; round++)
        cr_assert (!circuit_happens (&circuit, &s_rules, &news));
    news.by = 8;
    cr_assert (circuit_happens (&circuit, &s_rules, &news));
    cr_assert_eq (circuit.state, CIRCUIT_OPEN);
}

static uint64_t
s_pause_ms (const circuit_t *circuit)
{
    return circuit->due_ms - s_now_ms;
}

Test (circuit, pauses_double_up_to_the_longest)
{
    static const uint64_t s_pauses_ms[] = { 1000, 2000, 4000, 8000, 8000 };
    circuit_t circuit = s_in (CIRCUIT_OPEN);
    for (size_t at = 0; at < sizeof s_pauses_ms / sizeof *s_pauses_ms; at++) {
        cr_assert_eq (s_pause_ms (&circuit), s_pauses_ms[at]);
        s_now_ms = circuit.due_ms;
        s_happens (&circuit, CIRCUIT_EVENT_DUE);
        s_happens (&circuit, CIRCUIT_EVENT_FAILED);
    }
}

static void
s_close (circuit_t *circuit)
{
    s_now_ms = circuit->due_ms;
    s_happens (circuit, CIRCUIT_EVENT_DUE);
    s_happens (circuit, CIRCUIT_EVENT_ANSWERED);
    cr_assert_eq (circuit->state, CIRCUIT_HALF_OPEN);
    s_happens (circuit, CIRCUIT_EVENT_ANSWERED);
    cr_assert_eq (circuit->state, CIRCUIT_CLOSED);
}

Test (circuit, one_that_opens_again_soon_goes_on_doubling)
{
    circuit_t circuit = s_in (CIRCUIT_OPEN);
    s_close (&circuit);
    s_now_ms += s_rules.open_most_ms;
    s_open (&circuit, 0);
    cr_assert_eq (s_pause_ms (&circuit), 2000);
    s_close (&circuit);
    s_now_ms += s_rules.open_most_ms + 1;
    s_open (&circuit, 0);
    cr_assert_eq (s_pause_ms (&circuit), 1000);
}

Test (circuit, chance_makes_a_pause_longer_by_a_quarter_at_most)
{
    uint64_t shortest = UINT64_MAX, longest = 0;
    for (uint64_t chance = 0; chance < 5000; chance++) {
        circuit_t circuit = { .state = CIRCUIT_CLOSED };
        s_open (&circuit, chance);
        uint64_t pause = s_pause_ms (&circuit);
        shortest = pause < shortest ? pause : shortest;
        longest = pause > longest ? pause : longest;
    }
    cr_assert_eq (shortest, 1000);
    cr_assert_eq (longest, 1250);
}
