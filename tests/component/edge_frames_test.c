//  edge's WebSockets, frame by frame: what RFC 6455 forbids, what does not come, and how they end.

#include "edge_fixture.h"
#include "eventually.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const char s_handshake[]
    = "GET /?userId=u HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

Test (edge_frames, refuses_urls_in_the_socket)
{
    stage_t *self = stage_start (NULL);
    static char app[6000];
    snprintf (app, sizeof app, "/?userId=u&appId=%05000d", 1);
    const struct {
        const char *target;
        int code;
    } rows[] = {
        { app, 4404 },
        { "/?userId=u&appId=nobody", 4404 },
        { "/?userId=u&appId=demo&appId=demo", 4404 },
        { "/?userId=u&appId=demo%0", 4404 },
        { "/?userId=u&appId=", 4404 },
        { "/?userId=u&userId=v", 4400 },
        { "/?userId=u%0a", 4400 },
        { "/?userId=u%", 4400 },
        { "/?userId=u&isAdmin=yes", 4400 },
        { "/?userId=u&protocol=22", 4400 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        ws_client_t *client = stage_connect (self, rows[at].target);
        cr_expect (ws_client_expect_close (client, rows[at].code, 2000), "%.60s",
                   rows[at].target);
        ws_client_destroy (&client);
    }
    ws_options_t options = { .port = self->port,
                             .target = "/?userId=u",
                             .headers = "Sec-WebSocket-Protocol: x\r\n" };
    ws_client_t *client = ws_client_open (&options);
    cr_assert_eq (ws_client_status (client), 101);
    stage_join (self, client);
    ws_client_destroy (&client);
    stage_end (self);
}

typedef struct {
    const char *bytes;
    size_t size;
    int code; //  of the only close frame that comes back; 0: one without
} frames_t;

#define FRAMES(bytes, code) { bytes, sizeof (bytes) - 1, code }
#define ZERO "\0\0\0\0"
//  {"event":"typing","sessionId":"s-1"} is of 36 bytes.
#define TYPING "{\"event\":\"typing\",\"sessionId\":\"s-1\"}"
#define MASKED "\x81\xa4" ZERO TYPING

static int
s_close_code (tcp_talk_t *client)
{
    const uint8_t *at = memmem (client->heard, client->size, "\r\n\r\n", 4);
    const uint8_t *end = (const uint8_t *) client->heard + client->size;
    int code = -1;
    for (at += 4; at + 2 <= end; at += 2 + at[1]) {
        cr_assert (at[0] == 0x88 && at[1] <= 125 && code == -1, "%02x", at[0]);
        code = at[1] >= 2 ? at[2] << 8 | at[3] : 0;
    }
    return code;
}

//  What RFC 6455 forbids ends the connection with one close frame of a legal code, and what stands
//  behind it, or behind a close frame, is never taken.
Test (edge_frames, takes_no_frame_that_is_forbidden)
{
    static const frames_t rows[] = {
        FRAMES ("\x81\x24" TYPING, 1002),
        FRAMES ("\x82\x81" ZERO "x" MASKED, 1003),
        FRAMES ("\x80\x81" ZERO "x" MASKED, 1002),
        FRAMES ("\xc1\xa4" ZERO TYPING, 1002),
        FRAMES ("\x83\x80" ZERO MASKED, 1002),
        FRAMES ("\x8b\x80" ZERO MASKED, 1002),
        FRAMES ("\x09\x80" ZERO MASKED, 1002),
        FRAMES ("\x89\xfe\0\x7e" ZERO MASKED, 1002),
        FRAMES ("\x81\xfe\0\x24" ZERO TYPING, 1002),
        FRAMES ("\x81\xff\x80\0\0\0\0\0\0\x24" ZERO TYPING, 1002),
        FRAMES ("\x81\xff\0\0\0\0\x7f\0\0\0" ZERO, 1009),
        FRAMES ("\x01\x81" ZERO "{" MASKED, 1002),
        FRAMES ("\x88\x80" ZERO MASKED, 0),
        FRAMES ("\x88\x81" ZERO "\x03" MASKED, 1002),
        FRAMES ("\x88\x82" ZERO "\x03\xe8" MASKED, 1000),
        FRAMES ("\x88\x82" ZERO "\x03\xe7" MASKED, 1002),
        FRAMES ("\x88\x82" ZERO "\x03\xed" MASKED, 1002),
        FRAMES ("\x88\x82" ZERO "\x03\xf5" MASKED, 1013),
        FRAMES ("\x88\x82" ZERO "\x03\xf2" MASKED, 1000),
        FRAMES ("\x88\x82" ZERO "\x0f\xa0" MASKED, 4000),
        FRAMES ("\x88\x83" ZERO "\x03\xe8\xff" MASKED, 1007),
        FRAMES ("\x88\x02\x03\xe8" MASKED, 1002),
    };
    stage_t *self = stage_start (NULL);
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        tcp_talk_t client = tcp_talk_new (self->port, 0);
        tcp_talk_say (&client, s_handshake, sizeof s_handshake - 1);
        tcp_talk_say (&client, rows[at].bytes, rows[at].size);
        cr_expect (tcp_talk_hear_end (&client, 3000), "%zu", at);
        cr_expect_eq (s_close_code (&client), rows[at].code, "%zu: %d", at,
                      s_close_code (&client));
        tcp_talk_free (&client);
    }
    cr_expect_eq (process_metric (self->edge, "stentor_edge_frames_in_total"), 0);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_expect_quiet (self, "forbidden frames");
    stage_end (self);
}

//  A good client that is answered, in whatever pieces it comes.
Test (edge_frames, answers_pings_and_reads_pieces)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    ws_message_t message;
    cr_assert (ws_client_send_frame (client, WS_PING, true, "are you there", 13));
    cr_assert_eq (ws_client_next (client, &message, 2000), WS_MESSAGE);
    cr_expect (message.opcode == WS_PONG && message.size == 13
               && memcmp (message.data, "are you there", 13) == 0);
    static const char frames[] = "\x01\x8a" ZERO "{\"event\":\"" "\x89\x80" ZERO "\x80\x9a" ZERO
                                 "typing\",\"sessionId\":\"s-1\"}";
    for (size_t at = 0; at < sizeof frames - 1; at++) {
        cr_assert (ws_client_send_raw (client, frames + at, 1));
        rig_turn_for (&self->rig, 1);
    }
    stage_hear (self, BUS_SIGNAL);
    ws_client_send_close (client, 1000);
    cr_expect (ws_client_expect_close (client, 1000, 2000));
    ws_client_destroy (&client);
    stage_end (self);
}

//  Whatever else comes meanwhile, and however it is cut.
Test (edge_frames, a_message_must_come_whole_in_time)
{
    stage_t *self = START ("EDGE_FRAME_WITHIN=1s");
    static const struct {
        const char *first, *drip;
        size_t first_size, drip_size;
    } rows[] = {
        //  A byte at a time; in fragments; fragments of nothing; with pings between; a head.
        { "\x81\xfe\x01\0" ZERO, " ", 8, 1 },
        { "\x01\x81" ZERO " ", "\0\x81" ZERO " ", 7, 7 },
        { "\x01\x80" ZERO, "\0\x80" ZERO, 6, 6 },
        { "\x01\x81" ZERO " ", "\x89\x80" ZERO, 7, 6 },
        { "\x81", "", 1, 0 },
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    ws_client_t *clients[ROWS];
    uint64_t since = clock_mono_ms ();
    for (size_t at = 0; at < ROWS; at++) {
        clients[at] = stage_connect (self, "/?userId=u-1");
        ws_client_send_raw (clients[at], rows[at].first, rows[at].first_size);
    }
    while (process_metric (self->edge, "stentor_edge_closed_total{reason=\"late\"}") < ROWS) {
        cr_assert (clock_mono_ms () - since < 8000, "they may drip for ever");
        for (size_t at = 0; at < ROWS; at++)
            ws_client_send_raw (clients[at], rows[at].drip, rows[at].drip_size);
        rig_turn_for (&self->rig, 100);
    }
    cr_expect (clock_mono_ms () - since >= 1000);
    for (size_t at = 0; at < ROWS; at++) {
        cr_expect (ws_client_expect_close (clients[at], 1008, 2000));
        ws_client_destroy (&clients[at]);
    }
    stage_end (self);
}

//  A client that is not read is not late with what it could not say.
Test (edge_frames, is_patient_with_who_is_not_read)
{
    stage_t *self = START ("EDGE_FRAME_WITHIN=1s", "EDGE_FRAMES_PER_SECOND=5",
                           "EDGE_FRAMES_BURST=10");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    for (int at = 0; at < 30; at++)
        ws_client_send_raw (client, MASKED, sizeof MASKED - 1);
    ws_client_send_raw (client, "\x81", 1);
    EVENTUALLY (10000, process_metric (self->edge, "stentor_edge_frames_in_total") == 30);
    ws_client_send_raw (client, &MASKED[1], sizeof MASKED - 2);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_frames_in_total") == 31);
    cr_expect_eq (process_metric (self->edge, "stentor_edge_closed_total{reason=\"late\"}"), 0);
    ws_client_destroy (&client);
    stage_end (self);
}

//  It has closed, and its socket is so full that it cannot be answered.
Test (edge_frames, does_not_wait_for_who_closes_and_does_not_read)
{
    stage_t *self = stage_start (NULL);
    ws_options_t options
        = { .port = self->port, .target = "/?userId=u-1&protocol=2", .receive_buffer = 4096 };
    ws_client_t *client = ws_client_open (&options);
    cr_assert_eq (ws_client_status (client), 101);
    uint64_t endpoint = stage_join (self, client), seq = 2;
    static char data[60000];
    snprintf (data, sizeof data, "{\"outputSpeech\":\"%050000d\"}", 1);
    while (process_metric (self->edge, "stentor_edge_writing_bytes") == 0) {
        cr_assert_lt (seq, 1000, "it takes everything");
        stage_deliver (self, endpoint, seq++, data, false);
        rig_turn_for (&self->rig, 20);
    }
    ws_client_send_close (client, 1000);
    EVENTUALLY (3000, process_metric (self->edge, "stentor_edge_connections{dialect=\"rich\"}")
                          == 0);
    EVENTUALLY (9000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    cr_expect_eq (process_metric (self->edge, "stentor_edge_writing_bytes"), 0);
    ws_client_destroy (&client);
    stage_end (self);
}

//  However a WebSocket ends, nothing is left of it.
Test (edge_frames, has_nothing_to_do_behind_a_websocket)
{
    stage_t *self = stage_start (NULL);
    static const char *const ends[] = { "", "\x81", "\x81\xfe", MASKED, "\x01\x81" ZERO "x",
                                        "\x88\x82" ZERO "\x03\xe8" };
    static tcp_talk_t staying[6];
    for (size_t at = 0; at < 6; at++) {
        size_t size = at == 4 ? 7 : at == 5 ? 8 : strlen (ends[at]);
        for (int how = 0; how < 3; how++) {
            tcp_talk_t client = tcp_talk_new (self->port, 0);
            tcp_talk_say (&client, s_handshake, sizeof s_handshake - 1);
            tcp_talk_hear (&client, 100, 3000);
            tcp_talk_say (&client, ends[at], at == 3 ? sizeof MASKED - 1 : size);
            if (how == 0)
                tcp_talk_reset (&client);
            if (how == 2) {
                tcp_talk_half_close (&client);
                staying[at] = client;
            } else
                tcp_talk_free (&client);
        }
    }
    stage_expect_quiet (self, "WebSockets, with clients that stay");
    EVENTUALLY (8000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    for (size_t at = 0; at < 6; at++)
        tcp_talk_free (&staying[at]);
    stage_end (self);
}
