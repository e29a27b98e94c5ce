//  bus_socket — no wake-up is ever missed, and nothing blocks.
//
//  Two loops, one for each side, so that messages can wait at a socket while its loop sleeps or
//  does something else. Nothing but the socket wakes the loop that is looked at.

#include "bus/bus_czmq.h"
#include "bus/bus_socket.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    uv_loop_t loop;
    uv_timer_t timer;
    bus_socket_t *socket;
    char id[256]; //  of the peer, at the ROUTER
    size_t id_size;
    unsigned records;
    bool is_over; //  the watchdog has fired
} side_t;

static side_t s_router, s_dealer;

static void
s_message (void *owner, text_t from, text_t body)
{
    side_t *self = owner;
    (void) body;
    memcpy (self->id, from.data, from.size);
    self->id_size = from.size;
    self->records++;
}

static void
s_nothing (void *owner)
{
    (void) owner;
}

//  libzmq is asked through these two (the linker's --wrap).
static unsigned s_asked;
static bool s_is_counting;

int __real_zmq_msg_recv (zmq_msg_t *message, void *socket, int flags);
int __wrap_zmq_msg_recv (zmq_msg_t *message, void *socket, int flags);
int __real_zmq_getsockopt (void *socket, int option, void *value, size_t *size);
int __wrap_zmq_getsockopt (void *socket, int option, void *value, size_t *size);

int
__wrap_zmq_msg_recv (zmq_msg_t *message, void *socket, int flags)
{
    s_asked += s_is_counting;
    return __real_zmq_msg_recv (message, socket, flags);
}

int
__wrap_zmq_getsockopt (void *socket, int option, void *value, size_t *size)
{
    s_asked += s_is_counting && option == ZMQ_EVENTS;
    return __real_zmq_getsockopt (socket, option, value, size);
}

static const bus_socket_events_t s_events = { s_nothing, s_message, s_nothing, NULL };

static bus_sent_t
s_send (side_t *self, text_t body)
{
    return bus_socket_send (self->socket, (text_t){ self->id, self->id_size }, TEXT ("head "),
                            body);
}

static void
s_sleep_ms (long milliseconds)
{
    nanosleep (&(struct timespec){ .tv_nsec = milliseconds * 1000000 }, NULL);
}

//  Both are connected and the ROUTER knows the DEALER's id.
static void
s_setup (void)
{
    uv_loop_init (&s_router.loop);
    uv_loop_init (&s_dealer.loop);
    uv_timer_init (&s_dealer.loop, &s_dealer.timer);
    s_router.socket =
        bus_socket_new_router (&s_router.loop, "tcp://127.0.0.1:*", NULL, &s_events, &s_router);
    s_dealer.socket =
        bus_socket_new_dealer (&s_dealer.loop, bus_socket_endpoint (s_router.socket),
                               TEXT ("dealer"), NULL, 0, &s_events, &s_dealer);
    while (s_send (&s_dealer, TEXT ("first")) != BUS_SENT)
        s_sleep_ms (5);
    while (s_router.records == 0)
        uv_run (&s_router.loop, UV_RUN_ONCE);
}

static void
s_teardown (void)
{
    bus_socket_destroy (&s_router.socket);
    bus_socket_destroy (&s_dealer.socket);
    uv_close ((uv_handle_t *) &s_dealer.timer, NULL);
    uv_run (&s_router.loop, UV_RUN_DEFAULT);
    uv_run (&s_dealer.loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_router.loop), 0);
    cr_assert_eq (uv_loop_close (&s_dealer.loop), 0);
}

TestSuite (bus_socket, .init = s_setup, .fini = s_teardown, .timeout = 30);

static void
s_on_watchdog (uv_timer_t *timer)
{
    (void) timer;
    s_dealer.is_over = true;
}

//  Turns the DEALER's loop until it has so many messages or two seconds have passed.
static void
s_expect (unsigned records)
{
    s_dealer.is_over = false;
    uv_timer_start (&s_dealer.timer, s_on_watchdog, 2000, 0);
    while (s_dealer.records < records && !s_dealer.is_over)
        uv_run (&s_dealer.loop, UV_RUN_ONCE);
    cr_assert_eq (s_dealer.records, records);
    uv_timer_stop (&s_dealer.timer);
}

static void
s_send_from_timer (uv_timer_t *timer)
{
    (void) timer;
    cr_assert_eq (s_send (&s_dealer, TEXT ("meanwhile")), BUS_SENT);
}

//  The send looks into the socket's mailbox and so consumes the edge of the message that waits.
Test (bus_socket, a_send_from_a_callback_while_a_message_waits)
{
    for (unsigned round = 1; round <= 20; round++) {
        cr_assert_eq (s_send (&s_router, TEXT ("waits")), BUS_SENT);
        s_sleep_ms (10);
        uv_timer_start (&s_dealer.timer, s_send_from_timer, 0, 0);
        uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
        s_expect (round);
    }
}

Test (bus_socket, a_send_from_outside_while_a_message_waits)
{
    for (unsigned round = 1; round <= 20; round++) {
        cr_assert_eq (s_send (&s_router, TEXT ("waits")), BUS_SENT);
        s_sleep_ms (10);
        cr_assert_eq (s_send (&s_dealer, TEXT ("meanwhile")), BUS_SENT);
        s_expect (round);
    }
}

Test (bus_socket, more_messages_than_a_turn_takes)
{
    unsigned sent = 0;
    while (sent < 3 * BUS_SOCKET_TURN) {
        if (s_send (&s_router, TEXT ("one of many")) == BUS_SENT)
            sent++;
        else
            uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
        cr_assert_leq (s_dealer.records, sent);
    }
    s_expect (sent);
}

//  Sends from everywhere, between messages that have come, are coming or come later. A message that
//  is missed leaves the loop asleep until the watchdog.
Test (bus_socket, sends_and_messages_cross_in_every_way)
{
    unsigned sent = 0, state = 1;
    for (unsigned round = 0; round < 1000; round++) {
        state = state * 1103515245 + 12345;
        unsigned dice = state >> 16;
        for (unsigned count = dice & 3; count > 0; count--)
            sent += s_send (&s_router, TEXT ("crosses")) == BUS_SENT;
        if (dice & 4)
            uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
        if (dice & 0x400)
            s_sleep_ms (2); //  libzmq looks into the mailbox at most once in a millisecond
        if (dice & 8)
            uv_timer_start (&s_dealer.timer, s_send_from_timer, 0, 0);
        if (dice & 16)
            (void) s_send (&s_dealer, TEXT ("from outside"));
        if (dice & 8)
            uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
        if (dice & 32)
            uv_run (&s_router.loop, UV_RUN_NOWAIT);
        if ((dice & 0x3c0) == 0)
            s_expect (sent);
        if (sent - s_dealer.records > BUS_SOCKET_HWM / 2)
            s_expect (sent);
        for (unsigned turns = round % 16 ? 0 : 4; turns > 0; turns--)
            uv_run (&s_router.loop, UV_RUN_NOWAIT);
    }
    s_expect (sent);
}

Test (bus_socket, a_full_peer_is_an_answer)
{
    static char s_bytes[64 * 1024];
    unsigned sent = 0;
    uint64_t before = clock_mono_ms ();
    while (s_send (&s_dealer, (text_t){ s_bytes, sizeof s_bytes }) == BUS_SENT && sent < 10000)
        sent++;
    cr_assert_lt (sent, 10000);
    cr_assert_lt (clock_mono_ms () - before, 5000);
    while (s_router.records < sent + 1)
        uv_run (&s_router.loop, UV_RUN_ONCE);
    while (s_send (&s_dealer, TEXT ("again")) != BUS_SENT)
        s_sleep_ms (5);
}

Test (bus_socket, nobody_there_is_an_answer)
{
    cr_assert_eq (bus_socket_send (s_router.socket, TEXT ("stranger"), TEXT ("head"), TEXT_EMPTY),
                  BUS_UNREACHABLE);
}

Test (bus_socket, an_idle_loop_sleeps)
{
    uv_timer_start (&s_dealer.timer, s_on_watchdog, 1000, 0);
    clock_t before = clock ();
    unsigned turns = 0;
    for (s_dealer.is_over = false; !s_dealer.is_over; turns++)
        uv_run (&s_dealer.loop, UV_RUN_ONCE);
    cr_assert_leq (turns, 10);
    cr_assert_lt ((double) (clock () - before) / CLOCKS_PER_SEC, 0.2);
}

//  A loop has a socket for each postoffice: what a turn costs must not grow with their number.
Test (bus_socket, an_idle_socket_is_not_asked)
{
    enum { IDLE = 63, ROUNDS = 100 };
    static side_t s_idle[IDLE];
    for (unsigned at = 0; at < IDLE; at++) {
        char id[16];
        text_t name = { id, (size_t) snprintf (id, sizeof id, "idle-%u", at) };
        s_idle[at].socket = bus_socket_new_dealer (&s_dealer.loop,
                                                   bus_socket_endpoint (s_router.socket), name,
                                                   NULL, 0, &s_events, &s_idle[at]);
        while (s_send (&s_idle[at], TEXT ("first")) != BUS_SENT)
            s_sleep_ms (1);
        for (s_router.id_size = 0; s_router.id_size == 0;)
            uv_run (&s_router.loop, UV_RUN_ONCE);
        uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
    }
    s_router.id_size = (size_t) snprintf (s_router.id, sizeof s_router.id, "dealer");
    s_sleep_ms (10);
    for (unsigned round = 0; round < 20; round++)
        uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
    s_is_counting = true;
    for (unsigned round = 0; round < ROUNDS; round++)
        uv_run (&s_dealer.loop, UV_RUN_NOWAIT);
    cr_assert_leq (s_asked, 4, "%u", s_asked);
    s_asked = 0;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        s_is_counting = false;
        while (s_send (&s_router, TEXT ("for one of them")) != BUS_SENT)
            uv_run (&s_router.loop, UV_RUN_NOWAIT);
        s_is_counting = true;
        s_expect (round);
        (void) s_send (&s_dealer, TEXT ("answered"));
    }
    s_is_counting = false;
    fprintf (stderr, "asked %.1f times for each message\n", (double) s_asked / ROUNDS);
    cr_assert_leq (s_asked, 6 * ROUNDS, "%u", s_asked);
    for (unsigned at = 0; at < IDLE; at++)
        bus_socket_destroy (&s_idle[at].socket);
}

//  czmq takes its defaults from variables of this kind, and binds a log socket for one of them.
Test (bus_czmq, variables_of_the_environment_change_nothing)
{
    static const char *const s_variables[] = { "ZSYS_MAX_MSGSZ",   "ZSYS_PIPEHWM",  "ZSYS_SNDHWM",
                                               "ZSYS_RCVHWM",      "ZSYS_LINGER",   "ZSYS_IPV6",
                                               "ZSYS_MAX_SOCKETS", "ZSYS_INTERFACE" };
    for (size_t at = 0; at < sizeof s_variables / sizeof *s_variables; at++)
        cr_assert_eq (setenv (s_variables[at], "7", 1), 0);
    cr_assert_eq (setenv ("ZSY", "kept", 1), 0);
    s_setup ();
    for (size_t at = 0; at < sizeof s_variables / sizeof *s_variables; at++)
        cr_assert_null (getenv (s_variables[at]), "%s", s_variables[at]);
    cr_assert_str_eq (getenv ("ZSY"), "kept");
    cr_assert_eq (zsys_pipehwm (), 1000);
    cr_assert_eq (zsys_max_msgsz (), INT_MAX);
    cr_assert_eq (zsys_ipv6 (), 0);
    cr_assert_str_eq (zsys_interface (), "");
    cr_assert_eq (s_send (&s_router, TEXT ("more than seven bytes")), BUS_SENT);
    s_expect (1);
    s_teardown ();
}
