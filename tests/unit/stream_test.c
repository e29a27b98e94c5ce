//  stream — a socket of TLS, whose last word of the handshake may find no room; and one that is not
//  read for a while.

#include "net/stream.h"
#include "tls_maker.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    uv_loop_t loop;
    tls_server_t *tls;
    streams_t *streams;
    stream_t *stream;
    int ours, theirs;
    SSL_CTX *context;
    SSL *client;
    size_t heard;
    bool is_closed;
    bool pauses;     //  before it takes anything
    uv_prepare_t bus; //  begun behind the streams, so its turn comes before theirs
    bool has_sent;   //  what was heard went on
} rig_t;

//  Whoever hears something may answer: there must be room.
static size_t
s_on_bytes (void *owner, char *data, size_t size)
{
    rig_t *self = owner;
    (void) data;
    cr_expect_not (stream_is_full (self->stream));
    if (self->pauses) {
        stream_read (self->stream, false);
        return 0;
    }
    self->heard += size;
    return size;
}

static void
s_on_nothing (void *owner)
{
    (void) owner;
}

static void
s_on_closed (void *owner)
{
    ((rig_t *) owner)->is_closed = true;
}

static void
s_on_memory (void *owner, net_memory_t what, int64_t change)
{
    (void) owner, (void) what, (void) change;
}

static void
s_turn (rig_t *self)
{
    for (int turns = 0; turns < 5; turns++)
        uv_run (&self->loop, UV_RUN_NOWAIT);
}

//  All that the client has written arrives at once.
static void
s_say (rig_t *self)
{
    char *bytes;
    long size = BIO_get_mem_data (SSL_get_wbio (self->client), &bytes);
    cr_assert (size == 0 || send (self->theirs, bytes, (size_t) size, MSG_NOSIGNAL) == size);
    (void) BIO_reset (SSL_get_wbio (self->client));
    s_turn (self);
}

//  The client is in, and its last word has not left yet.
static void
s_shake (rig_t *self)
{
    char bytes[8000];
    ssize_t size;
    while (SSL_do_handshake (self->client) != 1) {
        s_say (self);
        size = recv (self->theirs, bytes, sizeof bytes, 0);
        cr_assert_gt (size, 0);
        BIO_write (SSL_get_rbio (self->client), bytes, (int) size);
    }
}

static rig_t *
s_start (void)
{
    static const stream_events_t events = { .bytes = s_on_bytes,
                                            .ended = s_on_nothing,
                                            .write = s_on_nothing,
                                            .late = s_on_nothing,
                                            .closed = s_on_closed };
    rig_t *self = calloc (1, sizeof *self);
    buffer_t complaint;
    int pair[2];
    tls_maker_start ();
    tls_maker_write ("own", &(tls_maker_times_t){ .begins_s = -60, .ends_s = 3600 }, 1);
    uv_loop_init (&self->loop);
    buffer_init (&complaint, 700);
    self->tls = tls_server_new (&self->loop, tls_maker_path ("own.pem"),
                                tls_maker_path ("own.key"), &complaint);
    cr_assert_not_null (self->tls);
    streams_config_t config = { .memory = s_on_memory, .owner = self, .tls = self->tls };
    for (unsigned limit = 0; limit < STREAM_LIMITS; limit++)
        config.limits_ms[limit] = 60000;
    self->streams = streams_new (&self->loop, &config);
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    self->ours = pair[0];
    self->theirs = pair[1];
    self->stream = stream_new (self->streams, self->ours, &events, self);
    self->context = SSL_CTX_new (TLS_client_method ());
    SSL_CTX_set_min_proto_version (self->context, TLS1_3_VERSION);
    self->client = SSL_new (self->context);
    SSL_set_bio (self->client, BIO_new (BIO_s_mem ()), BIO_new (BIO_s_mem ()));
    SSL_set_connect_state (self->client);
    s_shake (self);
    return self;
}

static void
s_end (rig_t *self)
{
    SSL_free (self->client);
    SSL_CTX_free (self->context);
    close (self->theirs);
    streams_destroy (&self->streams);
    tls_server_destroy (&self->tls);
    uv_run (&self->loop, UV_RUN_DEFAULT);
    cr_expect_eq (uv_loop_close (&self->loop), 0);
    tls_maker_end ();
    free (self);
}

//  The kernel takes no byte more, and the stream does not know.
static void
s_fill (const rig_t *self)
{
    static const char zeros[1000];
    size_t size = sizeof zeros;
    for (; size > 0; size /= 2)
        while (send (self->ours, zeros, size, MSG_NOSIGNAL) > 0) {
        }
}

//  With the last word of its handshake, which TLS answers (with a ticket).
static void
s_ask (rig_t *self)
{
    cr_assert_eq (SSL_write (self->client, "ask", 3), 3);
    s_say (self);
}

Test (stream, hears_what_comes_with_the_end_of_the_handshake)
{
    rig_t *self = s_start ();
    s_ask (self);
    cr_expect_eq (self->heard, 3);
    cr_expect_not (self->is_closed);
    s_end (self);
}

//  The ticket finds no room. Then nothing is offered: its answer would find none either.
Test (stream, closes_one_that_takes_no_ticket)
{
    rig_t *self = s_start ();
    s_fill (self);
    s_ask (self);
    cr_expect_eq (self->heard, 0);
    cr_expect (self->is_closed);
    s_end (self);
}

static void
s_on_bus (uv_prepare_t *bus)
{
    rig_t *self = bus->data;
    self->has_sent = self->heard > 0;
}

//  As far as a loop goes without sleeping.
static void
s_turn_awake (rig_t *self)
{
    do
        uv_run (&self->loop, UV_RUN_NOWAIT);
    while (uv_backend_timeout (&self->loop) == 0);
}

//  It is offered when the bus has had its part of the turn.
Test (stream, sends_on_what_was_kept_before_it_sleeps)
{
    rig_t *self = s_start ();
    uv_prepare_init (&self->loop, &self->bus);
    uv_prepare_start (&self->bus, s_on_bus);
    self->bus.data = self;
    self->pauses = true;
    s_ask (self);
    cr_expect_eq (self->heard, 0);
    self->pauses = false;
    stream_read (self->stream, true);
    s_turn_awake (self);
    cr_expect_eq (self->heard, 3);
    cr_expect (self->has_sent);
    uv_close ((uv_handle_t *) &self->bus, NULL);
    s_end (self);
}
