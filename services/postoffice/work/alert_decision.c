#include "work/alert_decision.h"

static const struct {
    alert_action_t first, later;
    const char *words;
} s_rows[ALERT_FINDINGS] = {
#define ALERT_FINDING(NAME, FIRST, LATER, words)                                                 \
    [ALERT_FINDS_##NAME] = { ALERT_##FIRST, ALERT_##LATER, words },
#include "work/alert_decisions.def"
#undef ALERT_FINDING
};

alert_finding_t
alert_finding_of (const alert_facts_t *facts, bool has_rule, bool is_closed)
{
    const bool is_so[ALERT_FINDINGS] = { [ALERT_FINDS_NO_RULE] = !has_rule,
                                         [ALERT_FINDS_ACKNOWLEDGED] = facts->is_acknowledged,
                                         [ALERT_FINDS_SEEN] = facts->is_seen,
                                         [ALERT_FINDS_OVER] = facts->is_over,
                                         [ALERT_FINDS_DOUBLE] = facts->is_double,
                                         [ALERT_FINDS_FULL] = facts->is_full,
                                         [ALERT_FINDS_CLOSED] = is_closed,
                                         [ALERT_FINDS_NOTHING] = true };
    alert_finding_t finding = 0;
    while (!is_so[finding])
        finding++;
    return finding;
}

alert_action_t
alert_action_of (alert_finding_t finding, bool is_first)
{
    return is_first ? s_rows[finding].first : s_rows[finding].later;
}

alert_state_t
alert_state_behind (alert_action_t action)
{
    static const alert_state_t states[] = { [ALERT_CALL] = ALERT_OPEN,
                                            [ALERT_HOLD] = ALERT_OPEN,
                                            [ALERT_SUPPRESS] = ALERT_SUPPRESSED,
                                            [ALERT_END_ACKNOWLEDGED] = ALERT_ACKNOWLEDGED,
                                            [ALERT_END_SEEN] = ALERT_SEEN,
                                            [ALERT_END_OVER] = ALERT_OVER,
                                            [ALERT_GIVE_UP] = ALERT_GIVEN_UP };
    return states[action];
}

const char *
alert_finding_words (alert_finding_t finding)
{
    return s_rows[finding].words;
}
