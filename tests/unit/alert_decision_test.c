//  What becomes of an alert that is due: every finding, for one that has called nobody and for one
//  that has, and which of several counts.

#include "work/alert_decision.h"

#include <criterion/criterion.h>

typedef struct {
    alert_facts_t facts;
    bool has_no_rule, is_closed;
    alert_action_t first, later;
} row_t;

static const row_t s_table[] = {
    { .first = ALERT_CALL, .later = ALERT_CALL },
    { .is_closed = true, .first = ALERT_HOLD, .later = ALERT_HOLD },
    { .facts = { .is_full = true }, .first = ALERT_SUPPRESS, .later = ALERT_CALL },
    { .facts = { .is_double = true }, .first = ALERT_SUPPRESS, .later = ALERT_CALL },
    //  What is suppressed is not held, and so is counted at once.
    { .facts = { .is_double = true },
      .is_closed = true,
      .first = ALERT_SUPPRESS,
      .later = ALERT_CALL },
    { .facts = { .is_over = true }, .first = ALERT_END_OVER, .later = ALERT_END_OVER },
    //  Acknowledged in closed hours: it does not wait for them.
    { .facts = { .is_over = true, .is_full = true },
      .is_closed = true,
      .first = ALERT_END_OVER,
      .later = ALERT_END_OVER },
    { .facts = { .is_seen = true, .is_over = true, .is_double = true },
      .first = ALERT_END_SEEN,
      .later = ALERT_END_SEEN },
    { .facts = { .is_acknowledged = true, .is_seen = true, .is_over = true },
      .is_closed = true,
      .first = ALERT_END_ACKNOWLEDGED,
      .later = ALERT_END_ACKNOWLEDGED },
    { .facts = { .is_acknowledged = true },
      .has_no_rule = true,
      .first = ALERT_GIVE_UP,
      .later = ALERT_GIVE_UP },
};

Test (alert_decision, follows_the_table)
{
    for (size_t at = 0; at < sizeof s_table / sizeof *s_table; at++) {
        const row_t *row = &s_table[at];
        alert_finding_t finding =
            alert_finding_of (&row->facts, !row->has_no_rule, row->is_closed);
        cr_expect_eq (alert_action_of (finding, true), row->first, "row %zu, first", at);
        cr_expect_eq (alert_action_of (finding, false), row->later, "row %zu, later", at);
    }
}

Test (alert_decision, names_what_was_found)
{
    for (alert_finding_t finding = 0; finding < ALERT_FINDINGS; finding++)
        cr_expect (alert_finding_words (finding) && *alert_finding_words (finding));
}

Test (alert_decision, leaves_each_in_a_state_of_its_own)
{
    cr_expect_eq (alert_state_behind (ALERT_CALL), ALERT_OPEN);
    cr_expect_eq (alert_state_behind (ALERT_HOLD), ALERT_OPEN);
    cr_expect_eq (alert_state_behind (ALERT_SUPPRESS), ALERT_SUPPRESSED);
    cr_expect_eq (alert_state_behind (ALERT_END_SEEN), ALERT_SEEN);
    cr_expect_eq (alert_state_behind (ALERT_GIVE_UP), ALERT_GIVEN_UP);
}
