//  edge's TLS: who is let in and who is not, certificates that are wrong, renewed or half written,
//  and that nothing a client does under TLS costs more than it does in clear.
//
//  That all else is the same under TLS other tests show: they are run again with EDGE_OVER_TLS.

#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "ports.h"
#include "tcp_talk.h"
#include "tls_maker.h"
#include "tls_wire.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define DAY_S 86400
#define REQUEST "GET /config.json HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST "GET /config.json HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define HANDSHAKES(result) "stentor_edge_tls_handshakes_total{result=\"" result "\"}"
//  Of the edge.
#define SHAKE_WITHIN_MS 10000

// ---------------------------------------------------------------------------------------------
//  The stage

static const char *
s_setting (const char *name, const char *value)
{
    static char settings[8][200];
    static unsigned next;
    char *setting = settings[next++ % 8];
    snprintf (setting, sizeof settings[0], "%s=%s", name, value);
    return setting;
}

static void
s_make (const char *name, int serial)
{
    tls_maker_write (name, &(tls_maker_times_t){ -DAY_S, 60 * DAY_S }, serial);
}

//  The edge has DIRECTORY/edge.pem and edge.key.
static stage_t *
s_start (const char *setting)
{
    unsetenv ("EDGE_OVER_TLS");
    tls_maker_start ();
    s_make ("edge", 100);
    return START (s_setting ("EDGE_TLS_CERTIFICATE", tls_maker_path ("edge.pem")),
                  s_setting ("EDGE_TLS_KEY", tls_maker_path ("edge.key")), "LOG_LEVEL=info",
                  setting ? setting : "LOG_LEVEL=info");
}

static void
s_end (stage_t *self)
{
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_inbox_bytes") == 0);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_writing_bytes") == 0);
    stage_end (self);
    tls_maker_end ();
}

//  The serial number of the certificate that new connections are shown; 0: there is no handshake.
static long
s_shown (stage_t *self)
{
    tcp_talk_t talk = tcp_talk_in_clear (self->port, 0);
    talk.tls = tls_wire_open (talk.handle, NULL, NULL);
    long serial = 0;
    if (talk.tls) {
        X509 *shown = SSL_get1_peer_certificate (talk.tls);
        serial = ASN1_INTEGER_get (X509_get0_serialNumber (shown));
        X509_free (shown);
    }
    tcp_talk_free (&talk);
    return serial;
}

static void
s_expect_served (stage_t *self)
{
    http_answer_t answer = http_get (self->port, "/config.json", NULL);
    cr_expect_eq (answer.status, 200);
    http_answer_free (&answer);
}

// ---------------------------------------------------------------------------------------------
//  Who is let in

typedef struct {
    tls_wire_options_t options;
    bool is_welcome;
    int alert;
    const char *counted;
} visit_t;

static const visit_t s_visits[] = {
    { { .most = TLS1_1_VERSION }, false, 70, HANDSHAKES ("version") },
    { { .most = TLS1_2_VERSION }, true, 0, HANDSHAKES ("full") },
    { { .least = TLS1_3_VERSION }, true, 0, HANDSHAKES ("full") },
    { { .protocols = "\x08http/1.1" }, true, 0, HANDSHAKES ("full") },
    { { .protocols = "\x02h2\x08http/1.1" }, true, 0, HANDSHAKES ("full") },
    { { .protocols = "\x02h2" }, false, 120, HANDSHAKES ("protocol") },
    { { .protocols = "\x02h2", .most = TLS1_2_VERSION }, false, 120, HANDSHAKES ("protocol") },
};

static void
s_visit (stage_t *self, const visit_t *visit)
{
    int alert = 0;
    double counted = process_metric (self->edge, visit->counted);
    tcp_talk_t talk = tcp_talk_in_clear (self->port, 0);
    talk.tls = tls_wire_open (talk.handle, &visit->options, &alert);
    cr_expect_eq (talk.tls != NULL, visit->is_welcome);
    cr_expect_eq (alert, visit->alert, "alert %d", alert);
    if (talk.tls) {
        const unsigned char *protocol;
        unsigned size;
        SSL_get0_alpn_selected (talk.tls, &protocol, &size);
        cr_expect_eq (size, visit->options.protocols ? 8 : 0);
        cr_expect (tcp_talk_say (&talk, LAST, sizeof LAST - 1));
        cr_expect (tcp_talk_hear_end (&talk, 5000));
        cr_expect_str_eq (tcp_talk_statuses (&talk, ""), "200");
        cr_expect (tls_wire_was_ended (talk.tls));
    }
    tcp_talk_free (&talk);
    EVENTUALLY (5000, process_metric (self->edge, visit->counted) == counted + 1);
}

Test (edge_tls, lets_in_who_speaks_1_2_at_least_and_http_1_1)
{
    stage_t *self = s_start (NULL);
    for (size_t at = 0; at < sizeof s_visits / sizeof *s_visits; at++)
        s_visit (self, &s_visits[at]);
    s_end (self);
}

//  A ticket spares the client the certificate.
Test (edge_tls, resumes)
{
    stage_t *self = s_start (NULL);
    SSL_CTX *context = SSL_CTX_new (TLS_client_method ());
    SSL_SESSION *session = NULL;
    for (int round = 0; round < 2; round++) {
        tcp_talk_t talk = tcp_talk_in_clear (self->port, 0);
        talk.tls = SSL_new (context);
        SSL_set_fd (talk.tls, talk.handle);
        if (session)
            SSL_set_session (talk.tls, session);
        cr_assert_eq (SSL_connect (talk.tls), 1);
        cr_expect_eq (SSL_session_reused (talk.tls), round);
        cr_expect (tcp_talk_say (&talk, LAST, sizeof LAST - 1));
        cr_expect (tcp_talk_hear_end (&talk, 5000));
        SSL_SESSION_free (session);
        session = SSL_get1_session (talk.tls);
        cr_expect_eq (SSL_SESSION_get_max_early_data (session), 0);
        SSL_set_shutdown (talk.tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        tcp_talk_free (&talk);
    }
    SSL_SESSION_free (session);
    SSL_CTX_free (context);
    cr_expect_eq (process_metric (self->edge, HANDSHAKES ("resumed")), 1);
    s_end (self);
}

Test (edge_tls, does_not_renegotiate)
{
    stage_t *self = s_start (NULL);
    tcp_talk_t talk = tcp_talk_in_clear (self->port, 0);
    talk.tls = tls_wire_open (talk.handle, &(tls_wire_options_t){ .most = TLS1_2_VERSION }, NULL);
    cr_assert (talk.tls);
    cr_expect_eq (SSL_renegotiate (talk.tls), 1);
    (void) SSL_do_handshake (talk.tls);
    tcp_talk_hear (&talk, 1, 10000);
    cr_expect (talk.has_ended); //  the client's own library gives up
    tcp_talk_free (&talk);
    s_expect_served (self);
    s_end (self);
}

Test (edge_tls, says_that_browsers_are_to_come_by_tls_only_where_asked)
{
    stage_t *self = s_start (NULL);
    http_answer_t answer = http_get (self->port, "/config.json", NULL);
    cr_expect (answer.headers && !strstr (answer.headers, "strict-transport-security"));
    http_answer_free (&answer);
    s_end (self);
    self = s_start ("EDGE_HSTS_SECONDS=86400");
    static const char *const targets[] = { "/config.json", "/nothing", "/api/v1/nothing" };
    for (size_t at = 0; at < 3; at++) {
        answer = http_get (self->port, targets[at], NULL);
        const char *said = "\r\nstrict-transport-security: max-age=86400\r\n";
        cr_expect (answer.headers && strstr (answer.headers, said), "%s", targets[at]);
        http_answer_free (&answer);
    }
    s_end (self);
}

// ---------------------------------------------------------------------------------------------
//  What is no TLS, or not all of it

Test (edge_tls, tells_who_speaks_in_clear)
{
    stage_t *self = s_start (NULL);
    tcp_talk_t talk = tcp_talk_in_clear (self->port, 0);
    cr_expect (tcp_talk_say (&talk, REQUEST, sizeof REQUEST - 1));
    cr_expect (tcp_talk_hear_end (&talk, 5000));
    cr_expect (strncmp (talk.heard, "HTTP/1.1 400 ", 13) == 0);
    cr_expect (strstr (talk.heard, "TLS"));
    tcp_talk_free (&talk);
    cr_expect_eq (process_metric (self->edge, HANDSHAKES ("plain")), 1);
    cr_expect_eq (process_metric (self->edge, "stentor_edge_pages_total"), 0);
    s_end (self);
}

Test (edge_tls, ends_garbage_and_those_who_leave)
{
    static char garbage[40000], half[] = "\x16\x03\x01\x02\x00\x01\x00";
    stage_t *self = s_start (NULL);
    memset (garbage, 0xee, sizeof garbage);
    tcp_talk_t talk = tcp_talk_in_clear (self->port, 0);
    (void) tcp_talk_say (&talk, garbage, sizeof garbage);
    tcp_talk_hear_end (&talk, 5000);
    cr_expect (talk.has_ended);
    tcp_talk_free (&talk);
    //  A record of a handshake that is none.
    memset (garbage, 0, sizeof garbage);
    memcpy (garbage, "\x16\x03\x01\x40\x00", 5);
    talk = tcp_talk_in_clear (self->port, 0);
    (void) tcp_talk_say (&talk, garbage, 5 + 0x4000);
    tcp_talk_hear_end (&talk, 5000);
    cr_expect (talk.has_ended);
    tcp_talk_free (&talk);
    cr_expect_eq (process_metric (self->edge, HANDSHAKES ("malformed")), 2);
    //  In the middle of the first message: the end, and a reset.
    talk = tcp_talk_in_clear (self->port, 0);
    cr_expect (tcp_talk_say (&talk, half, sizeof half - 1));
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_inbox_bytes") == sizeof half - 1);
    tcp_talk_half_close (&talk);
    tcp_talk_hear_end (&talk, 5000);
    cr_expect (talk.has_ended);
    tcp_talk_free (&talk);
    talk = tcp_talk_in_clear (self->port, 0);
    cr_expect (tcp_talk_say (&talk, half, sizeof half - 1));
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_inbox_bytes") == sizeof half - 1);
    tcp_talk_reset (&talk);
    tcp_talk_free (&talk);
    EVENTUALLY (5000, process_metric (self->edge, HANDSHAKES ("gone")) == 2);
    s_expect_served (self);
    s_end (self);
}

//  A client that says nothing, and one that says a byte from time to time.
Test (edge_tls, ends_handshakes_that_do_not_come, .timeout = 60)
{
    stage_t *self = s_start (NULL);
    uint64_t began = clock_mono_ms ();
    tcp_talk_t mute = tcp_talk_in_clear (self->port, 0);
    tcp_talk_t slow = tcp_talk_in_clear (self->port, 0);
    static const char beginning[] = "\x16\x03\x01\x02\x00";
    for (size_t at = 0; at < sizeof beginning - 1; at++) {
        cr_expect (tcp_talk_say (&slow, beginning + at, 1));
        tcp_talk_hear (&slow, 1, 1000);
    }
    for (tcp_talk_t *talk = &mute; talk; talk = talk == &mute ? &slow : NULL) {
        tcp_talk_hear_end (talk, SHAKE_WITHIN_MS * 2);
        cr_expect (talk->has_ended);
        tcp_talk_free (talk);
    }
    uint64_t took = clock_mono_ms () - began;
    cr_expect (took >= SHAKE_WITHIN_MS - 200, "%llu ms", (unsigned long long) took);
    cr_expect_eq (process_metric (self->edge, HANDSHAKES ("late")), 2);
    s_end (self);
}

//  Its last word came with TLS's end, or the connection just ended: what was asked is answered.
Test (edge_tls, answers_who_has_said_the_end)
{
    stage_t *self = s_start (NULL);
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        tcp_talk_t talk = tcp_talk_new (self->port, 0);
        cr_expect (tcp_talk_say (&talk, REQUEST REQUEST, 2 * (sizeof REQUEST - 1)));
        if (!is_cut)
            (void) SSL_shutdown (talk.tls);
        tcp_talk_half_close (&talk);
        cr_expect (tcp_talk_hear_end (&talk, 5000));
        cr_expect_str_eq (tcp_talk_statuses (&talk, ""), "200 200");
        cr_expect (tls_wire_was_ended (talk.tls));
        tcp_talk_free (&talk);
    }
    s_end (self);
}

// ---------------------------------------------------------------------------------------------
//  Wrong certificates

typedef struct {
    const char *certificate;
    const char *key;
    const char *said;
} mistake_t;

static const mistake_t s_mistakes[] = {
    { "edge.pem", "", "EDGE_TLS_CERTIFICATE and EDGE_TLS_KEY need each other" },
    { "", "edge.key", "EDGE_TLS_CERTIFICATE and EDGE_TLS_KEY need each other" },
    { "none.pem", "edge.key",
      "EDGE_TLS_CERTIFICATE cannot be read (No such file or directory): /" },
    { "edge.pem", "none.key", "EDGE_TLS_KEY cannot be read (No such file or directory): /" },
    { ".", "edge.key", "EDGE_TLS_CERTIFICATE cannot be read (it is not a file): /" },
    { "edge.key", "edge.key", "EDGE_TLS_CERTIFICATE has no certificate in PEM: /" },
    { "edge.pem", "edge.pem", "EDGE_TLS_KEY has no private key in PEM without a passphrase: /" },
    { "edge.pem", "locked.key", "EDGE_TLS_KEY has no private key in PEM without a passphrase: /" },
    { "edge.pem", "other.key", "EDGE_TLS_KEY does not belong to EDGE_TLS_CERTIFICATE: /" },
    { "old.pem", "old.key", "EDGE_TLS_CERTIFICATE has expired: /" },
    { "new.pem", "new.key", "EDGE_TLS_CERTIFICATE is not valid yet: /" },
    { "cut.pem", "edge.key", "EDGE_TLS_CERTIFICATE has a damaged certificate in its chain: /" },
    { "weak.pem", "weak.key", "EDGE_TLS_CERTIFICATE is too weak" },
    { "", "", "EDGE_HSTS_SECONDS needs EDGE_TLS_CERTIFICATE" },
};

static void
s_make_mistakes (void)
{
    char command[800];
    s_make ("edge", 1);
    s_make ("other", 2);
    tls_maker_write ("old", &(tls_maker_times_t){ -20 * DAY_S, -60 }, 3);
    tls_maker_write ("new", &(tls_maker_times_t){ DAY_S, 20 * DAY_S }, 4);
    snprintf (command, sizeof command,
              "cd '%s' && head -n -2 edge.pem >cut.pem "
              "&& openssl ec -aes256 -passout pass:secret -in edge.key -out locked.key 2>log "
              "&& openssl req -x509 -newkey rsa:1024 -nodes -days 9 -subj /CN=h -keyout weak.key "
              "-out weak.pem 2>log",
              tls_maker_path (""));
    cr_assert_eq (system (command), 0);
}

//  One line, and the exit code of wrong settings.
static void
s_expect_mistake (const mistake_t *mistake)
{
    char port[40], operations[40];
    snprintf (port, sizeof port, "EDGE_PORT=%u", ports_free ());
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", ports_free ());
    process_t *edge = process_new (
        "edge", "edge", NULL,
        (const char *const[]){
            port, operations, "POSTOFFICE_ADDRESSES=127.0.0.1:1", "EDGE_HSTS_SECONDS=60",
            s_setting ("EDGE_TLS_CERTIFICATE",
                       *mistake->certificate ? tls_maker_path (mistake->certificate) : ""),
            s_setting ("EDGE_TLS_KEY", *mistake->key ? tls_maker_path (mistake->key) : ""),
            NULL });
    cr_assert (edge);
    cr_expect_eq (process_wait_exit (edge, 5000), EX_CONFIG);
    cr_expect_eq (process_log_count (edge, mistake->said), 1, "%s", mistake->said);
    process_destroy (&edge);
}

Test (edge_tls, does_not_start_with_a_wrong_pair)
{
    tls_maker_start ();
    s_make_mistakes ();
    for (size_t at = 0; at < sizeof s_mistakes / sizeof *s_mistakes; at++)
        s_expect_mistake (&s_mistakes[at]);
    tls_maker_end ();
}

//  The edge behind a proxy may have a name of its own: that is not for us to say.
Test (edge_tls, warns_of_what_clients_will_not_take)
{
    stage_t *self = s_start ("EDGE_PUBLIC_URL=https://chat.example.com/");
    cr_expect (process_wait_log (self->edge, "certificate is for another host", 1000));
    //  Of one that is renewed, too.
    tls_maker_write ("edge", &(tls_maker_times_t){ .begins_s = -60, .ends_s = 7200 }, 2);
    EVENTUALLY (20000, process_log_count (self->edge, "certificate is for another host") == 2);
    s_end (self);
    self = s_start ("EDGE_PUBLIC_URL=https://localhost:8443/");
    cr_expect_eq (process_log_count (self->edge, "certificate is for another host"), 0);
    s_end (self);
    self = s_start ("CONNECTION_SERVER_URL=ws://127.0.0.1/");
    cr_expect (process_wait_log (self->edge, "URL is not one of TLS", 1000));
    s_end (self);
}

Test (edge_tls, says_when_a_certificate_ends)
{
    stage_t *self = s_start (NULL);
    double end = process_metric (self->edge, "stentor_edge_tls_certificate_end_seconds");
    double now = (double) (clock_wall_ms () / 1000);
    cr_expect (end > now + 59 * DAY_S && end < now + 61 * DAY_S);
    cr_expect_eq (process_log_count (self->edge, "certificate ends soon"), 0);
    tls_maker_write ("edge", &(tls_maker_times_t){ -80 * DAY_S, 10 * DAY_S }, 101);
    cr_expect (process_wait_log (self->edge, "certificate ends soon", 5000));
    //  One that lives a week is not spoken of for a week.
    tls_maker_write ("edge", &(tls_maker_times_t){ -DAY_S, 6 * DAY_S }, 102);
    EVENTUALLY (5000, s_shown (self) == 102);
    cr_expect_eq (process_log_count (self->edge, "certificate ends soon"), 1);
    s_end (self);
}

// ---------------------------------------------------------------------------------------------
//  Renewal

//  The link that Kubernetes and certbot change: all at once.
static void
s_link (const char *to)
{
    cr_assert_eq (symlink (to, tls_maker_path ("..new")), 0);
    cr_assert_eq (rename (tls_maker_path ("..new"), tls_maker_path ("..data")), 0);
}

static void
s_make_in (const char *directory, int serial)
{
    char name[60];
    snprintf (name, sizeof name, "mkdir -p '%s'", tls_maker_path (directory));
    cr_assert_eq (system (name), 0);
    snprintf (name, sizeof name, "%s/tls", directory);
    s_make (name, serial);
}

Test (edge_tls, takes_a_renewed_certificate_and_chats_go_on)
{
    unsetenv ("EDGE_OVER_TLS");
    tls_maker_start ();
    s_make_in ("one", 201);
    s_make_in ("two", 202);
    s_link ("one");
    stage_t *self = START (s_setting ("EDGE_TLS_CERTIFICATE", tls_maker_path ("..data/tls.pem")),
                           s_setting ("EDGE_TLS_KEY", tls_maker_path ("..data/tls.key")));
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    uint64_t endpoint = stage_join (self, client);
    cr_expect_eq (s_shown (self), 201);
    s_link ("two");
    EVENTUALLY (10000, s_shown (self) == 202);
    cr_expect_eq (process_metric (self->edge, "stentor_edge_tls_reloads_total{result=\"ok\"}"), 1);
    stage_message (client, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_OK, 3);
    stage_deliver (self, endpoint, 4, "{\"outputSpeech\":\"x\"}", false);
    cr_expect (ws_client_wait_event (client, "new message", 2000));
    ws_client_destroy (&client);
    s_end (self);
}

static double
s_refused (stage_t *self)
{
    return process_metric (self->edge, "stentor_edge_tls_reloads_total{result=\"refused\"}");
}

static void
s_move (const char *from, const char *to)
{
    cr_assert_eq (rename (tls_maker_path (from), tls_maker_path (to)), 0);
}

//  First the certificate, a while later its key; then one that has expired.
Test (edge_tls, keeps_the_old_pair_until_the_new_one_is_whole)
{
    stage_t *self = s_start (NULL);
    s_make ("next", 301);
    s_move ("next.pem", "edge.pem");
    cr_expect (process_wait_log (self->edge, "certificate not taken", 5000));
    //  It is looked at again and again, and spoken of once.
    rig_turn_for (&self->rig, 2500);
    cr_expect_eq (s_shown (self), 100);
    cr_expect_eq (process_log_count (self->edge, "certificate not taken"), 1);
    s_move ("next.key", "edge.key");
    EVENTUALLY (5000, s_shown (self) == 301);
    cr_expect_eq (s_refused (self), 1);
    tls_maker_write ("edge", &(tls_maker_times_t){ -DAY_S, -60 }, 302);
    EVENTUALLY (5000, process_log_count (self->edge, "EDGE_TLS_CERTIFICATE has expired") == 1);
    cr_expect_eq (s_shown (self), 301);
    cr_assert_eq (unlink (tls_maker_path ("edge.key")), 0);
    EVENTUALLY (5000, process_log_count (self->edge, "EDGE_TLS_KEY cannot be read") == 1);
    cr_expect_eq (s_shown (self), 301);
    s_make ("edge", 303);
    EVENTUALLY (5000, s_shown (self) == 303);
    s_end (self);
}

// ---------------------------------------------------------------------------------------------
//  What waits

static double
s_resident_kib (stage_t *self)
{
    char path[60], line[200];
    double kib = 0;
    snprintf (path, sizeof path, "/proc/%d/status", (int) process_pid (self->edge));
    FILE *file = fopen (path, "r");
    cr_assert (file);
    while (fgets (line, sizeof line, file) && sscanf (line, "VmRSS: %lf", &kib) != 1)
        ;
    fclose (file);
    return kib;
}

//  Some read nothing at all. What waits for each is bounded and counted, and each is cut off.
Test (edge_tls, closes_readers_that_are_too_slow)
{
    enum { READERS = 8, ANSWERS = 100 };
    static char data[100001];
    static const char answer[] = "{\"outputSpeech\":\"x\"}";
    process_keep_little_of_what_is_freed ();
    stage_t *self = s_start ("EDGE_OUTBOX_LIMIT=256k");
    const char *closed = "stentor_edge_closed_total{reason=\"slow_reader\"}";
    memset (data, ' ', sizeof data - 1);
    memcpy (data, answer, sizeof answer - 1);
    double before = 0, most = 0;
    for (int at = 0; at < READERS; at++) {
        ws_client_t *client = ws_client_open (&(ws_options_t){
            .port = self->port, .target = "/?userId=u-1", .receive_buffer = 4096 });
        cr_assert (client);
        uint64_t endpoint = stage_join (self, client);
        before = at == 0 ? s_resident_kib (self) : before;
        for (uint64_t seq = 4; seq < ANSWERS && process_metric (self->edge, closed) <= at; seq++) {
            stage_deliver (self, endpoint, seq, data, false);
            double waits = process_metric (self->edge, "stentor_edge_writing_bytes");
            most = waits > most ? waits : most;
        }
        EVENTUALLY (5000, process_metric (self->edge, closed) == at + 1);
        ws_client_destroy (&client);
    }
    //  Sealed and not taken by the kernel: a turn's share, and a frame.
    cr_expect (most > 0 && most < (64 << 10) + (256 << 10), "%.0f bytes waited", most);
    cr_expect_lt (s_resident_kib (self) - before, 6 << 10);
    s_end (self);
}

//  A megabyte in large records is refused where it is too much, and taken where it is not.
Test (edge_tls, takes_large_bodies_and_frames)
{
    enum { SIZE = 1 << 20 };
    stage_t *self = s_start ("EDGE_FRAME_LIMIT=1m");
    char *body = malloc (SIZE + 1);
    memset (body, ' ', SIZE);
    body[SIZE] = 0;
    http_answer_t answer =
        http_request (self->port, "POST", "/api/v1/sessions/s-1/messages?userId=u", NULL, body,
                      SIZE);
    cr_expect_eq (answer.status, 413);
    http_answer_free (&answer);
    static const char head[] = "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"messageId\":"
                               "\"m-1\",\"data\":{\"rawQuery\":\"hi\"},\"sender\":{}}";
    memcpy (body, head, sizeof head - 1);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    cr_expect (ws_client_send_text (client, body));
    const bus_record_t *post = stage_hear (self, BUS_POST);
    cr_expect (text_is (post->post.message_id, TEXT ("m-1")));
    stage_posted (self, post, VERDICT_OK, 4);
    cr_expect (ws_client_wait_event (client, "ack", 2000));
    ws_client_destroy (&client);
    free (body);
    s_end (self);
}

//  Who is not read any more (a full post office) waits in the kernel; here waits a bounded rest.
Test (edge_tls, does_not_read_who_waits_for_answers)
{
    stage_t *self = s_start ("EDGE_POSTS=1");
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    char id[20];
    for (int at = 0; at < 400; at++) {
        snprintf (id, sizeof id, "m-%d", at);
        stage_message (client, "s-1", id);
    }
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_inbox_bytes") > 0);
    cr_expect_lt (process_metric (self->edge, "stentor_edge_inbox_bytes"), 60 << 10);
    for (int at = 0; at < 400; at++) {
        const bus_record_t *post = stage_hear (self, BUS_POST);
        snprintf (id, sizeof id, "m-%d", at);
        cr_assert (text_is (post->post.message_id, text_of (id)));
        cr_assert (!stage_find (self, BUS_POST));
        stage_posted (self, post, VERDICT_OK, (uint64_t) at + 4);
    }
    ws_client_destroy (&client);
    s_end (self);
}
