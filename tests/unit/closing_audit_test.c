//  What chaos says of the closing of sessions, from the entries of a log.

#include "closing.h"

#include <criterion/criterion.h>

#define MS 1000u
#define CLOSE_AFTER (5000 * MS)

static closing_t s_session;

static closing_fault_t
s_pass (event_t event, unsigned role, unsigned at_ms)
{
    return closing_pass (&s_session, event, role, (uint64_t) at_ms * MS, CLOSE_AFTER);
}

#define IS(fault, event, role, at_ms)                                                              \
    cr_assert_eq (s_pass (EVENT_##event, ROLE_##role, at_ms), CLOSING_##fault, "%s",               \
                  closing_words (CLOSING_##fault))

static void
s_begin (void)
{
    s_session = (closing_t){ 0 };
    IS (GOOD, USER_JOINED, VISITOR, 1000);
    IS (GOOD, NEW_MESSAGE, VISITOR, 2000);
}

TestSuite (closing_audit, .init = s_begin);

Test (closing_audit, left_closed_and_reopened)
{
    IS (GOOD, USER_LEFT, VISITOR, 30000);
    IS (GOOD, SESSION_CLOSED, ROUTER, 35000);
    IS (GOOD, SESSION_REOPENED, ROUTER, 60000);
    IS (GOOD, USER_JOINED, VISITOR, 60000);
    IS (GOOD, USER_LEFT, VISITOR, 90000);
    IS (GOOD, SESSION_CLOSED, ROUTER, 96000);
    cr_assert_eq (s_session.closed, 2);
    cr_assert_eq (s_session.reopened, 1);
    cr_assert (s_session.is_closed);
}

//  Control is given back in the transaction of the closing.
Test (closing_audit, entries_of_one_transaction)
{
    IS (GOOD, USER_LEFT, VISITOR, 30000);
    IS (GOOD, BARGE_OUT, AGENT, 35000);
    IS (GOOD, SESSION_CLOSED, ROUTER, 35000);
}

Test (closing_audit, closed_twice)
{
    IS (GOOD, USER_LEFT, VISITOR, 30000);
    IS (GOOD, SESSION_CLOSED, ROUTER, 35000);
    IS (TWICE, SESSION_CLOSED, ROUTER, 41000);
}

Test (closing_audit, closed_while_somebody_is_there)
{
    IS (IN_COMPANY, SESSION_CLOSED, ROUTER, 50000);
}

Test (closing_audit, closed_while_the_agent_is_there)
{
    IS (GOOD, USER_JOINED, AGENT, 3000);
    IS (GOOD, USER_LEFT, VISITOR, 30000);
    IS (IN_COMPANY, SESSION_CLOSED, ROUTER, 50000);
}

//  A timer that somebody came back before.
Test (closing_audit, closed_too_early)
{
    IS (GOOD, USER_LEFT, VISITOR, 30000);
    IS (GOOD, NEW_MESSAGE, BOT, 32000);
    IS (EARLY, SESSION_CLOSED, ROUTER, 36999);
}

Test (closing_audit, goes_on_closed)
{
    IS (GOOD, USER_LEFT, VISITOR, 30000);
    IS (GOOD, SESSION_CLOSED, ROUTER, 35000);
    IS (GOES_ON, USER_JOINED, VISITOR, 36000);
}

Test (closing_audit, reopened_open)
{
    IS (OPEN, SESSION_REOPENED, ROUTER, 36000);
}
