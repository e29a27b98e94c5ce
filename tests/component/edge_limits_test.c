//  edge among clients that want too much: sockets, descriptors, frames, sessions.

#include "edge_fixture.h"
#include "base/log.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <sys/resource.h>
#include <unistd.h>

Test (edge_limits, keeps_descriptors_for_itself)
{
    stage_t *self = START ("EDGE_CONNECTIONS=1");
    enum { MUTES = 700 };
    int mutes[MUTES];
    for (int at = 0; at < MUTES; at++)
        mutes[at] = stage_mute (self);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets_refused_total")
                          == MUTES - 513);
    cr_expect_eq (process_metric (self->edge, "stentor_edge_sockets"), 513);
    //  While they are there the bus can be dialled.
    stage_lose_postoffice (self);
    stage_open_postoffice (self);
    RIG_UNTIL (&self->rig, 5000, process_metric (self->edge, "stentor_edge_postoffices") == 1);
    for (int at = 0; at < MUTES; at++)
        close (mutes[at]);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    ws_client_destroy (&client);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_end (self);
}

Test (edge_limits, serves_no_pages_beyond_its_allowance)
{
    stage_t *self = START ("EDGE_CONNECTIONS=1000");
    enum { MUTES = 600 };
    int mutes[MUTES];
    for (int at = 0; at < MUTES; at++)
        mutes[at] = stage_mute (self);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == MUTES);
    http_answer_t answer = http_get (self->port, "/config.json", NULL);
    cr_expect_eq (answer.status, 503);
    http_answer_free (&answer);
    tcp_talk_t large = tcp_talk_new (self->port, 0);
    static const char cookie[] = "GET / HTTP/1.1\r\nCookie: ";
    tcp_talk_say (&large, cookie, strlen (cookie));
    static char more[5000];
    memset (more, 'a', sizeof more);
    tcp_talk_say (&large, more, sizeof more);
    cr_expect (tcp_talk_hear_end (&large, 3000));
    cr_expect_str_eq (tcp_talk_statuses (&large, ""), "503");
    tcp_talk_free (&large);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    ws_client_destroy (&client);
    for (int at = 0; at < MUTES; at++)
        close (mutes[at]);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    answer = http_get (self->port, "/config.json", NULL);
    cr_expect_eq (answer.status, 200);
    http_answer_free (&answer);
    stage_end (self);
}

//  Each keeps within its own limits, and together they would fill the memory: large frames that
//  have not come whole are given up beyond EDGE_BACKLOG_LIMIT, and others notice nothing.
Test (edge_limits, gives_up_large_frames_when_too_many_come)
{
    stage_t *self = START ("EDGE_BACKLOG_LIMIT=16m");
    enum { CROWD = 100, BEGUN = 200 * 1024 };
    static char begun[BEGUN];
    memset (begun, ' ', sizeof begun);
    ws_client_t *crowd[CROWD];
    for (unsigned at = 0; at < CROWD; at++) {
        crowd[at] = stage_connect (self, "/?userId=many");
        ws_client_send_frame (crowd[at], WS_TEXT, false, begun, sizeof begun);
    }
    EVENTUALLY (5000,
                process_metric (self->edge, "stentor_edge_closed_total{reason=\"overloaded\"}")
                    > 0);
    cr_expect_lt (process_metric (self->edge, "stentor_edge_inbox_bytes"), 17 << 20);
    bool is_told = false;
    for (unsigned at = 0; at < CROWD && !is_told; at++)
        is_told = ws_client_expect_close (crowd[at], 1013, 20);
    cr_expect (is_told);

    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    stage_message (client, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_OK, 2);
    cr_expect (ws_client_wait_event (client, "ack", 2000));
    ws_client_destroy (&client);
    for (unsigned at = 0; at < CROWD; at++)
        ws_client_destroy (&crowd[at]);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_inbox_bytes") == 0);
    stage_end (self);
}

Test (edge_limits, lets_sockets_in_at_a_pace)
{
    stage_t *self = START ("EDGE_SOCKETS_BURST=10", "EDGE_SOCKETS_PER_SECOND=10");
    //  One that has gone before its turn comes is not let in at all: here, those behind the tenth.
    enum { MUTES = 20, GONE = 500 };
    int mutes[MUTES];
    uint64_t since = clock_mono_ms ();
    for (int at = 0; at < MUTES; at++)
        mutes[at] = stage_mute (self);
    for (int at = 0; at < GONE; at++)
        close (stage_mute (self));
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") >= 10);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == MUTES);
    cr_expect (clock_mono_ms () - since >= 800, "not paced");
    EVENTUALLY (5000,
                process_metric (self->edge, "stentor_edge_sockets_abandoned_total") == GONE);
    cr_expect (process_metric (self->edge, "stentor_edge_accepts_throttled_total") > 0);
    for (int at = 0; at < MUTES; at++)
        close (mutes[at]);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_end (self);
}

//  What a client that is to be closed goes on to say is not read for ever.
Test (edge_limits, does_not_swallow_what_it_refused)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    static char piece[256 << 10];
    uint64_t sent = 0, since = clock_mono_ms ();
    cr_assert (ws_client_send_frame (client, WS_BINARY, false, piece, 1));
    while (sent < (1ull << 30)
           && ws_client_send_frame (client, WS_CONTINUATION, false, piece, sizeof piece))
        sent += sizeof piece;
    cr_expect (clock_mono_ms () - since >= 1000, "until it is killed it is told why");
    cr_expect (sent < 64 << 20, "%llu bytes were taken", (unsigned long long) sent);
    cr_expect (ws_client_expect_close (client, 1003, 2000));
    ws_client_destroy (&client);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_end (self);
}

Test (edge_limits, asks_for_one_session_at_a_time)
{
    stage_t *self = stage_start (NULL);
    RIG_UNTIL (&self->rig, 5000, process_metric (self->edge, "stentor_edge_postoffices") == 1);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    for (int at = 0; at < 5; at++)
        ws_client_send_format (client, "{\"event\":\"user joined\",\"sessionId\":\"s-%d\"}", at);
    for (int at = 0; at < 5; at++) {
        const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
        rig_turn_for (&self->rig, 100);
        cr_assert (!stage_find (self, BUS_ATTACH));
        //  Refused or not, the next one comes.
        stage_attached (self, attach, at % 2 ? VERDICT_OK : VERDICT_NOT_YOURS, 1);
    }
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_limits, does_not_move_with_unanswered_posts)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    stage_message (client, "s-1", "m-1");
    const bus_record_t *first = stage_hear (self, BUS_POST);
    stage_message (client, "s-2", "m-2");
    stage_message (client, "s-2", "m-3");
    rig_turn_for (&self->rig, 200);
    cr_assert (!stage_find (self, BUS_ATTACH) && !stage_find (self, BUS_POST));
    stage_posted (self, first, VERDICT_OK, 2);
    cr_expect_str_eq (ws_json_text (ws_client_wait_event (client, "ack", 2000), "data.messageId"),
                      "m-1");
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect (text_is (attach->attach.session, TEXT ("demo/s-2")));
    stage_attached (self, attach, VERDICT_OK, 1);
    static const char *const ids[] = { "m-2", "m-3" };
    for (unsigned at = 0; at < 2; at++) {
        const bus_record_t *post = stage_hear (self, BUS_POST);
        cr_expect (text_is (post->post.session, TEXT ("demo/s-2")));
        cr_expect (text_is (post->post.message_id, text_of (ids[at])));
        stage_posted (self, post, VERDICT_OK, 2 + at);
    }
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_limits, does_not_read_faster_than_its_pace)
{
    stage_t *self = START ("EDGE_FRAMES_PER_SECOND=20", "EDGE_FRAMES_BURST=30",
                           "EDGE_PING_EVERY=400ms");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    uint64_t since = clock_mono_ms ();
    for (int at = 0; at < 99; at++)
        ws_client_send_text (client, "{\"event\":\"typing\",\"sessionId\":\"s-1\"}");
    EVENTUALLY (20000, process_metric (self->edge, "stentor_edge_frames_in_total") == 100);
    cr_expect (clock_mono_ms () - since >= 3000, "not throttled");
    cr_expect (ws_client_expect_silence (client, 100), "it is still open");
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_limits, opens_sessions_at_a_pace)
{
    stage_t *self = START ("EDGE_SESSIONS_BURST=3", "EDGE_SESSIONS_PER_SECOND=2");
    RIG_UNTIL (&self->rig, 5000, process_metric (self->edge, "stentor_edge_postoffices") == 1);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t since = clock_mono_ms ();
    for (int at = 0; at < 7; at++)
        ws_client_send_format (client, "{\"event\":\"user joined\",\"sessionId\":\"s-%d\"}", at);
    for (int at = 0; at < 7; at++)
        stage_attached (self, stage_hear (self, BUS_ATTACH), VERDICT_OK, 1);
    cr_expect (clock_mono_ms () - since >= 1500, "not throttled");
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_limits, takes_a_slow_upload_for_a_sign_of_life)
{
    stage_t *self = START ("EDGE_PING_EVERY=500ms", "EDGE_PONG_WITHIN=500ms");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    ws_client_answer_pings (client, false);
    static const char frame[] = "{\"event\":\"typing\",\"sessionId\":\"s-1\"}";
    for (size_t at = 0; at < sizeof frame - 1; at += 4) {
        bool final = at + 4 >= sizeof frame - 1;
        size_t size = final ? sizeof frame - 1 - at : 4;
        cr_assert (ws_client_send_frame (client, at ? WS_CONTINUATION : WS_TEXT, final, frame + at,
                                         size));
        rig_turn_for (&self->rig, 250);
    }
    stage_hear (self, BUS_SIGNAL);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_limits, does_not_spin_without_descriptors)
{
    stage_t *self = stage_start (NULL);
    struct rlimit before, none = { 3, 0 };
    cr_assert_eq (prlimit (process_pid (self->edge), RLIMIT_NOFILE, NULL, &before), 0);
    none.rlim_max = before.rlim_max;
    cr_assert_eq (prlimit (process_pid (self->edge), RLIMIT_NOFILE, &none, NULL), 0);
    int mute = stage_mute (self);
    cr_expect (process_wait_log (self->edge, "cannot accept", 2000));
    rig_turn_for (&self->rig, 1000);
    cr_assert_eq (prlimit (process_pid (self->edge), RLIMIT_NOFILE, &before, NULL), 0);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 1);
    double failed = process_metric (self->edge, "stentor_edge_accepts_failed_total");
    cr_expect (failed >= 1 && failed <= 15, "%g", failed);
    unsigned lines = process_log_count (self->edge, "\"event\":\"cannot accept\"");
    cr_expect (lines >= 1 && lines <= LOG_LIMIT_LINES, "%u lines", lines);
    close (mute);
    stage_end (self);
}

Test (edge_limits, wrong_settings_are_refused, .timeout = 60)
{
    static const char *const wrong[][2] = {
        { "EDGE_ADDRESS=localhost", "EDGE_ADDRESS must be a numeric address" },
        { "EDGE_WEB_ROOT=/no/such/place", "EDGE_WEB_ROOT must be a directory" },
        { "EDGE_WIDGET_ROOT=/no/such/place", "EDGE_WIDGET_ROOT must be a directory with" },
        { "EDGE_WIDGET_ROOT=/", "EDGE_WIDGET_ROOT must be a directory with" },
        { "EDGE_TRUSTED_PROXIES=10.0.0.1/8", "EDGE_TRUSTED_PROXIES must be at most 64 networks" },
        { "EDGE_TRUSTED_PROXIES=fd00::/8,10.0.0.0/33", "between: 10.0.0.0/33 is none" },
        { "POSTOFFICE_ADDRESSES=nowhere", "POSTOFFICE_ADDRESSES must be host:port" },
        { "POSTOFFICE_ADDRESSES=", "POSTOFFICE_ADDRESSES must be host:port" },
    };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++) {
        const char *const settings[] = { "EDGE_PORT=0", "OPERATIONS_PORT=0", wrong[row][0], NULL };
        process_t *edge = process_new ("edge", "edge", NULL, settings);
        cr_assert (edge);
        cr_assert_eq (process_wait_exit (edge, 10000), 78, "%s", wrong[row][0]);
        cr_assert_eq (process_log_count (edge, wrong[row][1]), 1, "%s", wrong[row][0]);
        process_destroy (&edge);
    }
}

#define PACED "stentor_edge_reading_paused_total{reason=\"rate\"}"

//  Frames that no guest ever sees: pings are answered, empty fragments swallowed. Both
//  frames are of six bytes.
static void
s_is_not_read_on (const char *first, const char *frame)
{
    const size_t size = 6;
    stage_t *self = START ("EDGE_FRAMES_PER_SECOND=50", "EDGE_FRAMES_BURST=50");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    static char flood[60000];
    size_t filled = 0;
    for (; filled + size <= sizeof flood; filled += size)
        memcpy (flood + filled, frame, size);
    cr_assert (ws_client_send_raw (client, first, size));
    EVENTUALLY (20000, ws_client_send_raw (client, flood, filled)
                           && process_metric (self->edge, PACED) > 0);
    cr_expect_geq (process_metric (self->edge, "stentor_edge_overhead_frames_total"), 50);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_limits, pings_count_at_the_pace)
{
    s_is_not_read_on ("\x89\x80\0\0\0\0", "\x89\x80\0\0\0\0");
}

Test (edge_limits, pongs_that_nobody_asked_for_count_at_the_pace)
{
    s_is_not_read_on ("\x8a\x80\0\0\0\0", "\x8a\x80\0\0\0\0");
}

Test (edge_limits, empty_fragments_count_at_the_pace)
{
    s_is_not_read_on ("\x01\x80\0\0\0\0", "\0\x80\0\0\0\0");
}

//  Few bytes, but much to read: it is one frame of many at the pace.
Test (edge_limits, many_values_count_at_the_pace)
{
    stage_t *self = START ("EDGE_FRAMES_PER_SECOND=50", "EDGE_FRAMES_BURST=100");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    static char frame[32000];
    size_t size = (size_t) sprintf (frame, "{\"event\":\"typing\",\"sessionId\":\"s-1\",\"x\":[0");
    for (int values = 0; values < 8000; values++)
        size += (size_t) sprintf (frame + size, ",{}");
    strcpy (frame + size, "]}");
    ws_client_send_text (client, frame);
    EVENTUALLY (5000, process_metric (self->edge, PACED) == 1);
    ws_client_destroy (&client);
    stage_end (self);
}
