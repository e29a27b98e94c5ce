//  A client with an event stream: it is in one session, says nothing, and is told what a WebSocket
//  would be told, with ids by which it goes on.

#include "edge_rig.h"

#include "tables/edge_metrics.h"

TestSuite (listener, .init = rig_begin, .fini = rig_end);

#define CHECK 0xab00000000000000u

static connection_t *
s_listen (uint64_t seq)
{
    connection_t *connection = rig_listen (ROLE_VISITOR);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_RESUME,
                      (log_position_t){ .seq = seq }, 0);
    attachment_send (connection->attachment);
    return connection;
}

static connection_t *
s_attached (void)
{
    connection_t *connection = s_listen (7);
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 7);
    rig_write (connection);
    rig_forget ();
    return connection;
}

Test (listener, is_told_that_it_is_in_and_then_what_it_misses)
{
    rig_check = CHECK;
    connection_t *connection = s_listen (7);
    EXPECT ("p1 ATTACH c1 demo/s resume 7\n");
    cr_expect_eq (edge_metrics[EDGE_CONNECTIONS_EVENTS], 1);
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 9);
    rig_deliver (connection, 8, "hi", false);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 < data: {\"event\":\"connection update\",\"sessionId\":\"s\",\"data\":"
            "{\"sessionCreated\":true,\"seq\":9,\"check\":\"ab00000000000009\","
            "\"userId\":\"u-1\"}}||\n"
            "c1 < id: 8-ab00000000000008|data: {\"event\":\"new message\",\"sessionId\":\"s\","
            "\"data\":{\"rawQuery\":\"hi\"},\"sender\":{},\"timeMs\":0,\"seq\":8,"
            "\"check\":\"ab00000000000008\"}||\n");
    rig_disconnect (&connection);
    cr_expect_eq (edge_metrics[EDGE_CONNECTIONS_EVENTS], 0);
}

//  Its browser must come again with a lower id than it has.
Test (listener, goes_back_with_the_log)
{
    rig_check = CHECK;
    connection_t *connection = s_attached ();
    rig_truncated (connection, 5, 6, false);
    rig_write (connection);
    EXPECT ("p1 RECEIPT c1 0\n"
            "c1 < id: 5-ab00000000000005|data: {\"event\":\"history changed\",\"sessionId\":\"s\","
            "\"seq\":5,\"check\":\"ab00000000000005\",\"data\":{\"lastSeq\":6}}||\n"
            "c1 < data: {\"event\":\"connection update\",\"sessionId\":\"s\",\"data\":"
            "{\"sessionCreated\":true,\"seq\":5,\"check\":\"ab00000000000005\","
            "\"userId\":\"u-1\"}}||\n");
}

//  Refused for good or for now: it has no other session to go to, and none is looked up for it.
Test (listener, ends_when_its_session_is_not_for_it)
{
    static const verdict_t verdicts[] = { VERDICT_NOT_YOURS, VERDICT_BUSY, VERDICT_STORE_DOWN };
    for (size_t at = 0; at < sizeof verdicts / sizeof *verdicts; at++) {
        char story[700];
        connection_t *connection = s_listen (0);
        rig_forget ();
        rig_attached (connection, ATTACH_RESUME, verdicts[at], 0);
        connections_end_event (rig_clients);
        rig_write (connection);
        snprintf (story, sizeof story,
                  "c%zu answered\n"
                  "c%zu < data: {\"event\":\"connection update\",\"sessionId\":\"s\",\"data\":"
                  "{\"sessionCreated\":false,\"errorMessage\":\"%s\",\"code\":\"%s\"}}||\n"
                  "c%zu < %sevent: close|data: {%s\"}|| (end)\n",
                  at + 1, at + 1, verdict_words (verdicts[at]), verdict_code (verdicts[at]),
                  at + 1, verdict_again (verdicts[at]) ? "" : "retry: 86400000|",
                  verdict_again (verdicts[at])
                      ? "\"code\":1013,\"reason\":\"not_joined\",\"message\":"
                        "\"an event stream's session cannot be entered now"
                      : "\"code\":4403,\"reason\":\"not_its_session\",\"message\":"
                        "\"an event stream's session is not for its client");
        EXPECT (story);
        rig_wait (10000);
        attachments_tick (rig_attachments);
        EXPECT ("");
    }
}

Test (listener, ends_when_no_postoffice_answers)
{
    connection_t *connection = s_listen (0);
    rig_forget ();
    rig_wait (ANSWER_LIMIT_MS);
    attachments_tick (rig_attachments);
    cr_expect (client_is_closed (connection->client));
}

//  It answers no ping: what its socket takes is a sign of life.
Test (listener, lives_as_long_as_its_socket_takes_something)
{
    connection_t *connection = s_attached ();
    for (int times = 0; times < 3; times++) {
        rig_wait (45000);
        keepalives_tick (rig_keepalives);
        rig_write (connection);
        EXPECT ("c1 < :||\n");
    }
    rig_wait (45000);
    keepalives_tick (rig_keepalives);
    rig_wait (10000);
    keepalives_tick (rig_keepalives);
    EXPECT ("c1 abort\n");
    cr_expect (client_is_closed (connection->client));
}

Test (listener, that_reads_too_slowly_is_told_and_ended)
{
    connection_t *connection = s_attached ();
    for (uint64_t seq = 8; !client_is_closed (connection->client); seq++) {
        cr_assert_lt (seq, 1000);
        rig_deliver (connection, seq, "a longer text than before", false);
    }
    connections_end_event (rig_clients);
    rig_forget ();
    rig_write (connection);
    EXPECT ("c1 < event: close|data: {\"code\":1013,\"reason\":\"slow_reader\",\"message\":"
            "\"reads too slowly: its queue is full\"}|| (end)\n");
    cr_expect_eq (edge_closed[CLOSE_SLOW_READER], 1);
}

//  A browser comes again by itself, and is told when.
Test (listener, is_told_when_to_come_again_by_an_edge_that_ends)
{
    connection_t *connection = s_attached ();
    buffer_t text;
    unsigned retry = 0;
    buffer_init (&text, 1000);
    client_drain (connection->client, CLOSE_GOING_AWAY);
    cr_assert_eq (outbound_next_event (connection, &text), EVENTS_LAST);
    int found = sscanf (text.data, "retry: %u\nevent: close\ndata: {\"code\":1001,", &retry);
    cr_expect (found == 1 && retry >= 1 && retry <= 5000, "%.*s", TEXT_ARGS (buffer_text (&text)));
    buffer_free (&text);
}
