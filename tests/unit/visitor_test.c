//  visitor — what is known of a visitor, in a postoffice: kept with the participant, told to agents
//  whose client can show it, and to nobody else.

#include "office_rig.h"

TestSuite (visitor, .init = rig_begin, .fini = rig_end);

#define INFO "{\"page\":\"https://shop/x\",\"language\":\"de\"}"
#define TOLD "{\"visitor\":" INFO "}"

static void
s_attach (peer_t peer, uint64_t endpoint, uint64_t role, const char *user, uint64_t dialect,
          const char *info)
{
    operation_t *operation = operation_of_record (
        peer, &(bus_record_t){ .kind = BUS_ATTACH,
                               .attach = { .endpoint = endpoint,
                                           .reason = ATTACH_JOIN,
                                           .session = KEY,
                                           .app = TEXT ("demo"),
                                           .user = text_of (user),
                                           .role = role,
                                           .dialect = dialect,
                                           .seq = SEQ_UNKNOWN,
                                           .sender = TEXT ("{}"),
                                           .info = text_of (info) } });
    sessions_ask (rig_office.sessions, KEY, &operation);
    rig_run ();
}

static void
s_vic_joins (uint64_t endpoint, const char *info)
{
    s_attach (1, endpoint, ROLE_VISITOR, "vic", DIALECT_WIDGET, info);
}

static void
s_vic_leaves (uint64_t endpoint)
{
    detach (1, endpoint, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 600);
    rig_forget ();
}

static void
s_is_kept (uint64_t role, const char *user, const char *info)
{
    const participant_t *participant =
        fold_participant (&rig_session ()->fold, role, text_of (user));
    cr_assert (participant);
    cr_expect (text_is (participant->info, text_of (info)), "%.*s",
               TEXT_ARGS (participant->info));
}

//  As it happens, and from the log: what is known now.
Test (visitor, agents_are_told)
{
    s_vic_joins (5, INFO);
    s_is_kept (ROLE_VISITOR, "vic", INFO);
    agent_joins (2, 9, "anna");
    agent_joins (2, 10, "otto");
    attach_as (2, 11, ROLE_AGENT, "wim", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n"
            "e2 ATTACHED 9 ok #2\n"
            "e2 BROADCAST 9 stop typing\n"
            "e2 ATTACHED 10 ok #3\n"
            "e2 BROADCAST 10 stop typing\n"
            "e2 ATTACHED 11 ok #4\n"
            "e2 DELIVER 11 #1 user joined\n"
            "e2 BROADCAST 11 stop typing\n");
    s_vic_leaves (5);
    s_vic_joins (6, "{\"language\":\"fr\"}");
    EXPECT ("e2 DELIVER 9,10 #6 {\"visitor\":{\"language\":\"fr\"}}\n"
            "e2 DELIVER 11 #6 user joined\n"
            "e1 ATTACHED 6 ok #6\n"
            "e1 BROADCAST 6 stop typing\n");
    attach_as (2, 9, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_RESUME, 0);
    rig_run ();
    EXPECT ("e2 ATTACHED 9 ok #6\n"
            "e2 DELIVER 9 #1 {\"visitor\":{\"language\":\"fr\"}}\n"
            "e2 DELIVER 9 #5 user left\n"
            "e2 DELIVER 9 #6 {\"visitor\":{\"language\":\"fr\"}}\n"
            "e2 BROADCAST 9 stop typing\n");
    //  The log has nothing of it.
    for (uint64_t seq = 1; seq <= 6; seq++)
        cr_expect_null (memmem (fake_store_entry (KEY, seq)->data.data,
                                fake_store_entry (KEY, seq)->data.size, "visitor", 7));
}

//  It is loaded with the session; one who comes and tells nothing takes nothing away.
Test (visitor, is_stored_with_the_participant)
{
    s_vic_joins (5, INFO);
    s_vic_leaves (5);
    rig_wait (IDLE_MS + 600);
    cr_assert_null (rig_session ());
    s_vic_joins (6, "");
    s_is_kept (ROLE_VISITOR, "vic", INFO);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "b");
    rig_run ();
    s_is_kept (ROLE_VISITOR, "vic", INFO);
    s_is_kept (ROLE_AGENT, "anna", "");
}

//  Whatever a peer says is not told on, and not kept; and of an agent nothing is kept at all.
Test (visitor, what_is_no_object_is_nothing)
{
    static const char *const bad[] = { "x", "[1]", "{\"a\":1} x", "{\"a\":", "{}", "null" };
    agent_joins (2, 9, "anna");
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        s_vic_joins (5, bad[at]);
        s_is_kept (ROLE_VISITOR, "vic", "");
        s_vic_leaves (5);
    }
    s_attach (2, 10, ROLE_AGENT, "otto", DIALECT_RICH, INFO);
    s_is_kept (ROLE_AGENT, "otto", "");
}
