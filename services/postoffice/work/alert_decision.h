//  alert_decision — what becomes of an alert that is due, by the table alert_decisions.def.

#ifndef ALERT_DECISION_H
#define ALERT_DECISION_H

#include "read/alert_runs.h"

typedef enum {
#define ALERT_FINDING(NAME, FIRST, LATER, words) ALERT_FINDS_##NAME,
#include "work/alert_decisions.def"
#undef ALERT_FINDING
    ALERT_FINDINGS
} alert_finding_t;

typedef enum {
    ALERT_CALL,
    ALERT_HOLD,
    ALERT_SUPPRESS,
    ALERT_END_ACKNOWLEDGED,
    ALERT_END_SEEN,
    ALERT_END_OVER,
    ALERT_GIVE_UP
} alert_action_t;

//  The first finding that is so. `is_closed`: it is not in the rule's hours.
alert_finding_t alert_finding_of (const alert_facts_t *facts, bool has_rule, bool is_closed);
alert_action_t alert_action_of (alert_finding_t finding, bool is_first);
//  The state that the action leaves it in, but for ALERT_CALL of the last step.
alert_state_t alert_state_behind (alert_action_t action);
const char *alert_finding_words (alert_finding_t finding);

#endif
