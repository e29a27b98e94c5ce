//  bus_load — 300,000 records through the bus, every fifth one answered: none lost, none doubled,
//  in order, plain and with CURVE. Says what a record costs.

#include "bus_rig.h"
#include "eventually.h"

#include "bus/bus_czmq.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORDS 300000
//  As chat messages are.
#define BODY "{\"text\":\"I would like to know where my parcel is, please\",\"lang\":\"en\"}"

static void
s_load (const char *how, const char *server_keys, const char *client_keys)
{
    rig_t rig;
    rig_server_t server = { .answer_every = 5 };
    rig_client_t client = { .bus = NULL };
    rig_start (&rig);
    rig_server_start_with (&server, &rig,
                           &(bus_server_config_t){ .node = "postoffice-1",
                                                   .address = "tcp://127.0.0.1:*",
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .peer_limit = RIG_PEERS_MAX,
                                                   .keys = server_keys });
    rig_client_start_with (&client, &rig,
                           &(bus_client_config_t){ .node = "edge-1",
                                                   .role = NODE_EDGE,
                                                   .topics = "",
                                                   .addresses = server.address,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .keys = client_keys });
    RIG_UNTIL (&rig, 5000, client.ups == 1);

    clock_t before = clock ();
    while (client.said[0] < RECORDS) {
        for (int burst = 0; burst < 500 && client.said[0] < RECORDS; burst++)
            if (rig_client_say (&client, 0, TEXT (BODY)) != 0)
                break;
        rig_turn (&rig);
    }
    RIG_UNTIL (&rig, 60000, client.records == RECORDS / 5);
    double seconds = (double) (clock () - before) / CLOCKS_PER_SEC;

    cr_assert_eq (server.records, RECORDS);
    cr_assert (!server.is_broken && !client.is_broken && server.refused == 0);
    cr_assert (client.downs == 0 && server.downs == 0);
    fprintf (stderr, "%s: %d records and %d answers: %.2f us of CPU each, both ends and ZeroMQ\n",
             how, RECORDS, RECORDS / 5, seconds * 1e6 / (RECORDS + RECORDS / 5));
    bus_client_destroy (&client.bus);
    bus_server_destroy (&server.bus);
    rig_stop (&rig);
}

Test (bus_load, plain, .timeout = 120)
{
    s_load ("plain", NULL, NULL);
}

//  A directory for each side, below the test's own.
static void
s_make_keys (const char *place, const char *own, const char *listed, const char *role)
{
    char path[200];
    zcert_t *cert = zcert_new ();
    zcert_set_meta (cert, "role", "%s", role);
    snprintf (path, sizeof path, "%s/%s", place, own);
    cr_assert_eq (zcert_save (cert, path), 0);
    snprintf (path, sizeof path, "%s/%s", place, listed);
    cr_assert_eq (zcert_save_public (cert, path), 0);
    zcert_destroy (&cert);
}

Test (bus_load, with_curve, .timeout = 120)
{
    char place[] = "/tmp/bus-load-XXXXXX", office[100], edge[100], command[300];
    cr_assert (mkdtemp (place));
    snprintf (office, sizeof office, "%s/office", place);
    snprintf (edge, sizeof edge, "%s/edge", place);
    snprintf (command, sizeof command, "mkdir -p %s/nodes %s/postoffices", office, edge);
    cr_assert_eq (system (command), 0);
    bus_czmq_start ();
    s_make_keys (place, "office/own", "edge/postoffices/1", "postoffice");
    s_make_keys (place, "edge/own", "office/nodes/1", "edge");
    s_load ("CURVE", office, edge);
    snprintf (command, sizeof command, "rm -rf %s", place);
    cr_assert_eq (system (command), 0);
}
