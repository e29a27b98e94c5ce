//  bus_versions — a node of today and one of tomorrow on one bus, both ways. The program bus_next
//  is compiled from the same sources with one more field of POST and of POSTED, and one more kind.

#include "bus_rig.h"
#include "eventually.h"

#include "bus/bus_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static rig_t s_rig;

typedef struct {
    pid_t id;
    int out; //  what it prints
} next_t;

//  Runs bus_next, which stands beside this program.
static next_t
s_next_start (const char *role, const char *address)
{
    char path[1000];
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 1);
    cr_assert_gt (size, 0);
    path[size] = '\0';
    strcpy (strrchr (path, '/') + 1, "bus_next");
    int ends[2];
    cr_assert_eq (pipe (ends), 0);
    next_t self = { .id = fork (), .out = ends[0] };
    cr_assert_geq (self.id, 0);
    if (self.id == 0) {
        dup2 (ends[1], STDOUT_FILENO);
        close (ends[0]);
        execl (path, path, role, address, (char *) NULL);
        _exit (127);
    }
    close (ends[1]);
    return self;
}

static void
s_next_expect_good (next_t *self)
{
    int status = -1;
    RIG_UNTIL (&s_rig, 10000, waitpid (self->id, &status, WNOHANG) == self->id);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "bus_next ended with %x", status);
    close (self->out);
}

TestSuite (bus_versions, .timeout = 60);

typedef struct {
    bus_client_t *bus;
    unsigned posted;
    unsigned downs;
} today_t;

static void
s_post (void *owner, unsigned postoffice)
{
    today_t *self = owner;
    bus_record_t record = { .kind = BUS_POST, .post = { .request_id = 7, .data = TEXT ("{}") } };
    cr_assert_eq (bus_client_send (self->bus, postoffice, &record), 0);
}

static void
s_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((today_t *) owner)->downs++;
}

static void
s_on_posted (void *owner, unsigned postoffice, const bus_record_t *record)
{
    (void) postoffice;
    today_t *self = owner;
    cr_assert (record->kind == BUS_POSTED && record->posted.request_id == 7);
    cr_assert (record->posted.verdict == VERDICT_OK && record->posted.time_ms == 9);
    self->posted++;
}

Test (bus_versions, an_edge_of_today_and_a_postoffice_of_tomorrow)
{
    rig_start (&s_rig);
    next_t next = s_next_start ("postoffice", "tcp://127.0.0.1:*");
    char address[100] = "";
    cr_assert_gt (read (next.out, address, sizeof address - 1), 0);
    address[strcspn (address, "\n")] = '\0';
    static const bus_client_events_t s_events = { s_post, s_down, s_on_posted };
    static today_t s_today;
    int64_t skipped = bus_counts[BUS_COUNT_SKIPPED];
    s_today.bus = bus_client_new (&s_rig.loop,
                                  &(bus_client_config_t){ .node = "edge-1",
                                                          .role = NODE_EDGE,
                                                          .topics = "",
                                                          .addresses = address,
                                                          .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                          .queue_limit = RIG_QUEUE_LIMIT },
                                  &s_events, &s_today);
    RIG_UNTIL (&s_rig, 10000, s_today.posted == 1);
    cr_assert_eq (bus_counts[BUS_COUNT_SKIPPED], skipped + 1);
    cr_assert_eq (s_today.downs, 0);
    bus_client_destroy (&s_today.bus);
    s_next_expect_good (&next);
    rig_stop (&s_rig);
}

typedef struct {
    bus_server_t *bus;
    unsigned posts;
} office_t;

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    (void) owner, (void) peer;
    cr_assert_eq (hello->highest, BUS_PROTOCOL_HIGHEST);
}

static void
s_peer_down (void *owner, peer_t peer)
{
    (void) owner, (void) peer;
}

static void
s_on_post (void *owner, peer_t peer, const bus_record_t *record)
{
    office_t *self = owner;
    self->posts++;
    cr_assert (record->kind == BUS_POST && record->post.request_id == 7);
    cr_assert (text_is (record->post.data, TEXT ("{}")));
    bus_record_t posted = { .kind = BUS_POSTED, .posted = { .request_id = 7, .time_ms = 9 } };
    cr_assert_eq (bus_server_send (self->bus, peer, &posted), 0);
}

Test (bus_versions, an_edge_of_tomorrow_and_a_postoffice_of_today)
{
    rig_start (&s_rig);
    static const bus_server_events_t s_events = { s_peer_up, s_peer_down, s_on_post };
    static office_t s_office;
    int64_t skipped = bus_counts[BUS_COUNT_SKIPPED];
    s_office.bus = bus_server_new (&s_rig.loop,
                                   &(bus_server_config_t){ .node = "postoffice-1",
                                                           .address = "tcp://127.0.0.1:*",
                                                           .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                           .queue_limit = RIG_QUEUE_LIMIT,
                                                           .peer_limit = 10 },
                                   &s_events, &s_office);
    cr_assert (s_office.bus);
    next_t next = s_next_start ("edge", bus_server_endpoint (s_office.bus) + strlen ("tcp://"));
    s_next_expect_good (&next);
    cr_assert_eq (s_office.posts, 1);
    cr_assert_eq (bus_counts[BUS_COUNT_SKIPPED], skipped + 1);
    bus_server_destroy (&s_office.bus);
    rig_stop (&s_rig);
}
