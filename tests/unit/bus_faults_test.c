//  bus_faults — what the bus does when the way or the peer is at fault: streams end and begin anew,
//  and to the owner nothing is lost that it cannot say again.

#include "bus_rig.h"
#include "eventually.h"
#include "bus_proxy.h"
#include "log_catch.h"

#include "base/log.h"
#include "bus/bus_metrics.h"
#include "bus/bus_stream.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
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

//  The side that finds the gap says where it is, each side that its peer is lost: one line each.
static void
s_expect_gap_logged (const char *by_peer_node)
{
    cr_assert_eq (LOG_CAUGHT ("batch refused", "\"warn\"", by_peer_node, "a gap in the stream",
                              "\"batch\":", "\"expected_batch\":"),
                  1);
    cr_assert_eq (LOG_CAUGHT ("batch refused"), 1);
    cr_assert_eq (LOG_CAUGHT ("\"peer gone\""), 1);
    cr_assert_eq (LOG_CAUGHT ("\"postoffice lost\""), 1);
    cr_assert_eq (LOG_CAUGHT ("\"postoffice up\""), 1, "the first one was before");
    cr_assert_eq (LOG_CAUGHT ("\"peer up\"", "\"role\":\"edge\""), 1);
}

Test (bus_faults, a_batch_lost_on_the_way_up)
{
    log_catch ();
    bus_proxy_lose_up (s_between, 1);
    s_expect_new_stream (STREAM_END_GAP);
    s_expect_gap_logged ("\"peer_node\":\"edge-1\"");
}

Test (bus_faults, a_batch_lost_on_the_way_down)
{
    log_catch ();
    bus_proxy_lose_down (s_between, 1);
    s_expect_new_stream (STREAM_END_GAP);
    s_expect_gap_logged ("\"peer_node\":\"postoffice-1\"");
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

//  Adds one batch of the stream: these records, with this protocol in its header.
static void
s_stranger_says_in (stranger_t *stranger, uint64_t protocol, uint64_t stream, uint64_t number,
                    const bus_record_t *records, size_t count)
{
    buffer_t bytes;
    char header[BUS_HEADER_SIZE];
    buffer_init (&bytes, 4096);
    bus_batch_write_header (header, protocol, stream, number);
    cr_assert_eq (buffer_put (&bytes, header, sizeof header), 0);
    for (size_t at = 0; at < count; at++)
        cr_assert_eq (bus_record_write (&records[at], &bytes), 0);
    cr_assert_neq (zmq_send (stranger->socket, bytes.data, bytes.size, 0), -1);
    buffer_free (&bytes);
}

static void
s_stranger_says (stranger_t *stranger, uint64_t stream, uint64_t number,
                 const bus_record_t *records, size_t count)
{
    s_stranger_says_in (stranger, BUS_PROTOCOL_LOWEST, stream, number, records, count);
}

static bus_record_t
s_a_hello (void)
{
    bus_record_t hello = { .kind = BUS_HELLO };
    hello.hello.lowest = hello.hello.highest = BUS_PROTOCOL_LOWEST;
    hello.hello.role = NODE_EDGE;
    hello.hello.node = TEXT ("stranger");
    return hello;
}

Test (bus_faults, a_hello_with_something_behind_it_is_refused)
{
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    const bus_record_t records[] = { s_a_hello (), { .kind = BUS_HEARTBEAT } };
    s_stranger_says (&stranger, 7, 1, records, 2);
    char bytes[1024];
    int got = -1;
    RIG_UNTIL (&s_rig, 5000,
               (got = zmq_recv (stranger.socket, bytes, sizeof bytes, ZMQ_DONTWAIT)) != -1);
    bus_batch_t batch;
    bus_record_t record;
    cr_assert_eq (bus_batch_open (&batch, (text_t){ bytes, (size_t) got }), 0);
    cr_assert_eq (bus_batch_next (&batch, &record), 1);
    cr_assert_eq (record.kind, BUS_REJECT);
    cr_assert (text_is (record.reject.reason, TEXT ("malformed")));
    cr_assert_eq (s_server.ups, 1, "the edge of the test");
    s_stranger_says (&stranger, 8, 1, records, 1);
    RIG_UNTIL (&s_rig, 5000, s_server.ups == 2);
    s_stranger_leaves (&stranger);
}

//  Waits for a batch; the record borrows from `bytes`.
static bus_record_t
s_stranger_hears (stranger_t *stranger, char *bytes, size_t room, bus_batch_t *batch)
{
    int got = -1;
    bus_record_t record;
    RIG_UNTIL (&s_rig, 5000,
               (got = zmq_recv (stranger->socket, bytes, room, ZMQ_DONTWAIT)) != -1);
    cr_assert_eq (bus_batch_open (batch, (text_t){ bytes, (size_t) got }), 0);
    cr_assert_eq (bus_batch_next (batch, &record), 1);
    return record;
}

//  A node that speaks older protocols, too, writes the HELLO of this one: theirs cannot be read.
Test (bus_faults, a_hello_is_of_the_lowest_protocol_that_can_be_read)
{
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    char bytes[1024];
    bus_batch_t batch;
    bus_record_t hello = s_a_hello ();
    hello.hello.lowest = 1;
    s_stranger_says_in (&stranger, 1, 7, 1, &hello, 1);
    bus_record_t answer = s_stranger_hears (&stranger, bytes, sizeof bytes, &batch);
    cr_assert (answer.kind == BUS_REJECT && text_is (answer.reject.reason, TEXT ("protocol")));
    hello.hello.highest = 9;
    s_stranger_says_in (&stranger, BUS_PROTOCOL_EXTENSIBLE, 8, 1, &hello, 1);
    answer = s_stranger_hears (&stranger, bytes, sizeof bytes, &batch);
    cr_assert (answer.kind == BUS_WELCOME && answer.welcome.protocol == BUS_PROTOCOL_HIGHEST);
    cr_assert_eq (batch.protocol, BUS_PROTOCOL_HIGHEST);
    cr_assert_eq (s_server.ups, 2);
    s_stranger_leaves (&stranger);
}

//  What WELCOME has chosen stands in every header behind it.
Test (bus_faults, a_batch_of_another_protocol_ends_the_stream)
{
    static const uint64_t protocols[] = { BUS_PROTOCOL_HIGHEST + 1, BUS_PROTOCOL_LOWEST - 1, 0 };
    log_catch ();
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    const bus_record_t hello = s_a_hello (), beat = { .kind = BUS_HEARTBEAT };
    for (unsigned at = 0; at < sizeof protocols / sizeof *protocols; at++) {
        s_stranger_says (&stranger, at + 1, 1, &hello, 1);
        s_stranger_says_in (&stranger, protocols[at], at + 1, 2, &beat, 1);
        RIG_UNTIL (&s_rig, 5000, s_server.downs == at + 1);
    }
    cr_assert_eq (bus_counts[BUS_COUNT_ENDS + STREAM_END_MALFORMED], 3);
    cr_assert_eq (LOG_CAUGHT ("batch refused", "\"peer_node\":\"stranger\"",
                              "not the protocol of the stream"),
                  1);
    cr_assert_eq (LOG_CAUGHT ("peer gone", "\"reason\":\"malformed\""), 3);
    cr_assert_eq (s_client.downs, 0);
    s_stranger_leaves (&stranger);
}

//  Kind, place and reason, and once in a while only.
Test (bus_faults, a_malformed_record_is_logged_once)
{
    log_catch ();
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    const bus_record_t hello = s_a_hello ();
    const bus_record_t wrong[] = { { .kind = BUS_HEARTBEAT }, { .kind = BUS_SETTLED } };
    for (uint64_t stream = 1; stream <= 5; stream++) {
        s_stranger_says (&stranger, stream, 1, &hello, 1);
        s_stranger_says (&stranger, stream, 2, wrong, 2);
        RIG_UNTIL (&s_rig, 5000, s_server.downs == stream);
    }
    cr_assert_eq (LOG_CAUGHT ("batch refused", "\"peer_node\":\"stranger\"", "not this role's",
                              "\"kind\":\"SETTLED 34\"", "\"record\":2", "\"batch\":2"),
                  1);
    cr_assert_eq (LOG_CAUGHT ("batch refused"), 1);
    s_stranger_leaves (&stranger);
}

//  Peers that come and go all the time do not fill the log.
Test (bus_faults, peers_that_flap_are_logged_up_to_a_limit)
{
    log_catch ();
    stranger_t stranger = s_stranger (ZMQ_DEALER, s_server.address);
    const bus_record_t hello = s_a_hello ();
    for (uint64_t stream = 1; stream <= 3 * LOG_LIMIT_LINES; stream++) {
        s_stranger_says (&stranger, stream, 1, &hello, 1);
        RIG_UNTIL (&s_rig, 5000, s_server.ups == 1 + stream);
    }
    cr_assert_leq (LOG_CAUGHT ("\"peer up\""), LOG_LIMIT_LINES);
    cr_assert_leq (LOG_CAUGHT ("\"peer gone\""), LOG_LIMIT_LINES);
    cr_assert_gt (LOG_CAUGHT ("\"peer gone\""), 0);
    s_stranger_leaves (&stranger);
}

//  Who connects and says nothing is cut, and so is who stays without a stream; the edge is not.
Test (bus_faults, strangers_are_cut_when_their_time_is_up)
{
    log_catch ();
    stranger_t mute = s_stranger (ZMQ_DEALER, s_server.address);
    stranger_t left = s_stranger (ZMQ_DEALER, s_server.address);
    bus_record_t records[] = { s_a_hello (), { .kind = BUS_GOODBYE } };
    records[1].goodbye.reason = TEXT ("goodbye");
    s_stranger_says (&left, 7, 1, &records[0], 1);
    s_stranger_says (&left, 7, 2, &records[1], 1);
    RIG_UNTIL (&s_rig, 5000, s_server.downs == 1);
    rig_turn_for (&s_rig, BUS_STRANGER_MS - 1000);
    cr_assert_eq (bus_counts[BUS_COUNT_STRANGERS_CUT], 0);
    RIG_UNTIL (&s_rig, 5000, bus_counts[BUS_COUNT_STRANGERS_CUT] == 2);
    cr_assert_eq (LOG_CAUGHT ("stranger cut off", "127.0.0.1", "it has no stream"), 2);
    cr_assert (s_client.downs == 0 && s_server.ups == 2);
    s_stranger_leaves (&mute);
    s_stranger_leaves (&left);
}

#define MANY (BUS_STRANGERS_MAX + 40)

Test (bus_faults, too_many_strangers_push_out_the_oldest)
{
    static int s_connections[MANY];
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    address.sin_port = htons ((uint16_t) atoi (strchr (s_server.address, ':') + 1));
    for (int at = 0; at < MANY; at++) {
        s_connections[at] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq (connect (s_connections[at], (struct sockaddr *) &address, sizeof address),
                      0);
        rig_turn (&s_rig);
    }
    RIG_UNTIL (&s_rig, 5000, bus_counts[BUS_COUNT_STRANGERS_CUT] == MANY - BUS_STRANGERS_MAX);
    //  ZeroMQ's greeting comes before the end.
    char bytes[100];
    ssize_t size;
    while ((size = recv (s_connections[0], bytes, sizeof bytes, 0)) > 0)
        ;
    cr_assert_leq (size, 0, "the oldest is cut");
    while ((size = recv (s_connections[MANY - 1], bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ;
    cr_assert_eq (size, -1, "the newest is not");
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 5000, s_server.records == 1);
    for (int at = 0; at < MANY; at++)
        close (s_connections[at]);
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

//  Says WELCOME, and then what is not a postoffice's to say, or says it in this protocol.
static uint64_t s_second_protocol = BUS_PROTOCOL_LOWEST;

static void
s_wrong_office (void *owner, text_t from, text_t body)
{
    char head[BUS_HEADER_SIZE];
    bus_batch_t batch;
    cr_assert_eq (bus_batch_open (&batch, body), 0);
    if (batch.number != 1)
        return;
    bus_record_t records[] = { { .kind = BUS_WELCOME }, { .kind = BUS_RECEIPT } };
    records[0].welcome.protocol = BUS_PROTOCOL_LOWEST;
    records[0].welcome.node = TEXT ("postoffice-wrong");
    records[0].welcome.incarnation = 1;
    for (uint64_t number = 1; number <= 2; number++) {
        buffer_t bytes;
        buffer_init (&bytes, 1024);
        uint64_t protocol = number == 1 ? BUS_PROTOCOL_LOWEST : s_second_protocol;
        bus_batch_write_header (head, protocol, batch.stream, number);
        cr_assert_eq (bus_record_write (&records[number - 1], &bytes), 0);
        cr_assert_eq (bus_socket_send (*(bus_socket_t **) owner, from,
                                       (text_t){ head, sizeof head }, buffer_text (&bytes)),
                      BUS_SENT);
        buffer_free (&bytes);
    }
}

Test (bus_faults, a_node_logs_what_a_postoffice_may_not_say)
{
    log_catch ();
    bus_socket_t *postoffice;
    static const bus_socket_events_t s_events = { s_nothing, s_wrong_office, s_nothing, NULL };
    postoffice =
        bus_socket_new_router (&s_rig.loop, "tcp://127.0.0.1:*", NULL, &s_events, &postoffice);
    cr_assert (postoffice);
    rig_client_t client = { .bus = NULL };
    rig_client_start (&client, &s_rig, "edge-2",
                      bus_socket_endpoint (postoffice) + strlen ("tcp://"));
    RIG_UNTIL (&s_rig, 5000, client.downs >= 3);
    cr_assert_eq (LOG_CAUGHT ("batch refused", "\"peer_node\":\"postoffice-wrong\"",
                              "not a postoffice's", "\"kind\":\"RECEIPT 15\"", "\"record\":1",
                              "\"batch\":2"),
                  1);
    cr_assert_eq (LOG_CAUGHT ("batch refused"), 1);
    bus_client_destroy (&client.bus);
    bus_socket_destroy (&postoffice);
}

Test (bus_faults, a_node_ends_the_stream_of_a_batch_of_another_protocol)
{
    log_catch ();
    s_second_protocol = BUS_PROTOCOL_HIGHEST + 1;
    bus_socket_t *postoffice;
    static const bus_socket_events_t s_events = { s_nothing, s_wrong_office, s_nothing, NULL };
    postoffice =
        bus_socket_new_router (&s_rig.loop, "tcp://127.0.0.1:*", NULL, &s_events, &postoffice);
    cr_assert (postoffice);
    rig_client_t client = { .bus = NULL };
    rig_client_start (&client, &s_rig, "edge-2",
                      bus_socket_endpoint (postoffice) + strlen ("tcp://"));
    RIG_UNTIL (&s_rig, 5000, client.downs >= 1);
    cr_assert_eq (LOG_CAUGHT ("batch refused", "not the protocol of the stream"), 1);
    cr_assert_eq (LOG_CAUGHT ("postoffice lost", "\"reason\":\"malformed\""), 1);
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
