//  attachment — every event in every state; and the stories that the table is for.

#include "edge_rig.h"

TestSuite (attachment, .init = rig_begin, .fini = rig_end);

#define VISITOR rig_connect (ROLE_VISITOR, DIALECT_RICH)

static const char *const s_state_names[ATTACHMENT_STATES] = {
#define STATE(NAME, deadline, words) #NAME,
#include "session/attachment_states.def"
#undef STATE
};

static const char *const s_event_names[ATTACHMENT_EVENTS] = {
#define EVENT(NAME, words, ...) #NAME,
#include "session/attachment_states.def"
#undef EVENT
};

static void
s_join (connection_t *connection)
{
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN,
                      LOG_POSITION_UNKNOWN, 0);
    attachment_send (connection->attachment);
}

static void
s_post (connection_t *connection, const char *data)
{
    bus_post_t post = { .event = EVENT_NEW_MESSAGE,
                        .message_id = text_of (data),
                        .sender = TEXT ("{}"),
                        .data = text_of (data),
                        .secret = TEXT_EMPTY };
    attachment_post (connection->attachment, &post, true, 0);
    attachment_send (connection->attachment);
}

//  What another postoffice is told when this one is lost: the client has everything up to there.
static void
s_expect_seq (unsigned seq)
{
    char story[80];
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    snprintf (story, sizeof story, "p1 ATTACH c1 demo/s reattach %u\n", seq);
    EXPECT (story);
}

// ---------------------------------------------------------------------------------------------
//  All pairs

static void
s_time_out (connection_t *connection)
{
    (void) connection;
    rig_wait (8000);
    attachments_tick (rig_attachments);
}

static void
s_lose_postoffice (void)
{
    attachments_postoffice_down (rig_attachments, 1);
}

//  Brings a new attachment into the state.
static void
s_bring (connection_t *connection, attachment_state_t state)
{
    bool is_due = state == ATTACHMENT_LOOKUP_DUE || state == ATTACHMENT_ATTACH_DUE;
    rig_bus_is_full = is_due;
    if (state == ATTACHMENT_LOOKUP_DUE || state == ATTACHMENT_LOOKUP_SENT
        || state == ATTACHMENT_DETACHED)
        s_time_out (connection);
    if (state == ATTACHMENT_LOOKUP_SENT || state == ATTACHMENT_DETACHED)
        attachment_send (connection->attachment);
    if (state == ATTACHMENT_DETACHED)
        rig_looked_up (connection, VERDICT_OK, "");
    if (state >= ATTACHMENT_ATTACH_DUE && state <= ATTACHMENT_REATTACH_SENT)
        s_join (connection);
    if (state >= ATTACHMENT_ATTACHED && state <= ATTACHMENT_REATTACH_SENT)
        rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 0);
    if (state == ATTACHMENT_REATTACH_DUE || state == ATTACHMENT_REATTACH_SENT)
        s_lose_postoffice ();
    if (state == ATTACHMENT_REATTACH_SENT)
        attachment_send (connection->attachment);
    if (state == ATTACHMENT_CLOSED)
        attachment_close (connection->attachment);
    rig_bus_is_full = false;
    cr_assert_eq (attachment_state (connection->attachment), state, "%s", s_state_names[state]);
}

static void
s_make_happen (connection_t *connection, attachment_event_t event)
{
    attachment_t *attachment = connection->attachment;
    switch (event) {
    case ATTACHMENT_EVENT_ENTER:
        attachment_enter (attachment, TEXT ("demo/t"), ATTACH_FRAME, LOG_POSITION_UNKNOWN, 0);
        break;
    case ATTACHMENT_EVENT_SEND:
        attachment_send (attachment);
        break;
    case ATTACHMENT_EVENT_FOUND:
        rig_looked_up (connection, VERDICT_OK, "demo/s");
        break;
    case ATTACHMENT_EVENT_FOUND_NONE:
        rig_looked_up (connection, VERDICT_OK, "");
        break;
    case ATTACHMENT_EVENT_LOOKUP_BUSY:
        rig_looked_up (connection, VERDICT_BUSY, "");
        break;
    case ATTACHMENT_EVENT_ACCEPTED:
        rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 3);
        break;
    case ATTACHMENT_EVENT_BUSY:
        rig_attached (connection, ATTACH_JOIN, VERDICT_BUSY, 0);
        break;
    case ATTACHMENT_EVENT_REFUSED:
        rig_attached (connection, ATTACH_JOIN, VERDICT_NOT_YOURS, 0);
        break;
    case ATTACHMENT_EVENT_REATTACH_BUSY:
        rig_attached (connection, ATTACH_REATTACH, VERDICT_BUSY, 0);
        break;
    case ATTACHMENT_EVENT_REATTACH_REFUSED:
        rig_attached (connection, ATTACH_REATTACH, VERDICT_NOT_YOURS, 0);
        break;
    case ATTACHMENT_EVENT_UNKNOWN:
        //  Only an attachment that has sent a post can have such an answer.
        if (attachment_state (attachment) != ATTACHMENT_ATTACHED)
            return;
        s_post (connection, "x");
        rig_posted (1, VERDICT_NOT_JOINED, 0);
        break;
    case ATTACHMENT_EVENT_POSTOFFICE_CHANGED:
        s_lose_postoffice ();
        break;
    case ATTACHMENT_EVENT_TIMEOUT:
        s_time_out (connection);
        break;
    default:
        attachment_close (attachment);
    }
}

//  The state behind each event, for each state before it, in the order of the table.
static const char s_letters[] = "SLlDAaIRrC";
static const char *const s_expected[ATTACHMENT_EVENTS] = {
    [ATTACHMENT_EVENT_ENTER] = "AAAAAAAAAC",
    [ATTACHMENT_EVENT_SEND] = "SllDaaIrrC",
    [ATTACHMENT_EVENT_FOUND] = "SLaDAaIRrC",
    [ATTACHMENT_EVENT_FOUND_NONE] = "SLDDAaIRrC",
    [ATTACHMENT_EVENT_LOOKUP_BUSY] = "SLSDAaIRrC",
    [ATTACHMENT_EVENT_ACCEPTED] = "SLlDAIIRIC",
    [ATTACHMENT_EVENT_BUSY] = "SLlDASSRSC",
    [ATTACHMENT_EVENT_REFUSED] = "SLlDADDRDC",
    [ATTACHMENT_EVENT_REATTACH_BUSY] = "SLlDAaRRRC",
    [ATTACHMENT_EVENT_REATTACH_REFUSED] = "SLlDAaDRDC",
    [ATTACHMENT_EVENT_UNKNOWN] = "SLlDAaRRrC",
    [ATTACHMENT_EVENT_POSTOFFICE_CHANGED] = "SLLDAARRRC",
    [ATTACHMENT_EVENT_TIMEOUT] = "LLlDSSIRrC",
    [ATTACHMENT_EVENT_CLOSE] = "CCCCCCCCCC",
};

Test (attachment, every_event_in_every_state)
{
    for (attachment_event_t event = 0; event < ATTACHMENT_EVENTS; event++)
        for (attachment_state_t state = 0; state < ATTACHMENT_STATES; state++) {
            rig_end ();
            rig_begin ();
            connection_t *connection = VISITOR;
            s_bring (connection, state);
            s_make_happen (connection, event);
            attachment_state_t after = attachment_state (connection->attachment);
            cr_expect_eq (s_letters[after], s_expected[event][state], "%s in %s: %s",
                          s_event_names[event], s_state_names[state], s_state_names[after]);
            bool has_session =
                after >= ATTACHMENT_ATTACH_DUE && after <= ATTACHMENT_REATTACH_SENT;
            cr_expect_eq (attachment_is_in (connection->attachment, TEXT ("demo/s"))
                              || attachment_is_in (connection->attachment, TEXT ("demo/t")),
                          has_session);
        }
}

// ---------------------------------------------------------------------------------------------
//  Stories

Test (attachment, a_join_and_its_posts_travel_together)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    s_post (connection, "a");
    s_post (connection, "b");
    EXPECT ("p1 ATTACH c1 demo/s join ?\n"
            "p1 POST c1 a 0\n"
            "p1 POST c1 b 1\n");
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_posted (1, VERDICT_OK, 8);
    rig_posted (2, VERDICT_DUPLICATE, 9);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 answered\n"
            "c1 answered\n"
            "c1 < connection update\n"
            "c1 < ack\n"
            "c1 < ack\n");
    cr_assert_not (attachment_awaits_answer (connection->attachment));
    s_expect_seq (9);
}

Test (attachment, what_the_bus_does_not_take_waits_in_order)
{
    connection_t *connection = VISITOR;
    rig_bus_is_full = true;
    s_join (connection);
    s_post (connection, "a");
    rig_turn (10);
    EXPECT ("");
    rig_bus_is_full = false;
    rig_turn (10);
    EXPECT ("p1 ATTACH c1 demo/s join ?\n"
            "p1 POST c1 a 0\n");
}

Test (attachment, a_lost_postoffice_costs_nothing)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    s_post (connection, "a");
    rig_forget ();
    rig_owner = 2;
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    //  The log is asked for from where the client joined.
    EXPECT ("p2 ATTACH c1 demo/s reattach 7\n"
            "p2 POST c1 a 0\n");
    //  An answer of the old one comes too late.
    rig_attached (connection, ATTACH_REATTACH, VERDICT_OK, 7);
    cr_assert_eq (attachment_state (connection->attachment), ATTACHMENT_REATTACH_SENT);
}

Test (attachment, a_session_moves_to_its_new_owner)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_forget ();
    attachments_postoffice_up (rig_attachments);
    rig_turn (10);
    EXPECT ("");
    rig_owner = 2;
    attachments_postoffice_up (rig_attachments);
    rig_turn (10);
    EXPECT ("p1 DETACH c1 demo/s ? moved\n"
            "p2 ATTACH c1 demo/s reattach 7\n");
}

//  Until the ATTACH is sent. Else what it delivers would count as known, and what it has said of an
//  older post would be heard from the new one only, behind that.
Test (attachment, the_owner_of_before_is_heard_until_its_session_moves)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    s_post (connection, "a");
    s_post (connection, "b");
    rig_write (connection);
    rig_forget ();
    rig_owner = 2;
    attachments_postoffice_up (rig_attachments);
    cr_assert_eq (attachment_state (connection->attachment), ATTACHMENT_REATTACH_DUE);
    rig_posted (1, VERDICT_OK, 8);
    rig_deliver (connection, 9, "c", false);
    rig_write (connection);
    EXPECT ("p1 DETACH c1 demo/s ? moved\n"
            "p2 ATTACH c1 demo/s reattach 8\n"
            "p2 POST c1 b 0\n"
            "c1 answered\n"
            "c1 < ack\n");
}

Test (attachment, one_session_is_left_before_another_is_entered)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_deliver (connection, 8, "old", false);
    attachment_enter (connection->attachment, TEXT ("demo/t"), ATTACH_FRAME,
                      LOG_POSITION_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_write (connection);
    //  What was not written yet of the old session is dropped.
    EXPECT ("p1 ATTACH c1 demo/s join ?\n"
            "c1 answered\n"
            "p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t frame ?\n"
            "c1 < connection update\n");
}

Test (attachment, an_unknown_endpoint_is_attached_again_once_a_second)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    s_post (connection, "a");
    rig_forget ();
    rig_posted (1, VERDICT_NOT_JOINED, 0);
    rig_turn (10);
    EXPECT ("p1 ATTACH c1 demo/s reattach 7\n"
            "p1 POST c1 a 0\n");
    rig_attached (connection, ATTACH_REATTACH, VERDICT_OK, 7);
    rig_posted (1, VERDICT_NOT_JOINED, 0);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 answered\n"
            "c1 < connection update\n"
            "c1 < busy not_joined\n");
}

Test (attachment, posts_behind_a_refused_one_are_refused)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_write (connection);
    s_post (connection, "a");
    s_post (connection, "b");
    rig_forget ();
    rig_posted (1, VERDICT_BUSY, 0);
    s_post (connection, "c");
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 < busy busy\n"
            "c1 < busy busy\n"
            "c1 < busy busy\n");
    s_post (connection, "a");
    EXPECT ("p1 POST c1 a 0\n");
}

Test (attachment, a_client_is_told_when_nobody_answers)
{
    connection_t *connection = VISITOR;
    rig_owner = -1;
    s_join (connection);
    s_post (connection, "a");
    rig_wait (7999);
    attachments_tick (rig_attachments);
    EXPECT ("");
    rig_wait (1);
    attachments_tick (rig_attachments);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 < connection update store_down\n"
            "c1 < busy store_down\n");
    cr_assert_eq (attachment_state (connection->attachment), ATTACHMENT_SILENT);
}

//  One that reached a postoffice may be stored.
Test (attachment, a_post_that_was_sent_is_given_longer)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_write (connection);
    s_post (connection, "a");
    rig_forget ();
    rig_wait (29999);
    attachments_tick (rig_attachments);
    EXPECT ("");
    rig_wait (1);
    attachments_tick (rig_attachments);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 < busy store_down\n");
}

//  An old post that may be stored does not hide younger ones that never were sent.
Test (attachment, posts_are_given_up_by_their_own_limits)
{
    connection_t *first = VISITOR, *second = VISITOR;
    s_join (first);
    rig_attached (first, ATTACH_JOIN, VERDICT_OK, 7);
    s_join (second);
    rig_attached (second, ATTACH_JOIN, VERDICT_OK, 7);
    s_post (first, "a");
    rig_wait (1000);
    rig_bus_is_full = true;
    s_post (second, "b");
    s_post (second, "c");
    rig_write (first);
    rig_write (second);
    rig_forget ();
    rig_wait (8000);
    attachments_tick (rig_attachments);
    rig_write (first);
    rig_write (second);
    EXPECT ("c2 answered\n"
            "c2 < busy store_down\n"
            "c2 < busy busy\n");
    rig_wait (21000);
    attachments_tick (rig_attachments);
    rig_write (first);
    EXPECT ("c1 answered\n"
            "c1 < busy store_down\n");
}

//  A slow reader is closed in the middle of what it is told; it leaves once.
Test (attachment, a_client_that_is_closed_meanwhile_leaves_once)
{
    rig_config.outbox_limit = 1;
    connection_t *connection = VISITOR;
    s_join (connection);
    s_post (connection, "a");
    s_post (connection, "b");
    rig_forget ();
    rig_attached (connection, ATTACH_JOIN, VERDICT_BUSY, 0);
    EXPECT ("c1 answered\n");
    cr_assert (client_is_closed (connection->client));
    cr_assert_eq (clients_next_closed (rig_clients), connection->client);
    cr_assert_null (clients_next_closed (rig_clients));
    attachment_close (connection->attachment);
    cr_assert_eq (attachment_state (connection->attachment), ATTACHMENT_CLOSED);
    rig_write (connection);
    EXPECT ("c1 < close slow_reader\n");
}

Test (attachment, a_widget_agent_begins_at_the_beginning)
{
    connection_t *connection = rig_connect (ROLE_AGENT, DIALECT_WIDGET);
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_deliver (connection, 5, "x", false);
    rig_write (connection);
    rig_forget ();
    rig_deliver (connection, 5, "x", false);
    rig_write (connection);
    EXPECT ("");
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_deliver (connection, 1, "y", false);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 < connection update\n"
            "c1 < new message y\n");
}

Test (attachment, another_log_is_begun_where_it_ends)
{
    connection_t *connection = VISITOR;
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_RESUME,
                      (log_position_t){ 100, 0 }, 0);
    attachment_send (connection->attachment);
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 7);
    EXPECT ("p1 ATTACH c1 demo/s resume 100\n"
            "c1 answered\n");
    s_expect_seq (7);
}

//  The answer to an ATTACH before it is not the resume's, whatever it says.
Test (attachment, a_resume_waits_for_its_own_answer)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    rig_deliver (connection, 8, "x", false);
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    rig_forget ();
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_RESUME,
                      (log_position_t){ 3, 0 }, 0);
    attachment_send (connection->attachment);
    rig_attached (connection, ATTACH_REATTACH, VERDICT_OK, 8);
    rig_attached (connection, ATTACH_REATTACH, VERDICT_NOT_YOURS, 8);
    cr_assert_eq (attachment_state (connection->attachment), ATTACHMENT_ATTACH_SENT);
    //  Its postoffice is lost: the next one is told the same.
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    EXPECT ("p1 ATTACH c1 demo/s resume 3\n"
            "p1 ATTACH c1 demo/s resume 3\n");
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 8);
    rig_forget ();
    s_expect_seq (3);
}

Test (attachment, a_signal_is_dropped_when_it_cannot_be_sent)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    attachment_signal (connection->attachment, EVENT_TYPING);
    rig_bus_is_full = true;
    attachment_signal (connection->attachment, EVENT_TYPING);
    rig_bus_is_full = false;
    rig_turn (10);
    EXPECT ("p1 ATTACH c1 demo/s join ?\n"
            "p1 SIGNAL c1 typing\n");
}

//  Its postoffice has it from before, and would keep it and send to it.
Test (attachment, a_refused_join_of_one_that_is_attached_leaves)
{
    static const verdict_t verdicts[] = { VERDICT_BUSY, VERDICT_NOT_YOURS };
    for (unsigned at = 0; at < 2; at++) {
        rig_end ();
        rig_begin ();
        connection_t *connection = VISITOR;
        s_join (connection);
        rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
        s_join (connection);
        rig_forget ();
        rig_attached (connection, ATTACH_JOIN, verdicts[at], 0);
        EXPECT ("p1 DETACH c1 demo/s ?\n"
                "c1 answered\n");
        //  One that was not in has nothing to leave.
        s_join (connection);
        rig_forget ();
        rig_attached (connection, ATTACH_JOIN, verdicts[at], 0);
        EXPECT ("c1 answered\n");
    }
}

//  Its agent has passed the visitor on: a rich client is told, whatever brought it to this; what a
//  widget says behind its own `user left` is refused, and nothing else.
Test (attachment, who_passed_the_visitor_on_is_put_out)
{
    connection_t *rich = rig_connect (ROLE_AGENT, DIALECT_RICH);
    s_join (rich);
    rig_attached (rich, ATTACH_JOIN, VERDICT_OK, 7);
    rig_write (rich);
    rig_forget ();
    rig_attached (rich, ATTACH_REATTACH, VERDICT_PASSED_ON, 9);
    cr_assert_eq (attachment_state (rich->attachment), ATTACHMENT_DETACHED);
    rig_deliver (rich, 8, "x", false);
    rig_write (rich);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "c1 answered\n"
            "c1 < connection update passed_on\n");
    attachment_enter (rich->attachment, TEXT ("demo/s"), ATTACH_RESUME, (log_position_t){ 7, 0 },
                      0);
    attachment_send (rich->attachment);
    rig_attached (rich, ATTACH_RESUME, VERDICT_PASSED_ON, 9);
    rig_write (rich);
    EXPECT ("p1 ATTACH c1 demo/s resume 7\n"
            "c1 answered\n"
            "c1 < connection update passed_on\n");
    attachment_enter (rich->attachment, TEXT ("demo/s"), ATTACH_RESUME, (log_position_t){ 7, 0 },
                      0);
    attachment_comes_in (rich->attachment);
    attachment_send (rich->attachment);
    rig_attached (rich, ATTACH_RESUME, VERDICT_OK, 9);
    EXPECT ("p1 ATTACH c1 demo/s resume 7 joins\n"
            "c1 answered\n");
    s_expect_seq (7); //  brought elsewhere it asks for nothing
}

Test (attachment, a_widget_whose_agent_passed_the_visitor_on)
{
    connection_t *widget = rig_connect (ROLE_AGENT, DIALECT_WIDGET);
    s_join (widget);
    rig_attached (widget, ATTACH_JOIN, VERDICT_OK, 7);
    rig_write (widget);
    rig_forget ();
    rig_attached (widget, ATTACH_REATTACH, VERDICT_PASSED_ON, 9);
    rig_write (widget);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "c1 answered\n"
            "c1 < user left\n");
    attachment_enter (widget->attachment, TEXT ("demo/s"), ATTACH_FRAME, LOG_POSITION_UNKNOWN, 0);
    s_post (widget, "hello");
    rig_forget ();
    rig_attached (widget, ATTACH_FRAME, VERDICT_PASSED_ON, 9);
    rig_write (widget);
    EXPECT ("c1 answered\n"
            "c1 < user left\n"
            "c1 < failure\n");
}

//  It was attached at a postoffice that is lost; the next one does not have it.
Test (attachment, a_refused_join_at_another_postoffice_has_nothing_to_leave)
{
    connection_t *connection = VISITOR;
    s_join (connection);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 7);
    attachments_postoffice_down (rig_attachments, 1);
    s_join (connection);
    rig_forget ();
    rig_attached (connection, ATTACH_JOIN, VERDICT_BUSY, 0);
    EXPECT ("c1 answered\n");
}
