//  bus_keys — who is let in on the bus and who is not, with real keys, files and sockets.

#include "bus_rig.h"
#include "eventually.h"
#include "log_catch.h"

#include "bus/bus_batch.h"
#include "bus/bus_czmq.h"
#include "bus/bus_keys.h"
#include "bus/bus_metrics.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static rig_t s_rig;
static char s_place[] = "/tmp/bus-keys-XXXXXX";
static rig_server_t s_server;
static rig_client_t s_client;

//  A path below the test's directory; the last four stay valid.
static const char *
s_path (const char *name)
{
    static char s_paths[4][200];
    static unsigned s_next;
    char *path = s_paths[s_next++ % 4];
    snprintf (path, sizeof *s_paths, "%s/%s", s_place, name);
    return path;
}

static void
s_directory (const char *name)
{
    cr_assert_eq (mkdir (s_path (name), 0700), 0);
}

//  A new key: the secret one for its owner, the public one (with the role) for the other side.
static void
s_key (const char *own, const char *listed, const char *role)
{
    bus_czmq_start ();
    zcert_t *cert = zcert_new ();
    if (role)
        zcert_set_meta (cert, "role", "%s", role);
    if (own)
        cr_assert_eq (zcert_save (cert, s_path (own)), 0);
    if (listed)
        cr_assert_eq (zcert_save_public (cert, s_path (listed)), 0);
    zcert_destroy (&cert);
}

//  One postoffice, an edge and a worker that know each other.
static void
s_setup (void)
{
    cr_assert (mkdtemp (s_place));
    log_catch ();
    rig_start (&s_rig);
    static const char *const s_directories[] = { "office", "office/nodes",
                                                 "edge",   "edge/postoffices",
                                                 "worker", "worker/postoffices" };
    for (size_t at = 0; at < sizeof s_directories / sizeof *s_directories; at++)
        s_directory (s_directories[at]);
    s_key ("office/own", "edge/postoffices/1", NULL);
    zcert_t *office = zcert_load (s_path ("office/own"));
    cr_assert_eq (zcert_save_public (office, s_path ("worker/postoffices/1")), 0);
    zcert_destroy (&office);
    s_key ("edge/own", "office/nodes/edge", "edge");
    s_key ("worker/own", "office/nodes/worker", "worker");
}

static void
s_teardown (void)
{
    bus_client_destroy (&s_client.bus);
    bus_server_destroy (&s_server.bus);
    rig_stop (&s_rig);
    char command[100];
    snprintf (command, sizeof command, "rm -rf %s", s_place);
    cr_assert_eq (system (command), 0);
}

TestSuite (bus_keys, .init = s_setup, .fini = s_teardown, .timeout = 60);

static void
s_office (const char *keys)
{
    rig_server_start_with (&s_server, &s_rig,
                           &(bus_server_config_t){ .node = "postoffice-1",
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .peer_limit = RIG_PEERS_MAX,
                                                   .keys = keys });
}

static void
s_node (node_role_t role, const char *keys)
{
    rig_client_start_with (&s_client, &s_rig,
                           &(bus_client_config_t){ .node = "node-1",
                                                   .role = role,
                                                   .topics = role == NODE_WORKER ? "t" : "",
                                                   .addresses = s_server.address,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .keys = keys });
}

//  Nothing of this node reached the postoffice's owner, and both sides say why: the postoffice with
//  its event, the node once.
static void
s_expect_shut_out (stream_end_t end, bool in_handshake, const char *why)
{
    RIG_UNTIL (&s_rig, 10000, bus_counts[BUS_COUNT_ENDS + end] > 0);
    rig_turn_for (&s_rig, 500);
    cr_assert (s_server.ups == 0 && s_server.records == 0 && s_client.ups == 0);
    if (in_handshake)
        cr_assert_gt (bus_counts[BUS_COUNT_HANDSHAKES_FAILED], 0);
    else
        cr_assert_gt (bus_counts[BUS_COUNT_REJECTS], 0);
    char reason[100];
    snprintf (reason, sizeof reason, "\"%s\"", why);
    const char *event = in_handshake ? "handshake refused" : "peer refused";
    cr_assert_gt (LOG_CAUGHT (event, "\"warn\"", reason), 0, "%s: %s", event, why);
    cr_assert_eq (LOG_CAUGHT ("postoffice refuses us", "\"warn\"", reason), 1, "%s", why);
}

Test (bus_keys, listed_nodes_are_let_in)
{
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    for (int count = 0; count < 1000; count++)
        cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 10000, s_server.records == 1000);
    cr_assert (!s_server.is_broken && s_client.downs == 0);
    rig_client_t worker = { .bus = NULL };
    rig_client_start_with (&worker, &s_rig,
                           &(bus_client_config_t){ .node = "worker-1",
                                                   .role = NODE_WORKER,
                                                   .topics = "t",
                                                   .addresses = s_server.address,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .keys = s_path ("worker") });
    RIG_UNTIL (&s_rig, 10000, worker.ups == 1);
    bus_client_destroy (&worker.bus);
}

Test (bus_keys, a_key_that_is_not_listed_gets_nothing)
{
    cr_assert_eq (unlink (s_path ("office/nodes/edge")), 0);
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    s_expect_shut_out (STREAM_END_KEY, true, "the key is not listed");
}

Test (bus_keys, a_key_of_another_role_gets_nothing)
{
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("worker"));
    s_expect_shut_out (STREAM_END_REJECT, false, "role");
    cr_assert_gt (LOG_CAUGHT ("peer refused", "\"role\":\"edge\"", "\"role_of_key\":\"worker\""),
                  0);
    //  It tries again all the time, and so does another one: one line each.
    rig_client_t other = { .bus = NULL };
    rig_client_start_with (&other, &s_rig,
                           &(bus_client_config_t){ .node = "node-2",
                                                   .role = NODE_EDGE,
                                                   .topics = "",
                                                   .addresses = s_server.address,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .keys = s_path ("worker") });
    RIG_UNTIL (&s_rig, 10000, LOG_CAUGHT ("peer refused", "\"peer_node\":\"node-2\"") > 0);
    int64_t before = bus_counts[BUS_COUNT_REJECTS];
    RIG_UNTIL (&s_rig, 20000, bus_counts[BUS_COUNT_REJECTS] >= before + 8);
    cr_assert_eq (LOG_CAUGHT ("peer refused", "\"peer_node\":\"node-1\""), 1);
    cr_assert_eq (LOG_CAUGHT ("peer refused", "\"peer_node\":\"node-2\""), 1);
    bus_client_destroy (&other.bus);
}

Test (bus_keys, a_node_without_keys_gets_nothing)
{
    s_office (s_path ("office"));
    s_node (NODE_EDGE, "");
    s_expect_shut_out (STREAM_END_KEY, true, "only one side has keys");
}

Test (bus_keys, a_postoffice_without_keys_gets_nothing)
{
    s_office ("");
    s_node (NODE_EDGE, s_path ("edge"));
    s_expect_shut_out (STREAM_END_KEY, true, "only one side has keys");
}

Test (bus_keys, a_postoffice_with_another_key_gets_nothing)
{
    s_office (s_path ("office"));
    cr_assert_eq (unlink (s_path ("edge/postoffices/1")), 0);
    s_key (NULL, "edge/postoffices/another", NULL);
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, bus_counts[BUS_COUNT_ENDS + STREAM_END_KEY] > 0);
    rig_turn_for (&s_rig, 500);
    cr_assert (s_server.ups == 0 && s_server.records == 0 && s_client.ups == 0);
    cr_assert_gt (LOG_CAUGHT ("handshake refused", "the postoffice has another key"), 0);
    cr_assert_eq (LOG_CAUGHT ("postoffice refuses us", "the connection ended in the handshake"),
                  1);
}

//  A node that is added to the list is let in without a restart; one that is taken from it is not
//  let in again.
Test (bus_keys, the_list_of_nodes_can_be_changed)
{
    cr_assert_eq (rename (s_path ("office/nodes/edge"), s_path ("edge-later")), 0);
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    s_expect_shut_out (STREAM_END_KEY, true, "the key is not listed");
    cr_assert_eq (rename (s_path ("edge-later"), s_path ("office/nodes/edge")), 0);
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, s_client.ups == 1);

    cr_assert_eq (unlink (s_path ("office/nodes/edge")), 0);
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, s_client.downs == 1 && s_server.downs == 1);
    rig_turn_for (&s_rig, 2000);
    cr_assert (s_client.ups == 1 && s_server.ups == 1);
    cr_assert_eq (LOG_CAUGHT ("postoffice refuses us", "the key is not listed"), 2,
                  "why it does not come back is said at once, and once");
    cr_assert_eq (LOG_CAUGHT ("peer gone", "\"reason\":\"key\""), 1);
    cr_assert_eq (LOG_CAUGHT ("postoffice lost", "\"reason\":\"key\""), 1);
}

//  An empty list shuts out everybody, and the next node in it is let in.
Test (bus_keys, the_last_node_can_be_taken_from_the_list)
{
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    cr_assert_eq (unlink (s_path ("office/nodes/worker")), 0);
    rig_turn_for (&s_rig, BUS_KEYS_LOOK_EVERY_MS + 500);
    cr_assert_eq (s_client.downs, 0, "the key of the edge is still listed");
    cr_assert_eq (rename (s_path ("office/nodes/edge"), s_path ("edge-later")), 0);
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, s_client.downs == 1);
    rig_turn_for (&s_rig, 1000);
    cr_assert_eq (s_client.ups, 1);
    cr_assert_eq (rename (s_path ("edge-later"), s_path ("office/nodes/edge")), 0);
    RIG_UNTIL (&s_rig, 15000, s_client.ups == 2);
}

//  A DEALER of the test with these keys, connected to the address.
static zsock_t *
s_raw (const char *keys, const char *address)
{
    zcert_t *own = zcert_load (s_path (keys));
    zcert_t *office = zcert_load (s_path ("office/own"));
    zsock_t *raw = zsock_new (ZMQ_DEALER);
    zcert_apply (own, raw);
    zsock_set_curve_serverkey (raw, zcert_public_txt (office));
    zsock_set_metadata (raw, "X-role:edge");
    zsock_set_linger (raw, 0);
    zsock_set_sndtimeo (raw, 0);
    cr_assert_eq (zsock_connect (raw, "%s", address), 0);
    zcert_destroy (&office);
    zcert_destroy (&own);
    return raw;
}

//  Says HELLO as an edge, in a stream of its own.
static void
s_raw_hello (zsock_t *raw, uint64_t stream)
{
    buffer_t bytes;
    buffer_init (&bytes, 4096);
    char header[BUS_HEADER_SIZE];
    bus_batch_write_header (header, BUS_PROTOCOL_LOWEST, stream, 1);
    bus_record_t hello = { .kind = BUS_HELLO };
    hello.hello.lowest = BUS_PROTOCOL_LOWEST;
    hello.hello.highest = BUS_PROTOCOL_HIGHEST;
    hello.hello.role = NODE_EDGE;
    hello.hello.node = TEXT ("raw");
    cr_assert_eq (buffer_put (&bytes, header, sizeof header), 0);
    cr_assert_eq (bus_record_write (&hello, &bytes), 0);
    cr_assert_neq (zmq_send (zsock_resolve (raw), bytes.data, bytes.size, 0), -1);
    buffer_free (&bytes);
}

//  ZeroMQ by itself lets everybody in while no thread answers the questions of its handshakes.
Test (bus_keys, nobody_is_let_in_while_no_thread_answers)
{
    cr_assert_eq (mkdir (s_path ("office/postoffices"), 0700), 0);
    s_key (NULL, "office/postoffices/1", NULL);
    //  The keys of a node start no thread.
    bus_keys_t *keys = bus_keys_new (&s_rig.loop, s_path ("office"), NODE_EDGE, NULL, NULL);
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    bus_keys_apply_to_router (keys, router);
    zsock_set_rcvtimeo (router, 1500);
    zsock_set_linger (router, 0);
    cr_assert_neq (zsock_bind (router, "tcp://127.0.0.1:*"), -1);
    char address[100];
    snprintf (address, sizeof address, "%s", zsock_endpoint (router));
    zsock_t *raw = s_raw ("edge/own", address);
    s_raw_hello (raw, 7);
    zmsg_t *message = zmsg_recv (router);
    cr_assert_null (message);
    zsock_destroy (&raw);
    zsock_destroy (&router);
    bus_keys_destroy (&keys);
}

//  Whatever a connection says of itself: the list decides at the handshake.
Test (bus_keys, a_raw_peer_that_names_its_role_gets_nothing)
{
    cr_assert_eq (unlink (s_path ("office/nodes/edge")), 0);
    s_office (s_path ("office"));
    char address[160];
    snprintf (address, sizeof address, "tcp://%s", s_server.address);
    zsock_t *raw = s_raw ("edge/own", address);
    s_raw_hello (raw, 7);
    RIG_UNTIL (&s_rig, 10000, bus_counts[BUS_COUNT_HANDSHAKES_FAILED] > 0);
    rig_turn_for (&s_rig, 500);
    cr_assert (s_server.ups == 0 && bus_counts[BUS_COUNT_HELLOS] == 0);
    zsock_destroy (&raw);
}

//  And once more at HELLO: a connection, and the role that its handshake found, outlive the key.
Test (bus_keys, a_connection_whose_key_was_taken_away_gets_nothing)
{
    s_office (s_path ("office"));
    char address[160];
    snprintf (address, sizeof address, "tcp://%s", s_server.address);
    zsock_t *raw = s_raw ("edge/own", address);
    s_raw_hello (raw, 7);
    RIG_UNTIL (&s_rig, 10000, s_server.ups == 1);
    cr_assert_eq (unlink (s_path ("office/nodes/edge")), 0);
    rig_turn_for (&s_rig, BUS_KEYS_LOOK_EVERY_MS + 500); //  the stream ended of silence before
    cr_assert_eq (s_server.downs, 1);
    s_raw_hello (raw, 8);
    RIG_UNTIL (&s_rig, 10000, bus_counts[BUS_COUNT_REJECTS] == 1);
    cr_assert_eq (s_server.ups, 1);
    zsock_destroy (&raw);
}

//  A disk may be slow, and the loop must not wait for it: who calls scandir is noted here.
static pthread_t s_loop_thread;
static unsigned s_looks_on_loop, s_looks_elsewhere;

typedef int filter_fn (const struct dirent *);
typedef int compare_fn (const struct dirent **, const struct dirent **);
int __real_scandir (const char *, struct dirent ***, filter_fn *, compare_fn *);
int __wrap_scandir (const char *, struct dirent ***, filter_fn *, compare_fn *);

int
__wrap_scandir (const char *place, struct dirent ***entries, filter_fn *filter,
                compare_fn *compare)
{
    bool is_on_loop = pthread_equal (pthread_self (), s_loop_thread);
    __atomic_add_fetch (is_on_loop ? &s_looks_on_loop : &s_looks_elsewhere, 1, __ATOMIC_RELAXED);
    return __real_scandir (place, entries, filter, compare);
}

Test (bus_keys, are_read_again_off_the_loop)
{
    s_loop_thread = pthread_self ();
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    cr_assert_eq (s_looks_on_loop, 2, "at the start a mistake is fatal: it is waited for");
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, s_looks_elsewhere >= 2);
    cr_assert_eq (s_looks_on_loop, 2);
    cr_assert_eq (s_client.ups, 1);
}

//  The look that is under way goes on without its owner.
Test (bus_keys, may_go_in_the_middle_of_a_look)
{
    for (unsigned wait_ms = 0; wait_ms < 20; wait_ms++) {
        bus_keys_t *keys = bus_keys_new (&s_rig.loop, s_path ("edge"), NODE_EDGE, NULL, NULL);
        unsigned before = __atomic_load_n (&s_looks_elsewhere, __ATOMIC_RELAXED);
        if (wait_ms == 19)
            RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS,
                       __atomic_load_n (&s_looks_elsewhere, __ATOMIC_RELAXED) > before);
        bus_keys_destroy (&keys);
        cr_assert_null (keys);
    }
}

//  A list with a mistake leaves the old one in force. It is said once, and so is the repair.
Test (bus_keys, a_list_that_cannot_be_read_changes_nothing)
{
    s_office (s_path ("office"));
    FILE *file = fopen (s_path ("office/nodes/new"), "w");
    cr_assert (file && fputs ("no certificate", file) >= 0 && fclose (file) == 0);
    rig_turn_for (&s_rig, 2 * BUS_KEYS_LOOK_EVERY_MS + 500);
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    cr_assert_eq (
        LOG_CAUGHT ("bus keys cannot be used", "\"warn\"", "nodes/new", "is no certificate"), 1);
    cr_assert_eq (unlink (s_path ("office/nodes/new")), 0);
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, LOG_CAUGHT ("bus keys in force") == 2);
    //  A busy machine may end a stream by silence: none was ended for its key.
    cr_assert_eq (LOG_CAUGHT ("postoffice lost", "\"reason\":\"key\""), 0);
}

//  The postoffice gets another key while nodes have the old and the new one side by side.
Test (bus_keys, the_key_of_a_postoffice_can_be_changed)
{
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    s_key ("office/own", "edge/postoffices/2", NULL);
    bus_server_destroy (&s_server.bus);
    RIG_UNTIL (&s_rig, 10000, s_client.downs == 1);
    s_office (s_path ("office"));
    RIG_UNTIL (&s_rig, 15000, s_client.ups == 2);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 5000, s_server.records == 1);
    cr_assert_eq (unlink (s_path ("edge/postoffices/1")), 0);
    rig_turn_for (&s_rig, BUS_KEYS_LOOK_EVERY_MS + 500);
    cr_assert_eq (s_client.downs, 1, "the stream is one of the new key");
}

//  Whoever has the old key is not spoken to any more.
Test (bus_keys, a_postoffice_can_be_shut_out)
{
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    cr_assert_eq (rename (s_path ("edge/postoffices/1"), s_path ("later")), 0);
    s_key (NULL, "edge/postoffices/2", NULL);
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, s_client.downs == 1 && s_server.downs == 1);
    rig_turn_for (&s_rig, 1000);
    cr_assert (s_client.ups == 1 && s_server.ups == 1);
    cr_assert_eq (LOG_CAUGHT ("postoffice lost", "\"reason\":\"key\""), 1);
    cr_assert_eq (LOG_CAUGHT ("postoffice refuses us"), 1, "why is said at once, and once");
    cr_assert_eq (rename (s_path ("later"), s_path ("edge/postoffices/1")), 0);
    RIG_UNTIL (&s_rig, 15000, s_client.ups == 2);
}

//  A socket that was made with the old key would wait with it for the postoffice to begin.
Test (bus_keys, a_postoffice_can_be_shut_out_before_it_begins)
{
    s_office (s_path ("office"));
    bus_server_destroy (&s_server.bus);
    s_node (NODE_EDGE, s_path ("edge"));
    rig_turn_for (&s_rig, 200);
    cr_assert_eq (unlink (s_path ("edge/postoffices/1")), 0);
    s_key (NULL, "edge/postoffices/2", NULL);
    RIG_UNTIL (&s_rig, 3 * BUS_KEYS_LOOK_EVERY_MS, LOG_CAUGHT ("bus keys in force") == 2);
    s_office (s_path ("office"));
    RIG_UNTIL (&s_rig, 10000, LOG_CAUGHT ("handshake refused") > 0);
    cr_assert (s_client.ups == 0 && s_server.ups == 0);
}

static void
s_write (const char *name, const char *text)
{
    FILE *file = fopen (s_path (name), "w");
    cr_assert (file && fputs (text, file) >= 0 && fclose (file) == 0);
}

//  One fatal line names the file and what is wrong with it.
static void
s_expect_unusable (const char *directory, node_role_t role, const char *file, const char *what)
{
    unsigned before = LOG_CAUGHT ("bus keys cannot be used", "\"fatal\"", file, what);
    bus_keys_t *keys = bus_keys_new (&s_rig.loop, s_path (directory), role, NULL, NULL);
    cr_assert_null (keys, "%s %s", file, what);
    cr_assert_eq (LOG_CAUGHT ("bus keys cannot be used", "\"fatal\"", file, what), before + 1,
                  "%s: %s", file, what);
}

Test (bus_keys, files_that_cannot_be_used_are_refused_at_the_start)
{
    s_expect_unusable ("nowhere", NODE_EDGE, "nowhere/own_secret", "No such file");
    s_expect_unusable ("edge", NODE_POSTOFFICE, "edge/nodes", "No such file");
    s_expect_unusable ("office", NODE_EDGE, "office/postoffices", "No such file");

    static const char what[] = "is no certificate with a secret key";
    s_write ("edge/own_secret", "");
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", what);
    s_write ("edge/own_secret",
             "curve\n    public-key = \"short\"\n    secret-key = \"short\"\n");
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", what);
    cr_assert_eq (unlink (s_path ("edge/own_secret")), 0);
    cr_assert_eq (rename (s_path ("edge/own"), s_path ("edge/own_secret")), 0);
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", what);
    cr_assert_eq (unlink (s_path ("edge/own_secret")), 0);
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", "No such file");

    cr_assert_eq (unlink (s_path ("worker/postoffices/1")), 0);
    s_expect_unusable ("worker", NODE_WORKER, "worker/postoffices", "has no certificate");
    s_write ("worker/postoffices/1", "no certificate");
    s_expect_unusable ("worker", NODE_WORKER, "postoffices/1", "is no certificate");

    s_key (NULL, "office/nodes/more", NULL);
    s_expect_unusable ("office", NODE_POSTOFFICE, "nodes/more", "has no role");
    cr_assert_eq (unlink (s_path ("office/nodes/more")), 0);
    s_key (NULL, "office/nodes/more", "postmaster");
    s_expect_unusable ("office", NODE_POSTOFFICE, "nodes/more", "has no role");
}

//  What is there and is no file is not passed over, and nobody waits for it.
Test (bus_keys, what_is_no_file_is_refused_at_the_start)
{
    static const char what[] = "it is not a file";
    s_directory ("office/nodes/more");
    s_expect_unusable ("office", NODE_POSTOFFICE, "nodes/more", what);
    cr_assert_eq (rmdir (s_path ("office/nodes/more")), 0);
    cr_assert_eq (mkfifo (s_path ("office/nodes/more"), 0600), 0);
    s_expect_unusable ("office", NODE_POSTOFFICE, "nodes/more", what);
    cr_assert_eq (symlink ("/dev/zero", s_path ("edge/postoffices/more")), 0);
    s_expect_unusable ("edge", NODE_EDGE, "postoffices/more", what);
    cr_assert_eq (unlink (s_path ("edge/postoffices/more")), 0);
    cr_assert_eq (rename (s_path ("edge/own_secret"), s_path ("edge/own")), 0);
    cr_assert_eq (symlink ("own", s_path ("edge/own_secret")), 0);
    bus_keys_t *keys = bus_keys_new (&s_rig.loop, s_path ("edge"), NODE_EDGE, NULL, NULL);
    cr_assert (keys, "a link to a file is good");
    bus_keys_destroy (&keys);
    cr_assert_eq (truncate (s_path ("edge/own"), 1 << 20), 0);
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", "larger than its limit");
    cr_assert_eq (unlink (s_path ("edge/own_secret")), 0);
    cr_assert_eq (mkfifo (s_path ("edge/own_secret"), 0600), 0);
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", what);
}

//  A file that was put together from two: every handshake would fail, and nobody could say why.
Test (bus_keys, two_halves_that_do_not_fit_are_refused_at_the_start)
{
    zcert_t *one = zcert_load (s_path ("edge/own")), *other = zcert_load (s_path ("worker/own"));
    char text[300];
    snprintf (text, sizeof text, "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
              zcert_public_txt (one), zcert_secret_txt (other));
    zcert_destroy (&one);
    zcert_destroy (&other);
    s_write ("edge/own_secret", text);
    s_expect_unusable ("edge", NODE_EDGE, "edge/own_secret", "do not fit together");
}

//  A certificate under two names is one key.
Test (bus_keys, a_file_twice_is_no_harm)
{
    zcert_t *edge = zcert_load (s_path ("office/nodes/edge"));
    cr_assert_eq (zcert_save_public (edge, s_path ("office/nodes/edge-again")), 0);
    zcert_destroy (&edge);
    s_office (s_path ("office"));
    s_node (NODE_EDGE, s_path ("edge"));
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
}

//  So that sessions are placed by a key that no client knows, and that restarts do not change.
Test (bus_keys, the_hash_key_follows_from_the_secret_key)
{
    bus_keys_t *edge = bus_keys_new (&s_rig.loop, s_path ("edge"), NODE_EDGE, NULL, NULL);
    bus_keys_t *again = bus_keys_new (&s_rig.loop, s_path ("edge"), NODE_EDGE, NULL, NULL);
    bus_keys_t *worker = bus_keys_new (&s_rig.loop, s_path ("worker"), NODE_WORKER, NULL, NULL);
    hash_key_t first = bus_keys_hash_key (edge), second = bus_keys_hash_key (again);
    hash_key_t other = bus_keys_hash_key (worker);
    cr_assert_eq (memcmp (&first, &second, sizeof first), 0);
    cr_assert_neq (memcmp (&first, &other, sizeof first), 0);
    bus_keys_destroy (&edge);
    bus_keys_destroy (&again);
    bus_keys_destroy (&worker);
}
