//  bus_load — 300,000 records through the bus, every fifth one answered: none lost, none doubled,
//  in order. Says what a record costs.

#include "bus_rig.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#define RECORDS 300000
//  As chat messages are.
#define BODY "{\"text\":\"I would like to know where my parcel is, please\",\"lang\":\"en\"}"

Test (bus_load, three_hundred_thousand_records, .timeout = 120)
{
    rig_t rig;
    rig_server_t server = { .answer_every = 5 };
    rig_client_t client = { .bus = NULL };
    rig_start (&rig);
    rig_server_start (&server, &rig, "postoffice-1");
    rig_client_start (&client, &rig, "edge-1", server.address);
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
    fprintf (stderr, "%d records and %d answers: %.2f us of CPU each, both ends and ZeroMQ\n",
             RECORDS, RECORDS / 5, seconds * 1e6 / (RECORDS + RECORDS / 5));
    bus_client_destroy (&client.bus);
    bus_server_destroy (&server.bus);
    rig_stop (&rig);
}
