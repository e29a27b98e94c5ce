//  deployment — see deployment.h.

#include "deployment.h"

#include "deliveries/delivery.h"

#include "eventually.h"
#include "ports.h"

#include "base/clock.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KIND_MOST DEPLOYMENT_EDGES_MOST
#define NODES_MOST (3 * KIND_MOST)
#define CABLES_MOST (NODES_MOST * KIND_MOST)
#define END_WITHIN 15000 //  ms from SIGTERM; SHUTDOWN_GRACE is 5 s
#define ROLLOUT_END_WITHIN 30000 //  there it is 20 s
#define MEGABYTE (1024 * 1024)

typedef enum { DOWN, UP, ENDING } member_state_t;

typedef struct {
    member_state_t state;
    uint64_t end_by;
} member_t;

struct site {
    const plan_t *plan;
    findings_t *trouble;
    char place[200];
    char receiver[220];
    router_stack_t *stack;
    fault_proxy_t *cables;
    uint16_t bus_port;
    member_t members[SITE_KINDS][KIND_MOST];
    uint64_t peak_kb[SITE_KINDS];
    uint64_t pss_kb[SITE_KINDS];
    bool known_offices[KIND_MOST];
    atomic_uint known_edges; //  as bits
    int cable[SITE_CABLE_KINDS][CABLES_MOST];
    uint16_t cable_port[SITE_CABLE_KINDS][CABLES_MOST];
    uint16_t edge_port[KIND_MOST];
    time_t hosts_time;
};

static const char *const s_programs[] = { "edge", "postoffice", "stentor-connector",
                                          "chaos-worker" };

unsigned
deployment_count (const deployment_t *self, deployment_kind_t kind)
{
    const plan_t *plan = self->plan;
    return (unsigned) (kind == SITE_EDGE         ? plan->edges
                       : kind == SITE_POSTOFFICE ? plan->postoffices
                       : kind == SITE_CONNECTOR  ? plan->connectors
                                                 : plan->workers);
}

const char *
deployment_name (deployment_kind_t kind, unsigned number)
{
    static char s_names[4][32];
    static unsigned s_next;
    char *name = s_names[s_next++ % 4];
    snprintf (name, sizeof s_names[0], "%s-%u", s_programs[kind], number + 1);
    return name;
}

router_stack_t *
deployment_stack (deployment_t *self)
{
    return self->stack;
}

fault_proxy_t *
deployment_cables (deployment_t *self)
{
    return self->cables;
}

findings_t *
deployment_trouble (deployment_t *self)
{
    return self->trouble;
}

bool
deployment_has_disk (const deployment_t *self)
{
    return self->plan->disk > 0;
}

const char *
deployment_receiver (const deployment_t *self)
{
    return self->receiver;
}

// ---------------------------------------------------------------------------------------------
//  Who knows whom. A node is an edge, a connector or a worker, in this order.

static unsigned
s_offices (const deployment_t *self)
{
    return deployment_count (self, SITE_POSTOFFICE) + 1;
}

static unsigned
s_edges (const deployment_t *self)
{
    return deployment_count (self, SITE_EDGE) + 1;
}

//  The node that is the first worker.
static unsigned
s_first_worker (const deployment_t *self)
{
    return s_edges (self) + deployment_count (self, SITE_CONNECTOR) + 1;
}

static unsigned
s_nodes (const deployment_t *self)
{
    return s_first_worker (self) + deployment_count (self, SITE_WORKER) + 1;
}

static const char *
s_node_name (const deployment_t *self, unsigned node)
{
    unsigned worker = s_first_worker (self);
    return node < s_edges (self) ? deployment_name (SITE_EDGE, node)
           : node < worker       ? deployment_name (SITE_CONNECTOR, node - s_edges (self))
                                 : deployment_name (SITE_WORKER, node - worker);
}

static void
s_address (unsigned node, unsigned office, char *address, size_t room)
{
    snprintf (address, room, "127.%u.%u.1", 20 + node, 1 + office);
}

static void
s_hosts_path (const deployment_t *self, const char *name, char *path, size_t room)
{
    snprintf (path, room, "%s/%s.hosts", self->place, name);
}

//  nss_wrapper reads the file again when its time of change, in whole seconds, is another one.
static void
s_write_hosts (deployment_t *self)
{
    char path[300], new_path[310], address[24];
    self->hosts_time++;
    for (unsigned node = 0; node < s_nodes (self); node++) {
        s_hosts_path (self, s_node_name (self, node), path, sizeof path);
        snprintf (new_path, sizeof new_path, "%s.new", path);
        FILE *file = fopen (new_path, "we");
        assert (file);
        for (unsigned office = 0; office < s_offices (self); office++)
            if (self->known_offices[office]) {
                s_address (node, office, address, sizeof address);
                fprintf (file, "%s postoffice\n", address);
            }
        fflush (file);
        struct timespec times[2] = { { .tv_sec = self->hosts_time },
                                     { .tv_sec = self->hosts_time } };
        futimens (fileno (file), times);
        fclose (file);
        rename (new_path, path);
    }
}

void
deployment_set_known (deployment_t *self, deployment_kind_t kind, unsigned number, bool is_known)
{
    if (kind == SITE_EDGE && is_known)
        atomic_fetch_or (&self->known_edges, 1u << number);
    else if (kind == SITE_EDGE)
        atomic_fetch_and (&self->known_edges, ~(1u << number));
    else if (kind == SITE_POSTOFFICE) {
        self->known_offices[number] = is_known;
        s_write_hosts (self);
    }
}

unsigned
deployment_known_edges (const deployment_t *self)
{
    return atomic_load (&self->known_edges);
}

// ---------------------------------------------------------------------------------------------
//  Cables

unsigned
deployment_cable_count (const deployment_t *self, deployment_cables_t kind)
{
    return kind == SITE_BUS        ? s_nodes (self) * s_offices (self)
           : kind == SITE_POSTGRES ? s_offices (self)
                                   : s_edges (self);
}

int
deployment_cable (const deployment_t *self, deployment_cables_t kind, unsigned number)
{
    return self->cable[kind][number];
}

unsigned
deployment_worker_cable (const deployment_t *self, unsigned worker, unsigned office)
{
    return (s_first_worker (self) + worker) * s_offices (self) + office;
}

void
deployment_cable_ends (const deployment_t *self, deployment_cables_t kind, unsigned number,
                       const char **here, const char **there)
{
    *there = kind == SITE_POSTGRES ? "postgres" : "clients";
    *here = deployment_name (kind == SITE_POSTGRES ? SITE_POSTOFFICE : SITE_EDGE, number);
    if (kind == SITE_BUS) {
        *here = s_node_name (self, number / s_offices (self));
        *there = deployment_name (SITE_POSTOFFICE, number % s_offices (self));
    }
}

static bool
s_lay (deployment_t *self, deployment_cables_t kind, unsigned number, const char *address,
       uint16_t port, uint16_t to_port)
{
    self->cable_port[kind][number] = port;
    self->cable[kind][number] = fault_proxy_lay (self->cables, address, port, to_port);
    return self->cable[kind][number] >= 0;
}

//  Everything that will ever be needed, the spares' too.
static bool
s_lay_all (void *owner, router_stack_t *stack)
{
    deployment_t *self = owner;
    char address[24];
    uint16_t postgres = postgres_port (stack_postgres (stack));
    for (unsigned office = 0; office < s_offices (self); office++) {
        uint16_t bus = stack_port (stack, deployment_name (SITE_POSTOFFICE, office));
        if (!s_lay (self, SITE_POSTGRES, office, "127.0.0.1", ports_free (), postgres))
            return false;
        for (unsigned node = 0; node < s_nodes (self); node++) {
            s_address (node, office, address, sizeof address);
            if (!s_lay (self, SITE_BUS, node * s_offices (self) + office, address, self->bus_port,
                        bus))
                return false;
        }
    }
    for (unsigned edge = 0; edge < s_edges (self); edge++) {
        self->edge_port[edge] = stack_port (stack, deployment_name (SITE_EDGE, edge));
        if (!s_lay (self, SITE_CLIENTS, edge, "127.0.0.1", ports_free (), self->edge_port[edge]))
            return false;
    }
    s_write_hosts (self);
    return true;
}

uint16_t
deployment_door (const deployment_t *self, unsigned edge, bool through_cable)
{
    return through_cable ? self->cable_port[SITE_CLIENTS][edge] : self->edge_port[edge];
}

//  The settings that are not the same for all.
static const char *const *
s_settings_of (void *owner, const char *name)
{
    static char s_texts[4][400];
    static const char *s_settings[5];
    const deployment_t *self = owner;
    unsigned number = (unsigned) strtoul (strrchr (name, '-') + 1, NULL, 10) - 1;
    memset (s_settings, 0, sizeof s_settings);
    if (strncmp (name, "postoffice", 10) == 0) {
        snprintf (s_texts[0], sizeof s_texts[0],
                  "POSTGRES_URL=postgresql://stentor@127.0.0.1:%u/postgres",
                  self->cable_port[SITE_POSTGRES][number]);
        s_settings[0] = s_texts[0];
        return s_settings;
    }
    char path[300];
    s_hosts_path (self, name, path, sizeof path);
    snprintf (s_texts[0], sizeof s_texts[0], "POSTOFFICE_ADDRESSES=postoffice:%u", self->bus_port);
    snprintf (s_texts[1], sizeof s_texts[1], "NSS_WRAPPER_HOSTS=%s", path);
    snprintf (s_texts[2], sizeof s_texts[2], "LD_PRELOAD=libnss_wrapper.so");
    snprintf (s_texts[3], sizeof s_texts[3], "WORKER_TELLS=%s", self->receiver);
    for (unsigned index = 0; index < 4; index++)
        s_settings[index] = s_texts[index];
    return s_settings;
}

// ---------------------------------------------------------------------------------------------
//  Members

void
deployment_kill (deployment_t *self, deployment_kind_t kind, unsigned number)
{
    stack_kill (self->stack, deployment_name (kind, number));
    self->members[kind][number].state = DOWN;
}

bool
deployment_launch (deployment_t *self, deployment_kind_t kind, unsigned number)
{
    const char *name = deployment_name (kind, number);
    if (stack_launch (self->stack, name)) {
        self->members[kind][number].state = UP;
        return true;
    }
    findings_note (self->trouble, TROUBLE_BROKEN, WHO_SERVICE, NULL, "%s cannot be started",
                   name);
    return false;
}

static unsigned
s_end_within (const deployment_t *self)
{
    return self->plan->is_rollout ? ROLLOUT_END_WITHIN : END_WITHIN;
}

void
deployment_end (deployment_t *self, deployment_kind_t kind, unsigned number)
{
    member_t *member = &self->members[kind][number];
    if (member->state == DOWN)
        return;
    process_kill (stack_process (self->stack, deployment_name (kind, number)), SIGTERM);
    *member = (member_t){ .state = ENDING, .end_by = clock_mono_ms () + s_end_within (self) };
}

bool
deployment_is_down (const deployment_t *self, deployment_kind_t kind, unsigned number)
{
    return self->members[kind][number].state == DOWN;
}

static void
s_read_memory (const char *path, const char *word, uint64_t *most)
{
    char line[200];
    FILE *file = fopen (path, "re");
    while (file && fgets (line, sizeof line, file))
        if (strncmp (line, word, strlen (word)) == 0) {
            uint64_t value = strtoull (line + strlen (word), NULL, 10);
            *most = value > *most ? value : *most;
        }
    if (file)
        fclose (file);
}

static void
s_measure (deployment_t *self, deployment_kind_t kind, const process_t *process)
{
    char path[60];
    snprintf (path, sizeof path, "/proc/%d/status", (int) process_pid (process));
    s_read_memory (path, "VmHWM:", &self->peak_kb[kind]);
    snprintf (path, sizeof path, "/proc/%d/smaps_rollup", (int) process_pid (process));
    s_read_memory (path, "Pss:", &self->pss_kb[kind]);
}

//  One that is alive when it should not be, or the other way round.
static void
s_watch (deployment_t *self, deployment_kind_t kind, unsigned number)
{
    member_t *member = &self->members[kind][number];
    const char *name = deployment_name (kind, number);
    process_t *process = stack_process (self->stack, name);
    if (member->state == DOWN || !process)
        return;
    if (process_is_alive (process)) {
        if (member->state == UP) {
            s_measure (self, kind, process);
            return;
        }
        if (clock_mono_ms () < member->end_by)
            return;
        findings_note (self->trouble, TROUBLE_BROKEN, WHO_SERVICE, NULL,
                       "%s did not end within %u ms of SIGTERM", name, s_end_within (self));
        process_print_log (process);
        deployment_kill (self, kind, number);
        return;
    }
    int code = process_wait_exit (process, 0);
    bool was_asked = member->state == ENDING;
    if (!was_asked || code != 0) {
        findings_note (self->trouble, TROUBLE_BROKEN, WHO_SERVICE, NULL, "%s ended with %d %s",
                       name, code, was_asked ? "after SIGTERM" : "by itself");
        process_print_log (process);
    }
    deployment_kill (self, kind, number);
    if (!was_asked)
        deployment_launch (self, kind, number);
}

void
deployment_watch (deployment_t *self)
{
    for (deployment_kind_t kind = 0; kind < SITE_KINDS; kind++)
        for (unsigned number = 0; number <= deployment_count (self, kind); number++)
            s_watch (self, kind, number);
}

void
deployment_memory (const deployment_t *self, deployment_kind_t kind, uint64_t *peak_kb,
                   uint64_t *pss_kb)
{
    *peak_kb = self->peak_kb[kind];
    *pss_kb = self->pss_kb[kind];
}

// ---------------------------------------------------------------------------------------------

deployment_t *
deployment_new (const plan_t *plan, const char *place, findings_t *trouble)
{
    static char lease[40], close_after[60], shed_after[40], shed_share[40];
    static const char *const s_settings[] = { "LOG_LEVEL=info", "SESSION_GRACE=8s", lease,
                                              close_after, NULL };
    static const char *const s_rollout[] = { "LOG_LEVEL=info",     "SHUTDOWN_GRACE=20s", lease,
                                             "SESSION_GRACE=20s", shed_after, shed_share, NULL };
    deployment_t *self = calloc (1, sizeof *self);
    assert (self);
    self->plan = plan;
    self->trouble = trouble;
    self->bus_port = ports_free ();
    self->hosts_time = time (NULL);
    self->cables = fault_proxy_new ();
    snprintf (self->place, sizeof self->place, "%s", place);
    snprintf (self->receiver, sizeof self->receiver, "%s/receiver", place);
    snprintf (close_after, sizeof close_after, "SESSION_CLOSE_AFTER=%dms", SITE_CLOSE_AFTER_MS);
    snprintf (shed_after, sizeof shed_after, "EDGE_SHED_AFTER=%us", (unsigned) plan->shed_after);
    snprintf (shed_share, sizeof shed_share, "EDGE_SHED_SHARE=%u", (unsigned) plan->shed_share);
    snprintf (lease, sizeof lease, "WORK_LEASE=%dms", DELIVERY_LEASE_MS);
    for (unsigned office = 0; office < deployment_count (self, SITE_POSTOFFICE); office++)
        self->known_offices[office] = true;
    atomic_store (&self->known_edges, (1u << deployment_count (self, SITE_EDGE)) - 1);
    self->stack = stack_new (&(stack_plan_t){
        .edges = (unsigned) plan->edges,
        .postoffices = (unsigned) plan->postoffices,
        .connectors = (unsigned) plan->connectors,
        .worker = "chaos-worker",
        .workers = (unsigned) plan->workers,
        .settings = plan->is_rollout ? s_rollout : s_settings,
        .spares = 1,
        .postgres = { .disk_bytes = plan->disk * MEGABYTE, .is_on_disk = true },
        .settings_of = s_settings_of,
        .before_start = s_lay_all,
        .owner = self,
    });
    for (deployment_kind_t kind = 0; self->stack && kind < SITE_KINDS; kind++)
        for (unsigned number = 0; number < deployment_count (self, kind); number++)
            self->members[kind][number].state = UP;
    if (!self->stack) {
        deployment_destroy (&self);
        return NULL;
    }
    bot_keep_no_requests (stack_bot (self->stack));
    bot_says (stack_bot (self->stack), "", "{\"outputSpeech\":\"re $rawQuery\"}");
    return self;
}

void
deployment_destroy (deployment_t **self_p)
{
    deployment_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    stack_destroy (&self->stack);
    fault_proxy_destroy (&self->cables);
    free (self);
}
