//  inbound — frames of clients: refused, deferred, posted; and who is read on when.

#include "edge_rig.h"

#include "tables/edge_metrics.h"

static void
s_begin (void)
{
    rig_begin ();
    rig_resumes = true;
}

TestSuite (inbound, .init = s_begin, .fini = rig_end);

#define RICH rig_connect (ROLE_VISITOR, DIALECT_RICH)
#define WIDGET rig_connect (ROLE_VISITOR, DIALECT_WIDGET)

static void
s_send (connection_t *connection, const char *event, const char *session, const char *rest)
{
    char frame[600];
    snprintf (frame, sizeof frame, "{\"event\":\"%s\",\"sessionId\":\"%s\"%s}", event, session,
              rest);
    inbound_text (connection, text_of (frame));
}

static void
s_join (connection_t *connection)
{
    s_send (connection, "user joined", "s", "");
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 0);
    rig_write (connection);
    rig_forget ();
}

//  Its postoffice is given it with a place among all posts.
static void
s_say (connection_t *connection, const char *session, const char *id)
{
    char rest[200];
    snprintf (rest, sizeof rest, ",\"messageId\":\"%s\",\"data\":{\"rawQuery\":\"x\"}", id);
    s_send (connection, "new message", session, rest);
}

//  The posts' data is what the client said, with its session and user.
#define DATA(session) "{\"rawQuery\":\"x\",\"sessionId\":\"" session "\",\"userId\":\"u-1\"}"

Test (inbound, a_message_joins_its_session_and_is_posted)
{
    connection_t *connection = RICH;
    s_say (connection, "s", "m1");
    EXPECT ("p1 ATTACH c1 demo/s frame ?\n"
            "p1 POST c1 " DATA ("s") " 0\n");
}

Test (inbound, a_bad_frame_is_refused_by_name)
{
    connection_t *rich = RICH;
    s_send (rich, "sing", "s", ",\"messageId\":\"m1\"");
    s_send (rich, "barge in", "s", "");
    rig_write (rich);
    EXPECT ("c1 < error unknown_event\n"
            "c1 < error not_allowed\n");
    connection_t *widget = WIDGET;
    s_send (widget, "new message", "s", ",\"data\":7");
    rig_write (widget);
    EXPECT ("c2 < error bad_request\n"
            "c2 < failure\n");
    s_send (widget, "resume", "s", ",\"lastSeq\":1");
    rig_write (widget);
    EXPECT ("c2 < error not_allowed\n"
            "c2 < connection update not_allowed\n");
}

Test (inbound, what_was_read_is_of_where_the_client_is)
{
    connection_t *rich = RICH;
    s_send (rich, "read", "s", ",\"seq\":1");
    s_join (rich);
    rig_deliver (rich, 1, "a", false);
    rig_write (rich);
    s_send (rich, "read", "t", ",\"seq\":1");
    s_send (rich, "read", "s", ",\"seq\":1");
    rig_write (rich);
    keepalives_tell (rig_keepalives);
    EXPECT ("c1 < new message a\n"
            "c1 < error not_joined\n"
            "p1 RECEIPT c1 1 read 1\n");
    connection_t *widget = WIDGET;
    s_send (widget, "read", "s", ",\"seq\":1");
    rig_write (widget);
    EXPECT ("c2 < error not_allowed\n");
}

//  What the client has by its own word is known when its ATTACH is answered.
Test (inbound, what_was_read_waits_for_the_resume)
{
    connection_t *connection = RICH;
    s_send (connection, "resume", "s", ",\"lastSeq\":4");
    s_send (connection, "read", "s", ",\"seq\":4");
    EXPECT ("p1 ATTACH c1 demo/s resume 4\n"
            "c1 stop\n");
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 6);
    keepalives_tell (rig_keepalives);
    rig_write (connection);
    EXPECT ("c1 read\n"
            "p1 RECEIPT c1 4 read 4\n"
            "c1 < connection update\n");
}

Test (inbound, a_client_of_many_faults_is_closed)
{
    rig_config.frames_burst = 1000000;
    rig_config.outbox_limit = 65536; //  the answers are not read
    connection_t *connection = RICH;
    for (int fault = 0; fault < 15; fault++)
        s_send (connection, "sing", "s", "");
    s_send (connection, "user joined", "s", "");
    for (int fault = 0; fault < 15; fault++)
        s_send (connection, "sing", "s", "");
    cr_assert_not (client_is_closed (connection->client));
    s_send (connection, "sing", "s", "");
    cr_assert (client_is_closed (connection->client));
    //  Nothing of a closed client is taken.
    rig_forget ();
    s_say (connection, "s", "m1");
    EXPECT ("");
}

Test (inbound, a_text_that_is_not_utf8_closes)
{
    connection_t *connection = RICH;
    inbound_text (connection, TEXT ("\xff"));
    rig_write (connection);
    EXPECT ("c1 < close not_utf8\n");
}

//  One ATTACH at a time: the next join waits, unread, for the answer.
Test (inbound, a_second_join_waits_for_the_first)
{
    connection_t *connection = RICH;
    s_send (connection, "user joined", "s", "");
    s_send (connection, "user joined", "t", "");
    EXPECT ("p1 ATTACH c1 demo/s join ?\n"
            "c1 stop\n");
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 3);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t join ?\n"
            "c1 read\n");
}

//  A deferred frame counts among what waits in the edge, until it is read or its client is gone.
Test (inbound, a_deferred_frame_is_counted)
{
    connection_t *connection = RICH;
    s_send (connection, "user joined", "s", "");
    cr_assert_eq (edge_metrics[EDGE_INBOX_BYTES], 0);
    s_send (connection, "user joined", "t", "");
    int64_t bytes = edge_metrics[EDGE_INBOX_BYTES];
    cr_assert_eq (bytes, (int64_t) strlen ("{\"event\":\"user joined\",\"sessionId\":\"t\"}"));
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 3);
    cr_assert_eq (edge_metrics[EDGE_INBOX_BYTES], 0);
    s_send (connection, "user joined", "u", "");
    cr_assert_eq (edge_metrics[EDGE_INBOX_BYTES], bytes);
    rig_disconnect (&connection);
    cr_assert_eq (edge_metrics[EDGE_INBOX_BYTES], 0);
}

static void
s_say_much (connection_t *connection, const char *session)
{
    static char frame[20000];
    int size = snprintf (frame, sizeof frame,
                         "{\"event\":\"new message\",\"sessionId\":\"%s\",\"messageId\":\"m2\","
                         "\"data\":{\"rawQuery\":\"x\",\"more\":\"%*s\"}}",
                         session, WEBSOCKET_LARGE, "x");
    inbound_text (connection, (text_t){ frame, (size_t) size });
}

Test (inbound, an_overloaded_edge_defers_no_large_frame)
{
    connection_t *connection = RICH, *other = RICH;
    s_join (connection);
    s_say (connection, "s", "m1");
    s_send (other, "user joined", "s", "");
    flow_control_add (rig_flow, FLOW_WRITING, 1 << 20);
    rig_forget ();
    s_say_much (connection, "t");
    s_send (other, "user joined", "t", "");
    rig_write (connection);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "c2 stop\n"
            "c1 < close overloaded\n");
}

//  The answers to posts come from the session that they went to.
Test (inbound, a_move_waits_for_unanswered_posts)
{
    connection_t *connection = RICH;
    s_join (connection);
    s_say (connection, "s", "m1");
    s_say (connection, "t", "m2");
    EXPECT ("p1 POST c1 " DATA ("s") " 0\n"
                                     "c1 stop\n");
    rig_posted (1, VERDICT_OK, 1);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t frame ?\n"
            "p1 POST c1 " DATA ("t") " 0\n"
                                     "c1 read\n");
}

Test (inbound, so_many_posts_may_be_unanswered)
{
    connection_t *connection = RICH;
    s_join (connection);
    s_say (connection, "s", "m1");
    s_say (connection, "s", "m2");
    EXPECT ("p1 POST c1 " DATA ("s") " 0\n"
                                     "p1 POST c1 " DATA ("s") " 1\n");
    s_say (connection, "s", "m3");
    EXPECT ("c1 stop\n"
            "p1 POST c1 " DATA ("s") " 2\n");
    rig_posted (2, VERDICT_OK, 2);
    EXPECT ("c1 read\n");
}

Test (inbound, an_overloaded_edge_reads_one_message_at_a_time)
{
    connection_t *connection = RICH;
    s_join (connection);
    flow_control_add (rig_flow, FLOW_INBOXES, 1 << 20);
    s_say (connection, "s", "m1");
    EXPECT ("c1 stop\n"
            "p1 POST c1 " DATA ("s") " 0\n");
    rig_posted (1, VERDICT_OK, 1);
    EXPECT ("c1 read\n");
}

Test (inbound, a_client_that_is_too_fast_waits)
{
    rig_config.frames_per_second = 10;
    rig_config.frames_burst = 5;
    connection_t *connection = RICH;
    s_join (connection);
    for (int frame = 0; frame < 4; frame++)
        s_send (connection, "typing", "s", "");
    EXPECT ("p1 SIGNAL c1 typing\n"
            "p1 SIGNAL c1 typing\n"
            "p1 SIGNAL c1 typing\n"
            "p1 SIGNAL c1 typing\n"
            "c1 stop\n");
    rig_wait (99);
    inbounds_tick (rig_inbounds);
    EXPECT ("");
    rig_wait (1);
    inbounds_tick (rig_inbounds);
    EXPECT ("c1 read\n");
}

Test (inbound, pings_count_at_the_rate)
{
    rig_config.frames_per_second = 10;
    rig_config.frames_burst = 5;
    connection_t *connection = RICH;
    for (int frame = 0; frame < 5; frame++)
        inbound_fragment (connection, true);
    EXPECT ("c1 stop\n");
}

Test (inbound, sessions_are_opened_at_a_rate)
{
    rig_config.sessions_burst = 2;
    connection_t *connection = RICH;
    s_join (connection);
    s_send (connection, "typing", "s", "");
    s_send (connection, "typing", "t", "");
    EXPECT ("p1 SIGNAL c1 typing\n"
            "p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t frame ?\n"
            "p1 SIGNAL c1 typing\n"
            "c1 stop\n");
}

//  Two things are in its way; it is read when both are gone.
Test (inbound, all_that_is_in_the_way_must_go)
{
    rig_config.frames_per_second = 10;
    rig_config.frames_burst = 4;
    connection_t *connection = RICH;
    s_join (connection);
    s_say (connection, "s", "m1");
    s_say (connection, "s", "m2");
    s_say (connection, "s", "m3");
    rig_forget ();
    rig_wait (1000);
    inbounds_tick (rig_inbounds);
    EXPECT ("");
    rig_posted (1, VERDICT_OK, 1);
    EXPECT ("c1 read\n");
}

Test (inbound, what_follows_a_refused_message_is_refused)
{
    connection_t *connection = RICH;
    s_join (connection);
    s_say (connection, "s", "m1");
    rig_posted (1, VERDICT_BUSY, 0);
    rig_forget ();
    s_say (connection, "s", "m2");
    rig_write (connection);
    EXPECT ("c1 < busy busy\n"
            "c1 < busy busy\n");
    s_say (connection, "s", "m1");
    s_say (connection, "s", "m2");
    EXPECT ("p1 POST c1 " DATA ("s") " 0\n"
                                     "p1 POST c1 " DATA ("s") " 2\n");
}

// ---------------------------------------------------------------------------------------------
//  Rates of principals, sessions, apps and addresses: a burst is ten seconds of a rate

static void
s_limit (limit_scope_t scope, limit_act_t act)
{
    rig_config.limits[scope][act] = 1;
    rig_config.frames_burst = rig_config.sessions_burst = 100000;
    rig_config.outbox_limit = 1 << 20;
    rig_limit ();
}

//  What comes behind a message that was refused must not overtake it, and what is refused because
//  of that takes no token.
Test (inbound, messages_that_come_too_fast_are_refused_in_order)
{
    s_limit (LIMIT_PRINCIPAL, LIMIT_MESSAGE);
    connection_t *connection = RICH;
    s_join (connection);
    for (unsigned at = 1; at <= LIMIT_BURST_SECONDS; at++) {
        s_say (connection, "s", "m");
        rig_posted (at, VERDICT_OK, at);
    }
    rig_write (connection);
    rig_forget ();
    s_say (connection, "s", "m1");
    rig_wait (2000);
    s_say (connection, "s", "m2");
    rig_write (connection);
    EXPECT ("c1 < busy busy\n"
            "c1 < busy busy\n");
    cr_assert_eq (edge_limited[LIMIT_ROW_PRINCIPAL_MESSAGE], 1);
    s_say (connection, "s", "m1");
    s_say (connection, "s", "m2");
    s_say (connection, "s", "m3");
    EXPECT ("p1 POST c1 " DATA ("s") " 0\n"
            "p1 POST c1 " DATA ("s") " 11\n");
    rig_write (connection);
    EXPECT ("c1 < busy busy\n");
}

//  An earlier message that is refused, too, comes first.
Test (inbound, a_message_that_came_too_fast_stands_behind_those_before)
{
    s_limit (LIMIT_PRINCIPAL, LIMIT_MESSAGE);
    connection_t *connection = RICH;
    s_join (connection);
    for (unsigned at = 1; at < LIMIT_BURST_SECONDS; at++) {
        s_say (connection, "s", "m");
        rig_posted (at, VERDICT_OK, at);
    }
    s_say (connection, "s", "m1");
    s_say (connection, "s", "m2");
    rig_posted (LIMIT_BURST_SECONDS, VERDICT_BUSY, 0);
    rig_write (connection);
    rig_forget ();
    rig_wait (2000);
    s_say (connection, "s", "m2");
    s_say (connection, "s", "m1");
    s_say (connection, "s", "m2");
    EXPECT ("p1 POST c1 " DATA ("s") " 0\n"
            "p1 POST c1 " DATA ("s") " 11\n");
}

Test (inbound, a_widget_is_shown_that_it_is_too_fast)
{
    s_limit (LIMIT_SESSION, LIMIT_MESSAGE);
    connection_t *widget = WIDGET, *other = WIDGET;
    s_join (widget);
    s_join (other);
    for (unsigned at = 1; at <= LIMIT_BURST_SECONDS; at++) {
        s_say (at % 2 ? widget : other, "s", "m");
        rig_posted (at, VERDICT_OK, at);
    }
    rig_forget ();
    s_say (widget, "s", "m");
    rig_write (widget);
    EXPECT ("c1 < failure\n");
    rig_wait (1000);
    s_say (widget, "s", "m");
    EXPECT ("p1 POST c1 " DATA ("s") "\n");
}

Test (inbound, a_rich_client_that_joins_too_fast_is_told_so)
{
    s_limit (LIMIT_PRINCIPAL, LIMIT_JOIN);
    connection_t *connection = RICH;
    for (unsigned at = 0; at < LIMIT_BURST_SECONDS; at++)
        s_join (connection);
    s_send (connection, "user joined", "t", "");
    s_send (connection, "resume", "s", ",\"lastSeq\":0");
    rig_write (connection);
    EXPECT ("c1 < busy busy\n"
            "c1 < busy busy\n");
    //  It is where it was.
    s_say (connection, "s", "m1");
    EXPECT ("p1 POST c1 " DATA ("s") " 0\n");
    rig_posted (1, VERDICT_OK, 1);
    rig_wait (1000);
    s_send (connection, "user joined", "t", "");
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t join ?\n");
}

//  A widget knows no `busy`, and a message must not be overtaken: both wait, unread.
Test (inbound, a_widget_that_joins_too_fast_waits)
{
    s_limit (LIMIT_APP, LIMIT_JOIN);
    connection_t *connection = WIDGET;
    for (unsigned at = 0; at < LIMIT_BURST_SECONDS; at++)
        s_join (connection);
    s_send (connection, "user joined", "t", "");
    EXPECT ("c1 stop\n");
    cr_assert_gt (edge_metrics[EDGE_INBOX_BYTES], 0);
    rig_wait (999);
    inbounds_tick (rig_inbounds);
    inbound_resume (connection);
    EXPECT ("");
    cr_assert_eq (edge_limited[LIMIT_ROW_APP_JOIN], 1, "it is asked once");
    rig_wait (1);
    inbounds_tick (rig_inbounds);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t join ?\n"
            "c1 read\n");
    cr_assert_eq (edge_metrics[EDGE_INBOX_BYTES], 0);
}

Test (inbound, a_message_into_another_session_waits_for_its_turn)
{
    s_limit (LIMIT_ADDRESS, LIMIT_JOIN);
    connection_t *connection = RICH, *other = RICH;
    for (unsigned at = 0; at < LIMIT_BURST_SECONDS; at++)
        s_join (at % 2 ? connection : other);
    s_say (connection, "t", "m1");
    EXPECT ("c1 stop\n");
    rig_wait (1000);
    s_send (other, "user joined", "u", "");
    rig_forget ();
    //  Somebody else was first.
    inbounds_tick (rig_inbounds);
    EXPECT ("");
    rig_wait (1000);
    inbounds_tick (rig_inbounds);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t frame ?\n"
            "p1 POST c1 " DATA ("t") " 0\n"
            "c1 read\n");
    //  One that waits may go.
    s_say (connection, "u", "m2");
    rig_disconnect (&connection);
    cr_assert_eq (edge_metrics[EDGE_INBOX_BYTES], 0);
}

//  Who is refused by a session takes nothing from those who are in it.
Test (inbound, a_session_counts_only_whom_it_let_in)
{
    s_limit (LIMIT_SESSION, LIMIT_JOIN);
    connection_t *stranger = RICH, *connection = RICH;
    for (unsigned at = 0; at < 3 * LIMIT_BURST_SECONDS; at++) {
        s_send (stranger, "user joined", "s", "");
        rig_attached (stranger, ATTACH_JOIN, VERDICT_NOT_YOURS, 0);
    }
    cr_assert_eq (edge_limited[LIMIT_ROW_SESSION_JOIN], 0);
    for (unsigned at = 0; at < LIMIT_BURST_SECONDS; at++)
        s_join (connection);
    rig_write (stranger);
    rig_forget ();
    s_send (stranger, "user joined", "s", "");
    rig_write (stranger);
    EXPECT ("c1 < busy busy\n");
    cr_assert_eq (edge_limited[LIMIT_ROW_SESSION_JOIN], 1);
}
