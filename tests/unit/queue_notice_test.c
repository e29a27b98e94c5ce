//  queue_notice — a visitor who waits is told its place, and not when its waiting is over in the
//  same moment: beside an offer, behind one, or just before nobody is free.

#include "office_rig.h"
#include "rules/handover.h"

TestSuite (queue_notice, .init = rig_begin, .fini = rig_end);

#define WORDS "You are number 1 in the queue."

static void
s_matched (match_what_t what, uint64_t version)
{
    operation_t *operation =
        operation_match (&(match_t){ .what = what,
                                     .version = version,
                                     .agent = what == MATCH_FOUND ? TEXT ("anna") : TEXT_EMPTY,
                                     .words = what == MATCH_NOTICE ? TEXT (WORDS) : TEXT_EMPTY });
    sessions_ask (rig_office.sessions, KEY, &operation);
}

//  The visitor waits; returns the version of that.
static uint64_t
s_waits (void)
{
    visitor_joins (1, 5);
    rig_run ();
    change_by_request (CHANGE_OFFER, ROLE_AGENT, ":key:offer", SEQ_UNKNOWN);
    rig_run ();
    cr_assert_eq (control_state (&rig_session ()->fold), CONTROL_WAITING);
    rig_forget ();
    return rig_session ()->fold.control_seq;
}

static bool
s_is_told (void)
{
    return strstr (rig_story (), WORDS) != NULL;
}

Test (queue_notice, who_waits_is_told)
{
    s_matched (MATCH_NOTICE, s_waits ());
    rig_run ();
    cr_assert (s_is_told (), "%s", rig_story ());
}

//  In one changeset, in either order.
Test (queue_notice, not_beside_what_was_found)
{
    static const match_what_t others[] = { MATCH_FOUND, MATCH_NOBODY };
    for (size_t at = 0; at < 2; at++)
        for (int is_first = 0; is_first < 2; is_first++) {
            uint64_t version = s_waits ();
            if (is_first)
                s_matched (MATCH_NOTICE, version);
            s_matched (others[at], version);
            if (!is_first)
                s_matched (MATCH_NOTICE, version);
            rig_run ();
            cr_assert_neq (control_state (&rig_session ()->fold), CONTROL_WAITING);
            cr_assert_not (s_is_told (), "%zu %d: %s", at, is_first, rig_story ());
            rig_end ();
            rig_begin ();
        }
}

//  Whoever is offered has no place any more, whatever version somebody may have read.
Test (queue_notice, not_while_an_offer_stands)
{
    s_matched (MATCH_FOUND, s_waits ());
    rig_run ();
    cr_assert_eq (control_state (&rig_session ()->fold), CONTROL_OFFERED);
    rig_forget ();
    s_matched (MATCH_NOTICE, rig_session ()->fold.control_seq);
    rig_run ();
    cr_assert_not (s_is_told (), "%s", rig_story ());
}
