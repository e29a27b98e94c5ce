//  bus_link — the two ends of the bus over real TCP on a real loop: how a stream begins, lives and
//  ends, and that nothing is lost within one.

#include "bus_rig.h"
#include "eventually.h"
#include "log_catch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static rig_t s_rig;
static rig_server_t s_server;
static rig_client_t s_client;

static void
s_setup (void)
{
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    rig_client_start (&s_client, &s_rig, "edge-1", s_server.address);
    RIG_UNTIL (&s_rig, 5000, s_client.ups == 1);
}

static void
s_teardown (void)
{
    bus_client_destroy (&s_client.bus);
    bus_server_destroy (&s_server.bus);
    rig_stop (&s_rig);
}

TestSuite (bus_link, .init = s_setup, .fini = s_teardown, .timeout = 60);

Test (bus_link, begins_with_hello_and_welcome)
{
    cr_assert_eq (s_server.ups, 1);
    cr_assert_str_eq (s_server.node, "edge-1");
    cr_assert_eq (bus_client_postoffices_up (s_client.bus), 1);
    cr_assert_eq (bus_client_postoffice_of (s_client.bus, TEXT ("demo/s-1")),
                  s_client.postoffice);
}

//  Until it is welcomed again, a postoffice that there should be knows nothing.
Test (bus_link, features_are_those_that_both_know)
{
    cr_assert (bus_client_has (s_client.bus, 0, BUS_FEATURE_FEED));
    cr_assert_not (bus_client_has (s_client.bus, 0, UINT64_C (1) << 40));
    cr_assert_not (bus_client_has (s_client.bus, 1, BUS_FEATURE_FEED));
    cr_assert_eq (bus_client_without (s_client.bus, BUS_FEATURE_FEED), 0);
    cr_assert_eq (bus_client_without (s_client.bus, UINT64_C (1) << 40), 1);
    bus_server_destroy (&s_server.bus);
    RIG_UNTIL (&s_rig, 5000, s_client.downs == 1);
    cr_assert_not (bus_client_has (s_client.bus, 0, BUS_FEATURE_FEED));
    cr_assert_eq (bus_client_without (s_client.bus, BUS_FEATURE_FEED), 1);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    RIG_UNTIL (&s_rig, 5000, s_client.ups == 2);
    cr_assert_eq (bus_client_without (s_client.bus, BUS_FEATURE_FEED), 0);
}

Test (bus_link, what_waits_for_a_peer)
{
    cr_assert_eq (bus_server_queued (s_server.bus, s_server.peer + 1), SIZE_MAX);
    cr_assert_eq (bus_server_queued (s_server.bus, s_server.peer), 0);
    cr_assert_eq (rig_server_say (&s_server, s_server.peer, 1, TEXT ("{}")), 0);
    cr_assert_gt (bus_server_queued (s_server.bus, s_server.peer), 0);
    RIG_UNTIL (&s_rig, 5000, s_client.records == 1);
    cr_assert_eq (bus_server_queued (s_server.bus, s_server.peer), 0);
    bus_client_destroy (&s_client.bus);
    RIG_UNTIL (&s_rig, 5000, s_server.downs == 1);
    cr_assert_eq (bus_server_queued (s_server.bus, s_server.peer), SIZE_MAX);
}

Test (bus_link, carries_records_both_ways)
{
    s_server.answer_every = 1;
    for (int count = 0; count < 1000; count++)
        cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 5000, s_client.records == 1000);
    cr_assert (!s_server.is_broken && !s_client.is_broken);
}

Test (bus_link, stays_up_while_nothing_is_said)
{
    rig_turn_for (&s_rig, 10 * RIG_HEARTBEAT_MS);
    cr_assert (s_client.ups == 1 && s_client.downs == 0 && s_server.ups == 1
               && s_server.downs == 0);
}

Test (bus_link, says_goodbye)
{
    bus_client_destroy (&s_client.bus);
    RIG_UNTIL (&s_rig, 5000, s_server.downs == 1);
}

Test (bus_link, begins_anew_with_a_restarted_server)
{
    bus_server_destroy (&s_server.bus);
    RIG_UNTIL (&s_rig, 5000, s_client.downs == 1);
    cr_assert_eq (bus_client_postoffice_of (s_client.bus, TEXT ("demo/s-1")), -1);
    cr_assert_neq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    RIG_UNTIL (&s_rig, 5000, s_client.ups == 2);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 1000, s_server.records == 1);
}

Test (bus_link, a_suspension_sends_everyone_away_until_it_ends)
{
    log_catch ();
    bus_server_suspend (s_server.bus);
    cr_assert_neq (rig_server_say (&s_server, s_server.peer, 0, TEXT ("demo/s-1")), 0);
    RIG_UNTIL (&s_rig, 5000, s_client.downs == 1 && s_server.downs == 1);
    cr_assert_eq (bus_client_postoffice_of (s_client.bus, TEXT ("demo/s-1")), -1);
    rig_turn_for (&s_rig, 1000);
    cr_assert_eq (s_server.ups, 1, "HELLO is refused");
    cr_assert_eq (LOG_CAUGHT ("postoffice lost", "\"reason\":\"unavailable\""), 1);
    cr_assert_eq (LOG_CAUGHT ("postoffice refuses us", "\"reason\":\"unavailable\""), 1,
                  "at once, and once");
    bus_server_resume (s_server.bus);
    RIG_UNTIL (&s_rig, 5000, s_client.ups == 2 && s_server.ups == 2);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
}

Test (bus_link, a_drain_moves_everyone_away)
{
    bus_server_drain (s_server.bus);
    RIG_UNTIL (&s_rig, 5000, s_client.downs == 1 && s_server.downs == 1);
    rig_turn_for (&s_rig, 10 * RIG_HEARTBEAT_MS);
    cr_assert_eq (s_client.ups, 1);
    cr_assert_eq (s_server.ups, 1);
}

//  More than ZeroMQ, the kernel and the queue can hold together.
#define FLOOD 200000

static text_t
s_kilobyte (void)
{
    static char s_bytes[1024];
    memset (s_bytes, 'x', sizeof s_bytes);
    return (text_t){ s_bytes, sizeof s_bytes };
}

Test (bus_link, a_full_queue_refuses_and_loses_nothing)
{
    int count = 0;
    while (count < FLOOD && rig_client_say (&s_client, 0, s_kilobyte ()) == 0)
        count++;
    cr_assert_lt (count, FLOOD);
    RIG_UNTIL (&s_rig, 20000, s_server.records == (uint64_t) count);
    cr_assert_eq (rig_client_say (&s_client, 0, s_kilobyte ()), 0);
    RIG_UNTIL (&s_rig, 5000, s_server.records == (uint64_t) count + 1);
    cr_assert (!s_server.is_broken && s_client.downs == 0);
}

Test (bus_link, a_peer_beyond_its_queue_is_dropped_and_begins_anew)
{
    int count = 0;
    peer_t peer = s_server.peer;
    while (count < FLOOD && rig_server_say (&s_server, peer, (uint64_t) count, s_kilobyte ()) == 0)
        count++;
    cr_assert_lt (count, FLOOD);
    cr_assert_eq (s_server.downs, 0, "the owner was called from within its own call");
    cr_assert_neq (rig_server_say (&s_server, peer, 0, TEXT_EMPTY), 0);
    RIG_UNTIL (&s_rig, 20000, s_client.ups == 2);
    cr_assert_eq (s_server.downs, 1);
    cr_assert_eq (s_client.downs, 1);
    cr_assert_neq (rig_server_say (&s_server, peer, 0, TEXT_EMPTY), 0);
    uint64_t before = s_client.records;
    cr_assert_eq (rig_server_say (&s_server, s_server.peer, 0, TEXT_EMPTY), 0);
    RIG_UNTIL (&s_rig, 5000, s_client.records == before + 1);
    cr_assert_not (s_client.is_broken);
}

Test (bus_link, a_record_that_is_too_large_is_refused)
{
    char *bytes = calloc (1, RIG_QUEUE_LIMIT);
    cr_assert_neq (rig_client_say (&s_client, 0, (text_t){ bytes, RIG_QUEUE_LIMIT }), 0);
    cr_assert_eq (rig_client_say (&s_client, 0, (text_t){ bytes, RIG_QUEUE_LIMIT / 2 }), 0);
    free (bytes);
    RIG_UNTIL (&s_rig, 5000, s_server.records == 1);
}

//  The same rig, another cast.
static rig_t s_other;
TestSuite (bus_links, .timeout = 60);

Test (bus_links, a_worker_says_its_topics_and_may_not_say_what_edges_say)
{
    rig_server_t server = { .bus = NULL };
    rig_client_t worker = { .bus = NULL };
    rig_start (&s_other);
    rig_server_start (&server, &s_other, "postoffice-1");
    rig_client_start_with (&worker, &s_other,
                           &(bus_client_config_t){ .node = "stentor-connector-1",
                                                   .role = NODE_WORKER,
                                                   .topics = "bot.stentor",
                                                   .credit = 2000,
                                                   .addresses = server.address,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT });
    RIG_UNTIL (&s_other, 5000, worker.ups == 1);
    cr_assert_str_eq (server.topics, "bot.stentor");
    cr_assert_eq (server.credit, 2000);
    cr_assert_eq (rig_client_say (&worker, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_other, 5000, worker.ups == 2);
    cr_assert_eq (server.records, 0);
    bus_client_destroy (&worker.bus);
    bus_server_destroy (&server.bus);
    rig_stop (&s_other);
}

#define KEYS 1000

static int
s_office_of (const rig_client_t *client, int key)
{
    char name[32];
    snprintf (name, sizeof name, "demo/s-%d", key);
    return bus_client_postoffice_of (client->bus, text_of (name));
}

Test (bus_links, only_the_keys_of_a_lost_office_move)
{
    rig_server_t servers[3] = { { .bus = NULL } };
    rig_client_t client = { .bus = NULL };
    int before[KEYS];
    char addresses[400];
    rig_start (&s_other);
    rig_server_start (&servers[0], &s_other, "postoffice-1");
    rig_server_start (&servers[1], &s_other, "postoffice-2");
    rig_server_start (&servers[2], &s_other, "postoffice-2"); //  two of the same name
    snprintf (addresses, sizeof addresses, "%s, %s,%s", servers[0].address, servers[1].address,
              servers[2].address);
    rig_client_start (&client, &s_other, "edge-1", addresses);
    RIG_UNTIL (&s_other, 5000, bus_client_postoffices_up (client.bus) == 3);

    unsigned of_each[3] = { 0 };
    for (int key = 0; key < KEYS; key++)
        of_each[before[key] = s_office_of (&client, key)]++;
    for (int postoffice = 0; postoffice < 3; postoffice++)
        cr_assert (of_each[postoffice] > KEYS / 5, "%d has %u", postoffice, of_each[postoffice]);

    bus_server_destroy (&servers[0].bus);
    RIG_UNTIL (&s_other, 5000, bus_client_postoffices_up (client.bus) == 2);
    for (int key = 0; key < KEYS; key++)
        cr_assert (before[key] == 0 ? s_office_of (&client, key) != 0
                                    : s_office_of (&client, key) == before[key]);

    rig_server_start (&servers[0], &s_other, "postoffice-1");
    RIG_UNTIL (&s_other, 5000, bus_client_postoffices_up (client.bus) == 3);
    for (int key = 0; key < KEYS; key++)
        cr_assert_eq (s_office_of (&client, key), before[key]);

    bus_client_destroy (&client.bus);
    for (int server = 0; server < 3; server++)
        bus_server_destroy (&servers[server].bus);
    rig_stop (&s_other);
}

#define MANY 100

Test (bus_links, many_clients)
{
    static rig_client_t s_clients[MANY];
    rig_server_t server = { .answer_every = 1 };
    rig_start (&s_other);
    rig_server_start (&server, &s_other, "postoffice-1");
    for (int at = 0; at < MANY; at++)
        rig_client_start (&s_clients[at], &s_other, "edge", server.address);
    RIG_UNTIL (&s_other, 20000, server.ups == MANY);
    for (int at = 0; at < MANY; at++) {
        RIG_UNTIL (&s_other, 5000, s_clients[at].ups == 1);
        cr_assert_eq (rig_client_say (&s_clients[at], 0, TEXT ("{}")), 0);
    }
    for (int at = 0; at < MANY; at++)
        RIG_UNTIL (&s_other, 5000, s_clients[at].records == 1);
    cr_assert_eq (server.downs, 0);
    for (int at = 0; at < MANY; at++)
        bus_client_destroy (&s_clients[at].bus);
    RIG_UNTIL (&s_other, 5000, server.downs == MANY);
    bus_server_destroy (&server.bus);
    rig_stop (&s_other);
}

Test (bus_links, one_peer_too_many_is_not_welcome)
{
    rig_server_t server = { .bus = NULL };
    rig_client_t clients[3] = { { .bus = NULL } };
    rig_start (&s_other);
    rig_server_start_with (&server, &s_other,
                           &(bus_server_config_t){ .node = "postoffice-1",
                                                   .address = "tcp://127.0.0.1:*",
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .peer_limit = 2 });
    for (int at = 0; at < 3; at++) {
        rig_client_start (&clients[at], &s_other, "edge", server.address);
        RIG_UNTIL (&s_other, 5000, at == 2 || clients[at].ups == 1);
    }
    rig_turn_for (&s_other, 5 * RIG_HEARTBEAT_MS);
    cr_assert_eq (clients[2].ups, 0);
    bus_client_destroy (&clients[0].bus); //  room for one more
    RIG_UNTIL (&s_other, 5000, clients[2].ups == 1);
    for (int at = 1; at < 3; at++)
        bus_client_destroy (&clients[at].bus);
    bus_server_destroy (&server.bus);
    rig_stop (&s_other);
}

//  An edge that is told to beat ten times as often, and one a fifth as often, than its postoffice.
Test (bus_links, heartbeats_that_differ_are_agreed_on)
{
    static const uint64_t s_heartbeats[] = { RIG_HEARTBEAT_MS / 10, 5 * RIG_HEARTBEAT_MS };
    log_catch ();
    for (unsigned at = 0; at < 2; at++) {
        rig_server_t server = { .bus = NULL };
        rig_client_t client = { .bus = NULL };
        rig_start (&s_other);
        rig_server_start (&server, &s_other, "postoffice-1");
        rig_client_start_with (&client, &s_other,
                               &(bus_client_config_t){ .node = "edge-1",
                                                       .role = NODE_EDGE,
                                                       .topics = "",
                                                       .addresses = server.address,
                                                       .heartbeat_ms = s_heartbeats[at],
                                                       .queue_limit = RIG_QUEUE_LIMIT });
        RIG_UNTIL (&s_other, 5000, client.ups == 1);
        rig_turn_for (&s_other, 12 * RIG_HEARTBEAT_MS);
        cr_assert (client.ups == 1 && client.downs == 0 && server.downs == 0);
        cr_assert_eq (LOG_CAUGHT ("heartbeats differ", "\"peer_node\":\"edge-1\""), at + 1);
        cr_assert_eq (LOG_CAUGHT ("heartbeats differ", "\"peer_node\":\"postoffice-1\"",
                                  "\"theirs_ms\":200"),
                      at + 1);
        bus_client_destroy (&client.bus);
        bus_server_destroy (&server.bus);
        rig_stop (&s_other);
    }
}

Test (bus_links, one_process_at_two_addresses_is_one_office)
{
    rig_server_t server = { .address = "0.0.0.0:*" };
    rig_client_t client = { .bus = NULL };
    char addresses[100];
    rig_start (&s_other);
    rig_server_start (&server, &s_other, "postoffice-1");
    const char *port = strchr (server.address, ':');
    snprintf (addresses, sizeof addresses, "127.0.0.1%s,127.0.0.2%s", port, port);
    rig_client_start (&client, &s_other, "edge-1", addresses);
    RIG_UNTIL (&s_other, 5000, server.ups == 2);
    rig_turn_for (&s_other, 5 * RIG_HEARTBEAT_MS);
    cr_assert_eq (client.ups, 1);
    cr_assert_eq (client.downs, 0);
    cr_assert_eq (server.downs, 1);
    bus_client_destroy (&client.bus);
    bus_server_destroy (&server.bus);
    rig_stop (&s_other);
}

Test (bus_links, finds_offices_by_name)
{
    rig_server_t server = { .bus = NULL };
    rig_client_t client = { .bus = NULL };
    char addresses[100];
    rig_start (&s_other);
    rig_server_start (&server, &s_other, "postoffice-1");
    snprintf (addresses, sizeof addresses, "no-such-host.invalid:1,localhost%s",
              strchr (server.address, ':'));
    rig_client_start (&client, &s_other, "edge-1", addresses);
    RIG_UNTIL (&s_other, 10000, client.ups == 1);
    bus_client_destroy (&client.bus);
    bus_server_destroy (&server.bus);
    rig_stop (&s_other);
}

Test (bus_links, addresses_that_are_none_are_refused)
{
    static const char *const s_bad[] = { "",         "host",        "host:",  ":7001",
                                         "host:0",   "host:65536",  "host:x", "a:1,,b:2",
                                         "a:1,",     "::1:7001",    "[::1]",  "h:-1",
                                         "h:123456", "tcp://h:7001" };
    static const bus_client_events_t s_no_events;
    log_catch ();
    rig_start (&s_other);
    for (size_t at = 0; at < sizeof s_bad / sizeof *s_bad; at++) {
        bus_client_config_t config = { .node = "edge-1", .role = NODE_EDGE, .topics = "",
                                       .addresses = s_bad[at], .heartbeat_ms = RIG_HEARTBEAT_MS,
                                       .queue_limit = RIG_QUEUE_LIMIT };
        cr_assert_null (bus_client_new (&s_other.loop, &config, &s_no_events, NULL), "\"%s\"",
                        s_bad[at]);
        cr_assert_eq (LOG_CAUGHT ("wrong settings", "POSTOFFICE_ADDRESSES must be host:port"),
                      at + 1);
    }
    bus_server_config_t taken = { .node = "postoffice-1",
                                  .address = "tcp://192.0.2.1:7001",
                                  .heartbeat_ms = RIG_HEARTBEAT_MS };
    static const bus_server_events_t s_no_server_events;
    cr_assert_null (bus_server_new (&s_other.loop, &taken, &s_no_server_events, NULL));
    cr_assert_neq (errno, 0);
    cr_assert_eq (LOG_CAUGHT ("cannot listen on the bus", "tcp://192.0.2.1:7001"), 1);
    taken.address = "127.0.0.1:7001";
    cr_assert_null (bus_server_new (&s_other.loop, &taken, &s_no_server_events, NULL));
    cr_assert_eq (errno, 0, "a wrong setting");
    cr_assert_eq (LOG_CAUGHT ("wrong settings", "\"value\":\"127.0.0.1:7001\"",
                              "POSTOFFICE_BUS_ADDRESS must be tcp://address:port"),
                  1);
    taken.address = "tcp://localhost:7001";
    cr_assert_null (bus_server_new (&s_other.loop, &taken, &s_no_server_events, NULL));
    cr_assert_eq (errno, 0, "a wrong setting");
    rig_stop (&s_other);
}
