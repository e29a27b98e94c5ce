//  bus_faults — what the bus does when the way, the peer or the process itself is at fault: streams
//  end and begin anew, and to the owner nothing is lost that it cannot say again.

#include "bus_rig.h"
#include "eventually.h"
#include "bus_proxy.h"

#include "bus/bus_metrics.h"
#include "bus/bus_stream.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

static rig_t s_rig;
static rig_server_t s_server;
static rig_client_t s_client;
static bus_proxy_t *s_between;

static void
s_setup (void)
{
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    s_between = bus_proxy_new (&s_rig.loop, s_server.address);
    rig_client_start (&s_client, &s_rig, "edge-1", bus_proxy_address (s_between));
    RIG_UNTIL (&s_rig, 5000, s_client.ups == 1);
}

static void
s_teardown (void)
{
    bus_client_destroy (&s_client.bus);
    bus_server_destroy (&s_server.bus);
    bus_proxy_destroy (&s_between);
    rig_stop (&s_rig);
}

TestSuite (bus_faults, .init = s_setup, .fini = s_teardown, .timeout = 60);

static void
s_expect_new_stream (stream_end_t end)
{
    RIG_UNTIL (&s_rig, 5000, s_client.ups == 2 && s_server.ups == 2);
    cr_assert_eq (s_client.downs, 1);
    cr_assert_eq (s_server.downs, 1);
    cr_assert_gt (bus_counts[BUS_COUNT_ENDS + end], 0);
    uint64_t before = s_server.records;
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 5000, s_server.records == before + 1);
    cr_assert (!s_server.is_broken && !s_client.is_broken);
}

Test (bus_faults, a_batch_lost_on_the_way_up)
{
    bus_proxy_lose_up (s_between, 1);
    s_expect_new_stream (STREAM_END_GAP);
}

Test (bus_faults, a_batch_lost_on_the_way_down)
{
    bus_proxy_lose_down (s_between, 1);
    s_expect_new_stream (STREAM_END_GAP);
}

Test (bus_faults, a_batch_that_comes_twice)
{
    bus_proxy_double_up (s_between);
    s_expect_new_stream (STREAM_END_GAP);
}

Test (bus_faults, silence_is_noticed_by_both_within_four_heartbeats)
{
    bus_proxy_cut (s_between, true);
    RIG_UNTIL (&s_rig, 5 * RIG_HEARTBEAT_MS, s_client.downs == 1);
    RIG_UNTIL (&s_rig, 3 * RIG_HEARTBEAT_MS, s_server.downs == 1);
    bus_proxy_cut (s_between, false);
    s_expect_new_stream (STREAM_END_TIMEOUT);
}

//  An owner as the contract wants it: it says again what was not answered when a stream ends.
#define ITEMS 20000

typedef struct {
    bus_client_t *bus;
    int postoffice;
    bool is_answered[ITEMS];
    unsigned next, answered;
} owner_t;

static int
s_say_item (owner_t *self, uint64_t item)
{
    bus_record_t record = { .kind = BUS_SIGNAL };
    record.signal.endpoint = item;
    return bus_client_send (self->bus, (unsigned) self->postoffice, &record);
}

static void
s_owner_up (void *owner, unsigned postoffice)
{
    owner_t *self = owner;
    self->postoffice = (int) postoffice;
    for (unsigned item = 0; item < self->next; item++)
        if (!self->is_answered[item])
            cr_assert_eq (s_say_item (self, item), 0);
}

static void
s_owner_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((owner_t *) owner)->postoffice = -1;
}

static void
s_owner_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    owner_t *self = owner;
    (void) postoffice;
    uint64_t item = record->posted.request_id;
    self->answered += !self->is_answered[item];
    self->is_answered[item] = true;
}

//  The other owner: does each item once and answers every time.
typedef struct {
    bus_server_t *bus;
    bool is_done[ITEMS];
    unsigned done;
    unsigned refused;
} worker_t;

static void
s_worker_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    (void) owner, (void) peer, (void) hello;
}

static void
s_worker_down (void *owner, peer_t peer)
{
    (void) owner, (void) peer;
}

static void
s_worker_record (void *owner, peer_t peer, const bus_record_t *record)
{
    worker_t *self = owner;
    uint64_t item = record->signal.endpoint;
    self->done += !self->is_done[item];
    self->is_done[item] = true;
    bus_record_t posted = { .kind = BUS_POSTED };
    posted.posted.request_id = item;
    self->refused += bus_server_send (self->bus, peer, &posted) != 0;
}

Test (bus_contract, nothing_is_lost_whatever_the_way_loses, .timeout = 60)
{
    static owner_t s_owner = { .postoffice = -1 };
    static worker_t s_worker;
    static const bus_client_events_t s_owner_events = { s_owner_up, s_owner_down, s_owner_record };
    static const bus_server_events_t s_worker_events = { s_worker_up, s_worker_down,
                                                         s_worker_record };
    rig_start (&s_rig);
    s_worker.bus = bus_server_new (&s_rig.loop,
                                   &(bus_server_config_t){ .node = "postoffice-1",
                                                           .address = "tcp://127.0.0.1:*",
                                                           .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                           .queue_limit = RIG_QUEUE_LIMIT,
                                                           .peer_limit = 10 },
                                   &s_worker_events, &s_worker);
    const char *worker = bus_server_endpoint (s_worker.bus) + strlen ("tcp://");
    s_between = bus_proxy_new (&s_rig.loop, worker);
    const char *between = bus_proxy_address (s_between);
    s_owner.bus = bus_client_new (&s_rig.loop,
                                  &(bus_client_config_t){ .node = "edge-1",
                                                          .role = NODE_EDGE,
                                                          .topics = "",
                                                          .addresses = between,
                                                          .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                          .queue_limit = 2 * RIG_QUEUE_LIMIT },
                                  &s_owner_events, &s_owner);
    int64_t holes = bus_counts[BUS_COUNT_ENDS + STREAM_END_GAP];
    unsigned lost = 0;
    uint64_t deadline = eventually_deadline (40000);
    while (s_owner.answered < ITEMS) {
        cr_assert_lt (clock_mono_ms (), deadline, "%u of %u", s_owner.answered, ITEMS);
        for (int burst = 0; burst < 100 && s_owner.postoffice != -1 && s_owner.next < ITEMS;
             burst++)
            if (s_say_item (&s_owner, s_owner.next) == 0)
                s_owner.next++;
        for (; lost + 2000 <= s_owner.next; lost += 2000)
            if (lost % 4000)
                bus_proxy_lose_up (s_between, 1);
            else
                bus_proxy_lose_down (s_between, 1);
        rig_turn (&s_rig);
    }
    cr_assert_eq (s_worker.done, ITEMS);
    cr_assert_gt (bus_counts[BUS_COUNT_ENDS + STREAM_END_GAP], holes);
    bus_client_destroy (&s_owner.bus);
    bus_server_destroy (&s_worker.bus);
    bus_proxy_destroy (&s_between);
    rig_stop (&s_rig);
}

//  A DEALER that keeps to no rule.
typedef struct {
    void *context;
    void *socket;
} stranger_t;

static stranger_t
s_stranger (int type, const char *address)
{
    stranger_t self = { .context = zmq_ctx_new () };
    self.socket = zmq_socket (self.context, type);
    int linger = 0, patience = 100;
    zmq_setsockopt (self.socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt (self.socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    char endpoint[160];
    snprintf (endpoint, sizeof endpoint, "tcp://%s", address);
    cr_assert_eq (zmq_connect (self.socket, endpoint), 0);
    return self;
}

static void
s_stranger_leaves (stranger_t *self)
{
    zmq_close (self->socket);
    zmq_ctx_term (self->context);
}

//  A HELLO in all but the protocol number of its header.
static size_t
s_foreign_hello (char *to, uint64_t number)
{
    bus_batch_write_header (to, 9, 4711, number);
    memcpy (to + BUS_HEADER_SIZE, "what a later protocol says", 26);
    return BUS_HEADER_SIZE + 26;
}

Test (bus_faults, another_protocol_is_told_so)
{
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    char bytes[1024];
    size_t size = s_foreign_hello (bytes, 1);
    zmq_send (stranger.socket, bytes, size, 0);
    int got = -1;
    RIG_UNTIL (&s_rig, 5000,
               (got = zmq_recv (stranger.socket, bytes, sizeof bytes, ZMQ_DONTWAIT)) != -1);
    bus_batch_t batch;
    bus_record_t record;
    cr_assert_eq (bus_batch_open (&batch, (text_t){ bytes, (size_t) got }), 0);
    cr_assert (batch.protocol == BUS_PROTOCOL_LOWEST && batch.stream == 4711
               && batch.number == BUS_OUTSIDE);
    cr_assert_eq (bus_batch_next (&batch, &record), 1);
    cr_assert_eq (record.kind, BUS_REJECT);
    cr_assert_eq (record.reject.lowest, BUS_PROTOCOL_LOWEST);
    cr_assert_eq (record.reject.highest, BUS_PROTOCOL_HIGHEST);
    cr_assert (text_is (record.reject.reason, TEXT ("protocol")));
    s_stranger_leaves (&stranger);
}

static unsigned s_foreign_hellos;

static void
s_foreign_office (void *owner, text_t from, text_t body)
{
    char bytes[1024];
    bus_batch_t batch;
    cr_assert_eq (bus_batch_open (&batch, body), 0);
    if (batch.number != 1)
        return;
    s_foreign_hellos++;
    size_t size = s_foreign_hello (bytes, BUS_OUTSIDE);
    memcpy (bytes + 8, &batch.stream, sizeof batch.stream);
    (void) bus_socket_send (*(bus_socket_t **) owner, from, (text_t){ bytes, size }, TEXT_EMPTY);
}

static void
s_nothing (void *owner)
{
    (void) owner;
}

Test (bus_faults, an_office_of_another_protocol_is_asked_ever_more_seldom)
{
    bus_socket_t *postoffice;
    static const bus_socket_events_t s_events = { s_nothing, s_foreign_office, s_nothing, NULL };
    postoffice =
        bus_socket_new_router (&s_rig.loop, "tcp://127.0.0.1:*", NULL, &s_events, &postoffice);
    cr_assert (postoffice);
    rig_client_t client = { .bus = NULL };
    rig_client_start (&client, &s_rig, "edge-2",
                      bus_socket_endpoint (postoffice) + strlen ("tcp://"));
    RIG_UNTIL (&s_rig, 5000, s_foreign_hellos >= 2);
    rig_turn_for (&s_rig, 2000);
    cr_assert_leq (s_foreign_hellos, 8);
    cr_assert_eq (client.ups, 0);
    cr_assert_gt (bus_counts[BUS_COUNT_ENDS + STREAM_END_PROTOCOL], 1);
    bus_client_destroy (&client.bus);
    bus_socket_destroy (&postoffice);
}

//  A message of one to four frames of anything, at times with a header that is nearly right.
static void
s_say_garbage (stranger_t *stranger)
{
    char bytes[300];
    int frames = rand () % 8 == 0 ? 1 + rand () % 4 : 1;
    for (int frame = 1; frame <= frames; frame++) {
        size_t size = (size_t) rand () % sizeof bytes;
        for (size_t at = 0; at < size; at++)
            bytes[at] = (char) rand ();
        if (rand () % 2 && size >= BUS_HEADER_SIZE)
            bus_batch_write_header (bytes, (uint64_t) rand () % 5, 1 + (uint64_t) rand () % 3,
                                    (uint64_t) rand () % 3);
        zmq_send (stranger->socket, bytes, size, frame < frames ? ZMQ_SNDMORE : 0);
    }
}

Test (bus_faults, garbage_is_counted_and_costs_nothing_else)
{
    srand (1);
    s_server.answer_every = 1;
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    for (int count = 0; count < 3000; count++) {
        s_say_garbage (&stranger);
        if (count % 3 == 0)
            cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
        if (count % 10 == 0)
            rig_turn (&s_rig);
    }
    RIG_UNTIL (&s_rig, 10000, s_client.records == 1000);
    RIG_UNTIL (&s_rig, 10000, bus_counts[BUS_COUNT_GARBAGE] > 1000);
    s_stranger_leaves (&stranger);
    cr_assert (s_client.downs == 0 && s_server.downs == 0 && s_server.ups == 1);
    cr_assert (!s_server.is_broken && !s_client.is_broken);
}

Test (bus_faults, a_giant_message_costs_its_sender_the_connection)
{
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    char *giant = calloc (1, BUS_MESSAGE_MAX + 1);
    int64_t garbage = bus_counts[BUS_COUNT_GARBAGE];
    zmq_send (stranger.socket, giant, BUS_MESSAGE_MAX + 1, 0);
    rig_turn_for (&s_rig, 3 * RIG_HEARTBEAT_MS);
    cr_assert_eq (bus_counts[BUS_COUNT_GARBAGE], garbage, "it came through");
    free (giant);
    s_stranger_leaves (&stranger);
    cr_assert (s_client.downs == 0 && s_server.downs == 0);
}

Test (bus_faults, what_is_no_zeromq_at_all_costs_nothing)
{
    stranger_t stranger = s_stranger (ZMQ_STREAM, s_server.address);
    char id[256];
    int size = zmq_recv (stranger.socket, id, sizeof id, 0);
    zmq_send (stranger.socket, id, (size_t) size, ZMQ_SNDMORE);
    zmq_send (stranger.socket, "GET / HTTP/1.1\r\nHost: postoffice\r\n\r\n", 37, 0);
    rig_turn_for (&s_rig, 2 * RIG_HEARTBEAT_MS);
    s_stranger_leaves (&stranger);
    cr_assert (s_client.downs == 0 && s_server.downs == 0);
}

//  A process of its own, which can be stopped; parent and child can tell each other an address.
static pid_t
s_fork (int *talk)
{
    int pair[2];
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t child = fork ();
    cr_assert_neq (child, -1);
    if (child == 0)
        prctl (PR_SET_PDEATHSIG, SIGKILL);
    *talk = pair[child == 0];
    close (pair[child != 0]);
    return child;
}

#define STOPPED_MS (10 * RIG_HEARTBEAT_MS)

//  The child is a postoffice: it exits with 0 when two streams came, one after the other, and the
//  first gave it nothing from the time when it had been given up.
static void
s_stopped_postoffice (int talk)
{
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    size_t size = strlen (s_server.address) + 1;
    if (write (talk, s_server.address, size) != (ssize_t) size)
        _exit (9);
    RIG_UNTIL (&s_rig, 20000, s_server.ups == 1 && s_server.records == 1);
    RIG_UNTIL (&s_rig, 20000, s_server.ups == 2 && s_server.records >= 2);
    _exit (s_server.is_broken || s_server.downs != 1 || s_server.records != 2);
}

Test (bus_zombie, a_postoffice_that_was_stopped_believes_no_old_stream, .timeout = 60)
{
    int talk;
    pid_t child = s_fork (&talk);
    if (child == 0)
        s_stopped_postoffice (talk);
    char address[128];
    cr_assert_gt (read (talk, address, sizeof address), 0);
    rig_start (&s_rig);
    rig_client_start (&s_client, &s_rig, "edge-1", address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    rig_turn_for (&s_rig, 2 * RIG_HEARTBEAT_MS);

    kill (child, SIGSTOP);
    for (int said = 0; said < 5; said++) {
        cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
        rig_turn (&s_rig);
    }
    RIG_UNTIL (&s_rig, 6 * RIG_HEARTBEAT_MS, s_client.downs == 1);
    rig_turn_for (&s_rig, STOPPED_MS);
    kill (child, SIGCONT);

    RIG_UNTIL (&s_rig, 10000, s_client.ups == 2);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    int status = -1;
    RIG_UNTIL (&s_rig, 20000, waitpid (child, &status, WNOHANG) == child);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %d", status);
    bus_client_destroy (&s_client.bus);
    rig_stop (&s_rig);
    close (talk);
}

//  The child is an edge: it exits with 0 when its postoffice went down and came up again.
static void
s_stopped_edge (const char *address)
{
    rig_start (&s_rig);
    rig_client_start (&s_client, &s_rig, "edge-1", address);
    RIG_UNTIL (&s_rig, 20000, s_client.ups == 1);
    RIG_UNTIL (&s_rig, 20000, s_client.ups == 2 && s_client.records > 0);
    _exit (s_client.downs != 1 || s_client.is_broken || s_client.records != 1);
}

Test (bus_zombie, an_edge_that_was_stopped_begins_anew, .timeout = 60)
{
    int talk;
    pid_t child = s_fork (&talk);
    char address[128];
    if (child == 0) {
        if (read (talk, address, sizeof address) <= 0)
            _exit (9);
        s_stopped_edge (address);
    }
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    cr_assert_gt (write (talk, s_server.address, sizeof s_server.address), 0);
    RIG_UNTIL (&s_rig, 10000, s_server.ups == 1);
    rig_turn_for (&s_rig, 2 * RIG_HEARTBEAT_MS);

    kill (child, SIGSTOP);
    peer_t ghost = s_server.peer;
    //  What the edge finds when it wakes up belongs to a stream that is over.
    for (uint64_t said = 0; said < 5; said++) {
        cr_assert_eq (rig_server_say (&s_server, ghost, said, TEXT_EMPTY), 0);
        rig_turn (&s_rig);
    }
    RIG_UNTIL (&s_rig, 6 * RIG_HEARTBEAT_MS, s_server.downs == 1);
    cr_assert_neq (rig_server_say (&s_server, ghost, 5, TEXT_EMPTY), 0);
    rig_turn_for (&s_rig, STOPPED_MS);
    kill (child, SIGCONT);

    RIG_UNTIL (&s_rig, 10000, s_server.ups == 2);
    cr_assert_eq (rig_server_say (&s_server, s_server.peer, 0, TEXT_EMPTY), 0);
    int status = -1;
    RIG_UNTIL (&s_rig, 20000, waitpid (child, &status, WNOHANG) == child);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %d", status);
    bus_server_destroy (&s_server.bus);
    rig_stop (&s_rig);
    close (talk);
}

//  A postoffice in a process of its own. All are forked before ZeroMQ has threads, as those do not
//  come along; each begins when it is told an address.
typedef struct {
    pid_t process;
    int talk;
} child_t;

static child_t
s_fork_postoffice (void)
{
    child_t child;
    child.process = s_fork (&child.talk);
    if (child.process != 0)
        return child;
    if (read (child.talk, s_server.address, sizeof s_server.address) <= 0)
        _exit (9);
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    if (write (child.talk, s_server.address, sizeof s_server.address) <= 0)
        _exit (9);
    for (;;)
        rig_turn (&s_rig);
}

//  Begins at the address, or at any when it is empty; then it has the one.
static void
s_begin (const child_t *child, char address[128])
{
    cr_assert_eq (write (child->talk, address, 128), 128);
    cr_assert_gt (read (child->talk, address, 128), 0);
}

static void
s_kill (pid_t child)
{
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
}

Test (bus_killed, a_killed_postoffice_is_missed_and_found_again, .timeout = 60)
{
    char address[128] = "";
    child_t first = s_fork_postoffice ();
    child_t second = s_fork_postoffice ();
    child_t third = s_fork_postoffice ();
    s_begin (&first, address);
    rig_start (&s_rig);
    rig_client_start (&s_client, &s_rig, "edge-1", address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);

    //  Missed for good.
    s_kill (first.process);
    RIG_UNTIL (&s_rig, 5 * RIG_HEARTBEAT_MS, s_client.downs == 1);
    s_begin (&second, address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 2);

    //  Back before anyone was silent for long enough.
    s_kill (second.process);
    s_begin (&third, address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 3);
    cr_assert_eq (s_client.downs, 2);
    s_kill (third.process);
    bus_client_destroy (&s_client.bus);
    rig_stop (&s_rig);
}

Test (bus_killed, a_killed_edge_is_missed, .timeout = 60)
{
    int talk;
    pid_t child = s_fork (&talk);
    char address[128];
    if (child == 0) {
        if (read (talk, address, sizeof address) <= 0)
            _exit (9);
        rig_start (&s_rig);
        rig_client_start (&s_client, &s_rig, "edge-1", address);
        for (;;)
            rig_turn (&s_rig);
    }
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    cr_assert_gt (write (talk, s_server.address, sizeof s_server.address), 0);
    RIG_UNTIL (&s_rig, 10000, s_server.ups == 1);
    s_kill (child);
    RIG_UNTIL (&s_rig, 5 * RIG_HEARTBEAT_MS, s_server.downs == 1);
    cr_assert_neq (rig_server_say (&s_server, s_server.peer, 0, TEXT_EMPTY), 0);
    bus_server_destroy (&s_server.bus);
    rig_stop (&s_rig);
    close (talk);
}
