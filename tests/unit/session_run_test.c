//  session_run — the machine of a session, all pairs of states and events: each is in the table
//  once, and does what the table says.

#include "office_rig.h"

#include <signal.h>

#define IS(STATE) (1u << SESSION_##STATE)

typedef struct {
    session_state_t state;
    session_event_t event;
    bool happens;
    unsigned ends;
    const char *words;
} pair_t;

static const pair_t s_pairs[] = {
#define RUN(STATE, EVENT, action, ENTERS, ends)                                                    \
    { SESSION_##STATE, SESSION_##EVENT, true, ends, #STATE " " #EVENT },
#define NEVER(STATE, EVENT) { SESSION_##STATE, SESSION_##EVENT, false, 0, #STATE " " #EVENT },
#include "session/session_run.def"
};

#define PAIRS (sizeof s_pairs / sizeof *s_pairs)

Test (session_run, each_pair_is_in_the_table_once)
{
    unsigned rows[SESSION_STATES][SESSION_EVENTS] = { { 0 } };
    for (size_t at = 0; at < PAIRS; at++)
        rows[s_pairs[at].state][s_pairs[at].event]++;
    for (int state = 0; state < SESSION_STATES; state++)
        for (int event = 0; event < SESSION_EVENTS; event++)
            cr_assert_eq (rows[state][event], 1, "state %d, event %d", state, event);
}

//  What the store will answer is settled when it is asked.
static void
s_ask_for (session_event_t event)
{
    if (event == SESSION_LOAD_FAILED || event == SESSION_DOWN)
        fake_store_next (FAKE_DOWN);
    else if (event == SESSION_UNSURE)
        fake_store_next (FAKE_UNSURE);
}

//  A visitor is in the session, which comes to be in this state.
static session_t *
s_session_in (session_state_t state, session_event_t event)
{
    visitor_joins (1, 5);
    rig_run ();
    session_t *session = rig_session ();
    if (state == SESSION_COMMITTING) {
        s_ask_for (event);
        say (1, 5, event == SESSION_REJECTED ? FAKE_POISON : "m1");
        rig_turn ();
    } else if (state == SESSION_LOADING || state == SESSION_UNKNOWN) {
        s_ask_for (state == SESSION_UNKNOWN ? SESSION_LOAD_FAILED : event);
        session_happens (session, SESSION_MOVED);
        rig_turn ();
        if (state == SESSION_UNKNOWN)
            fake_store_step ();
    }
    cr_assert_eq (session->state, state);
    return session;
}

static void
s_happens (session_t *session, session_event_t event)
{
    switch (event) {
    case SESSION_TURN:
        session_turn (session);
        break;
    case SESSION_MOVED:
        session_happens (session, SESSION_MOVED);
        break;
    case SESSION_SHARED:
        session_happens (session, SESSION_SHARED);
        break;
    case SESSION_STORE_READY:
        session_happens (session, SESSION_STORE_READY);
        break;
    case SESSION_HANDED_OVER:
        session_happens (session, SESSION_HANDED_OVER);
        break;
    case SESSION_CONFLICT:
        fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                    .role = ROLE_VISITOR,
                                                    .user = "vic",
                                                    .data = "first" });
        cr_assert (fake_store_step ());
        break;
    default: //  the store's answer
        cr_assert (fake_store_step ());
    }
}

Test (session_run, each_pair_does_what_the_table_says)
{
    for (size_t at = 0; at < PAIRS; at++) {
        const pair_t *pair = &s_pairs[at];
        if (!pair->happens)
            continue;
        rig_begin ();
        session_t *session = s_session_in (pair->state, pair->event);
        s_happens (session, pair->event);
        cr_assert (pair->ends & 1u << session->state, "%s ended in state %d", pair->words,
                   (int) session->state);
        //  Whatever happened, the session comes to rest and goes on.
        rig_wait (300);
        if (pair->event != SESSION_HANDED_OVER) {
            say (1, 5, "afterwards");
            rig_run ();
            cr_assert_eq (session->state, SESSION_READY, "%s", pair->words);
            cr_assert_not_null (strstr (rig_story (), " ok "), "%s", pair->words);
        }
        rig_end ();
    }
}

//  A turn of a session that is ready has four ends.
Test (session_run, a_turn_when_ready)
{
    rig_begin ();
    session_t *session = s_session_in (SESSION_READY, SESSION_TURN);
    session_turn (session);
    cr_assert_eq (session->state, SESSION_READY, "nothing is asked");
    say (1, 5, "m1");
    session_turn (session);
    cr_assert_eq (session->state, SESSION_COMMITTING);
    rig_run ();
    session->stale = true;
    session_turn (session);
    cr_assert_eq (session->state, SESSION_LOADING);
    rig_run ();
    fake_store_next (FAKE_FULL);
    say (1, 5, "m2");
    session_turn (session);
    cr_assert_eq (session->state, SESSION_UNKNOWN, "the store takes nothing");
    rig_end ();
}

Test (session_run, what_cannot_happen_is_a_broken_promise, .signal = SIGABRT)
{
    rig_begin ();
    session_t *session = s_session_in (SESSION_COMMITTING, SESSION_STORED);
    session->state = SESSION_READY;
    fake_store_step ();
}
