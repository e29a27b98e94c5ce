//  control_version — who takes or gives back by a socket says which version of control it saw.

#include "office_rig.h"

TestSuite (control_version, .init = rig_begin, .fini = rig_end);

//  By a socket, with the version that its client saw.
static void
s_barges (peer_t peer, uint64_t endpoint, event_t event, const char *id, uint64_t version)
{
    bus_record_t record = { .kind = BUS_POST,
                            .post = { .request_id = 70 + endpoint,
                                      .endpoint = endpoint,
                                      .session = KEY,
                                      .event = event,
                                      .message_id = text_of (id),
                                      .sender = TEXT ("{}"),
                                      .data = TEXT_EMPTY,
                                      .secret = TEXT_EMPTY,
                                      .after = 70 + endpoint,
                                      .trace = TEXT_EMPTY,
                                      .version = version + 1 } };
    operation_t *operation = operation_of_record (peer, &record);
    sessions_ask (rig_office.sessions, KEY, &operation);
}

//  Two see that the bot answers, and take: the slower one changes nothing. So with giving back.
Test (control_version, the_slower_one_has_seen_an_old_version)
{
    visitor_joins (1, 5);
    agent_joins (1, 8, "anna");
    agent_joins (2, 9, "carl");
    rig_run ();
    rig_forget ();
    uint64_t seen = rig_session ()->fold.control_seq, before = fake_store_last (KEY);
    s_barges (1, 8, EVENT_BARGE_IN, "b1", seen);
    s_barges (2, 9, EVENT_BARGE_IN, "b2", seen);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 POSTED 78 ok"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e2 POSTED 79 precondition"), "%s", rig_story ());
    cr_assert_eq (fake_store_last (KEY), before + 1);
    cr_assert (fold_controls (&rig_session ()->fold, ROLE_AGENT, TEXT ("anna")));
    s_barges (1, 8, EVENT_BARGE_OUT, "b3", seen);
    rig_run ();
    cr_assert (fold_controls (&rig_session ()->fold, ROLE_AGENT, TEXT ("anna")));
    s_barges (1, 8, EVENT_BARGE_OUT, "b4", before + 1);
    rig_run ();
    cr_assert_eq (rig_session ()->fold.control_role, ROLE_BOT);
}

static control_seen_t s_seen;

static void
s_on_posted (void *owner, const operation_t *operation)
{
    (void) owner;
    s_seen = operation->seen;
}

//  A take that comes again, with its key, is told what came of it, whoever was faster since then.
Test (control_version, a_take_that_comes_again)
{
    visitor_joins (1, 5);
    rig_office.posted = s_on_posted;
    enter_by_request ("anna", true, ":key:1");
    rig_run ();
    uint64_t version = s_seen.seq;
    cr_assert_str_eq (s_seen.user, "anna");
    enter_by_request ("carl", true, ":key:2");
    rig_run ();
    cr_assert_str_eq (s_seen.user, "carl");
    enter_by_request ("anna", true, ":key:1");
    rig_run ();
    cr_assert_str_eq (s_seen.user, "anna");
    cr_assert_eq (s_seen.seq, version);
}
