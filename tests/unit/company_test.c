//  company — stories of who is told that somebody is connected, and what was received and read.

#include "office_rig.h"
#include "session/company.h"
#include "session/presence.h"

static void
s_begin (void)
{
    rig_begin ();
    rig_shows_company = true;
}

TestSuite (company, .init = s_begin, .fini = rig_end);

#define VIC(rest) "{\"role\":\"visitor\",\"userId\":\"vic\"," rest "}"
#define ANNA(rest) "{\"role\":\"agent\",\"userId\":\"anna\"," rest "}"
#define CONNECTED "\"connected\":true"
#define AWAY "\"connected\":false"

//  The visitor is at edge 1, anna at edge 2.
static void
s_visitor_and_anna (void)
{
    visitor_joins (1, 5);
    agent_joins (2, 9, "anna");
    rig_run ();
    rig_forget ();
}

static void
s_anna_answers (void)
{
    s_visitor_and_anna ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
}

static void
has_read (peer_t peer, uint64_t endpoint, uint64_t seq)
{
    presence_receipt (session_endpoint (rig_session (), peer, endpoint), SEQ_UNKNOWN, seq);
}

Test (company, who_comes_is_told_of_the_others)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    agent_joins (2, 9, "anna");
    rig_run ();
    EXPECT ("e2 ATTACHED 9 ok #2\n"
            "e2 BROADCAST 9 presence " VIC (CONNECTED) "\n"
            "e2 BROADCAST 9 stop typing\n");
}

Test (company, who_goes_is_away_before_it_has_left)
{
    s_visitor_and_anna ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e2 BROADCAST 9 presence " VIC (AWAY) "\n");
    visitor_joins (2, 6);
    rig_run ();
    EXPECT ("e2 ATTACHED 6 ok #2\n"
            "e2 BROADCAST 6 stop typing\n"
            "e2 BROADCAST 9 presence " VIC (CONNECTED) "\n");
}

Test (company, an_edge_that_dies_takes_its_clients_away)
{
    s_visitor_and_anna ();
    edge_down (1);
    rig_run ();
    EXPECT ("e2 BROADCAST 9 presence " VIC (AWAY) "\n");
    agent_joins (2, 10, "otto");
    rig_run ();
    EXPECT ("e2 ATTACHED 10 ok #3\n"
            "e2 BROADCAST 10 presence " VIC (AWAY) "\n"
            "e2 BROADCAST 10 presence " ANNA (CONNECTED) "\n"
            "e2 BROADCAST 10 stop typing\n"
            "e2 BROADCAST 9 presence {\"role\":\"agent\",\"userId\":\"otto\"," CONNECTED "}\n");
}

Test (company, one_of_two_connections_is_enough)
{
    s_visitor_and_anna ();
    visitor_joins (2, 6);
    rig_run ();
    rig_forget ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("");
}

Test (company, another_postoffice_is_no_absence)
{
    s_visitor_and_anna ();
    hand_over (1, 5);
    rig_run ();
    EXPECT ("");
}

//  A widget knows neither; and that an agent listens is not for a visitor.
Test (company, who_is_told_nothing)
{
    widget_joins (1, 5);
    agent_joins (2, 9, "anna");
    rig_run ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("");
}

Test (company, a_visitor_is_told_of_who_answers)
{
    s_visitor_and_anna ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("");
    agent_joins (2, 9, "anna");
    rig_run ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e1 BROADCAST 5 presence " ANNA (AWAY) "\n");
}

//  The next one does not know who was connected, and says nothing of that for a moment.
Test (company, a_postoffice_dies)
{
    rig_begin_second ();
    rig_use (2);
    visitor_joins (3, 5);
    agent_joins (4, 9, "anna");
    rig_run ();
    rig_kill_second ();
    rig_use (1);
    attach_as (2, 9, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 2);
    rig_run ();
    rig_forget ();
    rig_wait (SETTLE_MS + 200);
    EXPECT ("e2 BROADCAST 9 presence " VIC (AWAY) "\n"
            "e2 DELIVER 9 #3 user left\n");
}

Test (company, a_postoffice_dies_and_all_are_back_at_once)
{
    rig_begin_second ();
    rig_use (2);
    visitor_joins (3, 5);
    agent_joins (4, 9, "anna");
    rig_run ();
    rig_kill_second ();
    rig_use (1);
    attach_as (2, 9, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 2);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 2);
    rig_run ();
    rig_forget ();
    rig_wait (SETTLE_MS + GRACE_MS + 200);
    EXPECT ("");
}

// ---------------------------------------------------------------------------------------------
//  Receipts

Test (company, receipts_are_told_once)
{
    s_anna_answers ();
    say (2, 9, "hello");
    rig_run ();
    rig_forget ();
    received (1, 5, 4);
    EXPECT ("e2 BROADCAST 9 receipt " VIC ("\"deliveredSeq\":4") "\n");
    received (1, 5, 4);
    received (1, 5, 3);
    EXPECT ("");
    has_read (1, 5, 4);
    EXPECT ("e2 BROADCAST 9 receipt " VIC ("\"deliveredSeq\":4,\"readSeq\":4") "\n");
    has_read (1, 5, 3);
    has_read (1, 5, 4);
    EXPECT ("");
}

Test (company, what_is_read_is_delivered)
{
    s_anna_answers ();
    say (2, 9, "hello");
    rig_run ();
    rig_forget ();
    has_read (1, 5, 4);
    EXPECT ("e2 BROADCAST 9 receipt " VIC ("\"deliveredSeq\":4,\"readSeq\":4") "\n");
}

//  More than there is in the log cannot have been read.
Test (company, a_receipt_is_of_the_log)
{
    s_anna_answers ();
    rig_forget ();
    has_read (1, 5, 1000);
    EXPECT ("e2 BROADCAST 9 receipt " VIC ("\"deliveredSeq\":3,\"readSeq\":3") "\n");
}

//  Otto joins: an entry that the visitor is not shown. That anna has read it is not for its eyes.
Test (company, a_visitor_hears_of_no_entry_that_is_hidden_from_it)
{
    s_anna_answers ();
    has_read (2, 9, 3);
    EXPECT ("e1 BROADCAST 5 receipt " ANNA ("\"deliveredSeq\":3,\"readSeq\":3") "\n");
    agent_joins (2, 10, "otto");
    rig_run ();
    rig_forget ();
    has_read (2, 9, 4);
    EXPECT ("e2 BROADCAST 10 receipt " ANNA ("\"deliveredSeq\":4,\"readSeq\":4") "\n");
    say (1, 5, "thanks");
    rig_run ();
    rig_forget ();
    has_read (2, 9, 5);
    EXPECT ("e1 BROADCAST 5 receipt " ANNA ("\"deliveredSeq\":5,\"readSeq\":5") "\n"
            "e2 BROADCAST 10 receipt " ANNA ("\"deliveredSeq\":5,\"readSeq\":5") "\n");
}

//  Who comes is told where the others are.
Test (company, receipts_come_with_the_introduction)
{
    visitor_joins (1, 5);
    rig_run ();
    has_read (1, 5, 1);
    rig_forget ();
    agent_joins (2, 9, "anna");
    rig_run ();
    EXPECT ("e2 ATTACHED 9 ok #2\n"
            "e2 BROADCAST 9 presence " VIC (CONNECTED ",\"deliveredSeq\":1,\"readSeq\":1") "\n"
            "e2 BROADCAST 9 stop typing\n");
}

//  What a client has by its own word.
Test (company, who_resumes_has_what_it_says)
{
    s_visitor_and_anna ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    rig_forget ();
    attach_as (1, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 2);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #2\n"
            "e1 BROADCAST 6 stop typing\n"
            "e2 BROADCAST 9 receipt " VIC ("\"deliveredSeq\":2") "\n"
            "e2 BROADCAST 9 presence " VIC (CONNECTED ",\"deliveredSeq\":2") "\n");
}

Test (company, the_api_is_told_what_is_in_memory)
{
    s_visitor_and_anna ();
    has_read (2, 9, 2);
    detach (2, 9, SEQ_UNKNOWN);
    rig_run ();
    buffer_t to;
    buffer_init (&to, 10000);
    company_write (rig_session (), &to);
    cr_expect (text_is (buffer_text (&to),
                        TEXT ("[" VIC (CONNECTED) ","
                              ANNA (AWAY ",\"deliveredSeq\":2,\"readSeq\":2") "]")),
               "%.*s", TEXT_ARGS (buffer_text (&to)));
    buffer_free (&to);
}

//  A server says it for the visitor, who has no connection. It is stored at once.
Test (company, what_was_read_is_said_by_a_request)
{
    s_visitor_and_anna ();
    operation_t *operation = operation_change (&(change_t){ .kind = CHANGE_READ,
                                                            .session = KEY,
                                                            .message_id = TEXT (":key:1"),
                                                            .by_role = ROLE_API,
                                                            .by_user = TEXT ("key"),
                                                            .by_sender = TEXT ("{}"),
                                                            .role = ROLE_VISITOR,
                                                            .user = TEXT_EMPTY,
                                                            .sender = TEXT_EMPTY,
                                                            .info = TEXT_EMPTY,
                                                            .first_id = TEXT_EMPTY,
                                                            .data = TEXT_EMPTY,
                                                            .secret = TEXT_EMPTY,
                                                            .read_seq = 9 });
    operation->if_match = SEQ_UNKNOWN;
    sessions_ask (rig_office.sessions, KEY, &operation);
    rig_run ();
    EXPECT ("e2 BROADCAST 9 receipt " VIC ("\"deliveredSeq\":2,\"readSeq\":2") "\n"
            "api READ ok #2\n");
    cr_expect_eq (fake_store_last (KEY), 2, "the log has nothing of it");
}
