//  bus_next — a node whose bus has a field more in POST (priority), one more in POSTED (place) and
//  a kind more (NEWS), for bus_versions_test.
//
//  usage: bus_next edge HOST:PORT | postoffice tcp://HOST:PORT
//
//  The edge posts with the new field, behind a record of the new kind, and expects a POSTED without
//  the new field. The postoffice prints its address, expects a POST without the new field, and
//  answers with its own, behind a record of the new kind. Exits with 0 when all was as expected.

#include "bus/bus_client.h"
#include "bus/bus_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEARTBEAT_MS 200
#define QUEUE_LIMIT (1024 * 1024)

static uv_loop_t s_loop;
static bus_client_t *s_client;
static bus_server_t *s_server;
static bool s_is_over;

static void
s_expect (bool is_good, const char *what)
{
    if (!is_good) {
        fprintf (stderr, "bus_next: %s\n", what);
        _exit (1);
    }
}

static void
s_postoffice_up (void *owner, unsigned postoffice)
{
    (void) owner;
    bus_record_t news = { .kind = BUS_NEWS,
                          .news = { .text = TEXT ("what today does not know") } };
    bus_record_t post = { .kind = BUS_POST };
    post.post.request_id = 7;
    post.post.data = TEXT ("{}");
    post.post.priority = 5;
    s_expect (bus_client_send (s_client, postoffice, &news) == 0, "NEWS is not sent");
    s_expect (bus_client_send (s_client, postoffice, &post) == 0, "POST is not sent");
}

static void
s_postoffice_down (void *owner, unsigned postoffice)
{
    (void) owner, (void) postoffice;
    s_expect (false, "the postoffice has ended the stream");
}

static void
s_on_posted (void *owner, unsigned postoffice, const bus_record_t *record)
{
    (void) owner, (void) postoffice;
    s_expect (record->kind == BUS_POSTED && record->posted.request_id == 7
                  && record->posted.time_ms == 9,
              "another answer");
    s_expect (record->posted.place.size == 0 && record->posted.place.data,
              "a field that was not sent is not empty");
    s_is_over = true;
}

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    (void) owner, (void) peer, (void) hello;
}

static void
s_peer_down (void *owner, peer_t peer)
{
    (void) owner, (void) peer;
    s_is_over = true;
}

static void
s_on_post (void *owner, peer_t peer, const bus_record_t *record)
{
    (void) owner;
    s_expect (record->kind == BUS_POST && record->post.request_id == 7
                  && text_is (record->post.data, TEXT ("{}")),
              "another request");
    s_expect (record->post.priority == 0, "a field that was not sent is not zero");
    bus_record_t news = { .kind = BUS_NEWS,
                          .news = { .text = TEXT ("what today does not know") } };
    bus_record_t posted = { .kind = BUS_POSTED };
    posted.posted.request_id = 7;
    posted.posted.time_ms = 9;
    posted.posted.place = TEXT ("behind what today knows");
    s_expect (bus_server_send (s_server, peer, &news) == 0, "NEWS is not sent");
    s_expect (bus_server_send (s_server, peer, &posted) == 0, "POSTED is not sent");
}

int
main (int argc, char **argv)
{
    static const bus_client_events_t s_client_events = { s_postoffice_up, s_postoffice_down,
                                                         s_on_posted };
    static const bus_server_events_t s_server_events = { s_peer_up, s_peer_down, s_on_post };
    s_expect (argc == 3, "usage: bus_next edge|postoffice ADDRESS");
    alarm (30);
    uv_loop_init (&s_loop);
    if (strcmp (argv[1], "edge") == 0) {
        s_client = bus_client_new (&s_loop,
                                   &(bus_client_config_t){ .node = "edge-next",
                                                           .role = NODE_EDGE,
                                                           .topics = "",
                                                           .addresses = argv[2],
                                                           .heartbeat_ms = HEARTBEAT_MS,
                                                           .queue_limit = QUEUE_LIMIT },
                                   &s_client_events, NULL);
    } else {
        s_server = bus_server_new (&s_loop,
                                   &(bus_server_config_t){ .node = "postoffice-next",
                                                           .address = argv[2],
                                                           .heartbeat_ms = HEARTBEAT_MS,
                                                           .queue_limit = QUEUE_LIMIT,
                                                           .peer_limit = 10 },
                                   &s_server_events, NULL);
        s_expect (s_server, "the address cannot be bound");
        printf ("%s\n", bus_server_endpoint (s_server) + strlen ("tcp://"));
        fflush (stdout);
    }
    while (!s_is_over)
        uv_run (&s_loop, UV_RUN_ONCE);
    bus_client_destroy (&s_client);
    bus_server_destroy (&s_server);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    return 0;
}
