//  Who may ask a postoffice for what, over the bus: an edge as nobody's platform, and a worker as
//  the platform whose topic it has named, and nobody else. What is asked for is there.

#include "bus_rig.h"
#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include "base/clock.h"
#include "model/api_operation.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define WITHIN_MS 20000

typedef struct {
    bus_client_t *bus;
    bool is_up;
    uint64_t asked, answered, status;
    char body[2000];
} asker_t;

static rig_t s_rig;
static postgres_t *s_postgres;
static process_t *s_postoffice;
static uint16_t s_port;

static void
s_on_up (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((asker_t *) owner)->is_up = true;
}

static void
s_on_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((asker_t *) owner)->is_up = false;
}

static void
s_on_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    asker_t *self = owner;
    (void) postoffice;
    if (record->kind != BUS_REPLY)
        return;
    self->answered = record->reply.request_id;
    self->status = record->reply.status;
    snprintf (self->body, sizeof self->body, "%.*s", TEXT_ARGS (record->reply.body));
}

static void
s_come (asker_t *self, node_role_t role, const char *topics)
{
    static const bus_client_events_t events = { s_on_up, s_on_down, s_on_record };
    char address[40];
    snprintf (address, sizeof address, "127.0.0.1:%u", s_port);
    *self = (asker_t){ 0 };
    self->bus = bus_client_new (&s_rig.loop,
                                &(bus_client_config_t){ .node = "asker",
                                                        .role = role,
                                                        .topics = topics,
                                                        .credit = 1,
                                                        .addresses = address,
                                                        .heartbeat_ms = 500,
                                                        .queue_limit = 16u << 20 },
                                &events, self);
    cr_assert (self->bus);
    RIG_UNTIL (&s_rig, WITHIN_MS, self->is_up);
}

//  Returns the status.
static unsigned
s_ask (asker_t *self, const char *kind, const char *user, uint64_t operation, const char *body)
{
    char principal[200], whole[400];
    snprintf (principal, sizeof principal, "{\"kind\":\"%s\",\"app\":\"demo\",\"user\":\"%s\"}",
              kind, user);
    snprintf (whole, sizeof whole, "{\"session\":\"s1\",\"body\":%s}", body);
    bus_record_t record = { .kind = BUS_REQUEST,
                            .request = { .request_id = ++self->asked,
                                         .operation = operation,
                                         .deadline_ms = 10000,
                                         .principal = text_of (principal),
                                         .body = text_of (whole) } };
    cr_assert_eq (bus_client_send (self->bus, 0, &record), 0);
    RIG_UNTIL (&s_rig, WITHIN_MS, self->answered == self->asked);
    cr_assert (self->is_up, "it is an answer, and no end of the stream");
    return (unsigned) self->status;
}

static void
s_begin (void)
{
    char url[300], bus[80], operations[40];
    uint16_t port = ports_free ();
    rig_start (&s_rig);
    s_postgres = postgres_new (NULL);
    s_port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (s_postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", s_port);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    const char *settings[] = { url, bus, operations, "NODE_NAME=postoffice-1", NULL };
    s_postoffice = process_new ("postoffice-1", "postoffice", NULL, settings);
    cr_assert (s_postoffice);
    process_set_operations_port (s_postoffice, port);
    cr_assert (process_wait_ready (s_postoffice, WITHIN_MS));
    cr_assert (postgres_exec (s_postgres,
                              "INSERT INTO session (session, app, visitor, day) VALUES"
                              " ('demo/s1', 'demo', 'vic', current_date)"));
}

static void
s_end (void)
{
    cr_expect_eq (process_stop (s_postoffice, 15000), 0);
    process_destroy (&s_postoffice);
    postgres_destroy (&s_postgres);
    rig_stop (&s_rig);
}

TestSuite (asking, .init = s_begin, .fini = s_end, .timeout = 120);

#define LOOK "{\"what\":\"look\",\"platform\":\"platform.x\"}"

//  An edge speaks for clients and servers, and for no platform.
Test (asking, an_edge_is_no_platform)
{
    asker_t edge;
    s_come (&edge, NODE_EDGE, "");
    cr_expect_eq (s_ask (&edge, "api", "crm", API_SESSION_GET, "{}"), 200);
    cr_expect_eq (s_ask (&edge, "platform", "platform.x", API_SESSION_GET, "{}"), 403);
    cr_expect_eq (s_ask (&edge, "platform", "platform.x", API_PLATFORM, LOOK), 403);
    cr_expect_eq (s_ask (&edge, "api", "crm", API_PLATFORM, LOOK), 403);
    bus_client_destroy (&edge.bus);
}

//  Whoever a worker says that it is, it is the platform of one of its topics, or nobody.
Test (asking, a_worker_is_its_platform_and_nobody_else)
{
    asker_t worker;
    s_come (&worker, NODE_WORKER, "sms.out platform.x");
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", API_SESSION_GET, "{}"), 200);
    cr_expect (strstr (worker.body, "\"sessionId\" : \"s1\""), "%s", worker.body);
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", API_PLATFORM, LOOK), 200);
    cr_expect (strstr (worker.body, "\"controls\" : false"), "%s", worker.body);
    cr_expect_eq (s_ask (&worker, "platform", "platform.y", API_SESSION_GET, "{}"), 403);
    cr_expect_str_eq (strstr (worker.body, "s1") ? "it" : "", "", "and it is told nothing");
    cr_expect_eq (s_ask (&worker, "platform", "sms.out", API_SESSION_GET, "{}"), 403);
    cr_expect_eq (s_ask (&worker, "api", "crm", API_SESSION_GET, "{}"), 403);
    cr_expect_eq (s_ask (&worker, "agent", "anna", API_SESSION_GET, "{}"), 403);
    cr_expect_eq (s_ask (&worker, "router", "router", API_SESSION_GET, "{}"), 403);
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", API_SESSION_CLOSE, "{}"), 403);
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", 9999, "{}"), 404);
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", API_PLATFORM, "{}"), 400);
    bus_client_destroy (&worker.bus);
}

//  One that has named no topic of a platform is told nothing of any.
Test (asking, a_worker_without_a_platform_is_nobody)
{
    asker_t worker;
    s_come (&worker, NODE_WORKER, "sms.out");
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", API_SESSION_GET, "{}"), 403);
    cr_expect_eq (s_ask (&worker, "platform", "platform.x", API_PLATFORM, LOOK), 403);
    bus_client_destroy (&worker.bus);
}
