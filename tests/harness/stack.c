//  stack — see stack.h.

#include "stack.h"

#include "eventually.h"
#include "wait_report.h"
#include "ports.h"

#include <assert.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_WITHIN 20000 //  ms
#define CONNECTED_WITHIN 10000
#define STOP_WITHIN 15000  //  ms
#define SERVICES_MOST 40
#define SETTINGS_MOST 64

//  One service: what it is started with, and the process while it runs.
typedef struct {
    char *name;
    const char *program;
    uint16_t port; //  of an edge: for clients; of a postoffice: the bus
    uint16_t operations_port;
    bool is_spare;
    process_t *process;
} member_t;

struct stack {
    postgres_t *postgres;
    bot_t *bot;
    member_t members[SERVICES_MOST];
    size_t member_count;
    char *shared[SETTINGS_MOST]; //  settings that all services get; NULL at the end
    size_t shared_count;
    stack_plan_t plan;
};

__attribute__ ((format (printf, 2, 3))) static void
s_share (router_stack_t *self, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    assert (self->shared_count + 1 < SETTINGS_MOST);
    int size = vasprintf (&self->shared[self->shared_count++], format, arguments);
    assert (size > 0);
    va_end (arguments);
}

//  A plan's setting takes the place of the usual one of that name.
static void
s_share_instead (router_stack_t *self, const char *setting)
{
    size_t name = (size_t) (strchrnul (setting, '=') - setting) + 1;
    for (size_t index = 0; index < self->shared_count; index++)
        if (strncmp (self->shared[index], setting, name) == 0) {
            free (self->shared[index]);
            self->shared[index] = self->shared[--self->shared_count];
        }
    s_share (self, "%s", setting);
}

static void
s_add (router_stack_t *self, const char *program, unsigned count)
{
    const char *slash = strrchr (program, '/');
    count = count ? count : 1;
    for (unsigned number = 1; number <= count + self->plan.spares; number++) {
        assert (self->member_count < SERVICES_MOST);
        member_t *member = &self->members[self->member_count++];
        *member = (member_t){ .program = program,
                              .is_spare = number > count,
                              .port = ports_free (),
                              .operations_port = ports_free () };
        int size = asprintf (&member->name, "%s-%u", slash ? slash + 1 : program, number);
        assert (size > 0);
    }
}

//  "127.0.0.1:7001,127.0.0.1:7002"; the caller frees it.
static char *
s_addresses (const router_stack_t *self)
{
    char *addresses = calloc (SERVICES_MOST, 24);
    assert (addresses);
    size_t size = 0;
    for (size_t index = 0; index < self->member_count; index++)
        if (strcmp (self->members[index].program, "postoffice") == 0)
            size += (size_t) sprintf (addresses + size, "%s127.0.0.1:%u", size ? "," : "",
                                      self->members[index].port);
    return addresses;
}

//  The bus of the postoffice with this number.
static uint16_t
s_postoffice_port (const router_stack_t *self, const char *number)
{
    for (size_t index = 0; index < self->member_count; index++) {
        const member_t *member = &self->members[index];
        if (strcmp (member->program, "postoffice") == 0
            && strcmp (member->name + strlen ("postoffice-"), number) == 0)
            return member->port;
    }
    abort ();
}

static void
s_launch (router_stack_t *self, member_t *member)
{
    char own[5][80];
    const char *settings[2 * SETTINGS_MOST + 6];
    size_t count = 0;
    //  The first one of a name counts.
    const char *const *particular =
        self->plan.settings_of ? self->plan.settings_of (self->plan.owner, member->name) : NULL;
    for (; particular && *particular && count < SETTINGS_MOST; particular++)
        settings[count++] = *particular;
    snprintf (own[0], sizeof own[0], "NODE_NAME=%s", member->name);
    snprintf (own[1], sizeof own[1], "OPERATIONS_PORT=%u", member->operations_port);
    snprintf (own[2], sizeof own[2], "EDGE_PORT=%u", member->port);
    snprintf (own[3], sizeof own[3], "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", member->port);
    for (size_t index = 0; index < 4; index++)
        settings[count++] = own[index];
    if (self->plan.split && strncmp (member->name, "edge-", 5) == 0) {
        snprintf (own[4], sizeof own[4], "POSTOFFICE_ADDRESSES=127.0.0.1:%u",
                  s_postoffice_port (self, member->name + strlen ("edge-")));
        settings[count++] = own[4];
    }
    for (size_t index = 0; index < self->shared_count; index++)
        settings[count++] = self->shared[index];
    settings[count] = NULL;
    member->process = process_new (member->name, member->program, NULL, settings);
    if (member->process)
        process_set_operations_port (member->process, member->operations_port);
}

static void
s_share_settings (router_stack_t *self, const stack_plan_t *plan)
{
    char *addresses = s_addresses (self);
    s_share (self, "POSTOFFICE_ADDRESSES=%s", addresses);
    free (addresses);
    s_share (self, "POSTGRES_URL=%s", postgres_url (self->postgres));
    s_share (self, "BOT_URL=%s", plan->bot_url ? plan->bot_url : bot_url (self->bot));
    s_share (self, "EDGE_DEMO_MODE=on");
    s_share (self, "SHUTDOWN_GRACE=5s");
    //  All clients are one address.
    s_share (self, "EDGE_ADDRESS_SOCKETS=0");
    s_share (self, "EDGE_ADDRESS_SILENT=0");
    s_share (self, "EDGE_ADDRESS_SOCKETS_PER_SECOND=0");
    s_share (self, "EDGE_ADDRESS_UPGRADES_PER_SECOND=0");
    s_share (self, "EDGE_ADDRESS_REQUESTS_PER_SECOND=0");
    //  People answer pings only while their test listens to them.
    s_share (self, "EDGE_LIVE_PONG_WITHIN=1m");
    //  And few users, who say much.
#define LIMIT(SCOPE, ACT, metric, setting, fallback, words) s_share (self, setting "=0");
#include "edge/tables/limits.def"
#undef LIMIT
    for (size_t index = 0; plan->settings && plan->settings[index]; index++)
        s_share_instead (self, plan->settings[index]);
}

static bool
s_is_of_start (const member_t *self, bool postoffices)
{
    return !self->is_spare && (strcmp (self->program, "postoffice") == 0) == postoffices;
}

static bool
s_start_group (router_stack_t *self, bool postoffices)
{
    for (size_t index = 0; index < self->member_count; index++)
        if (s_is_of_start (&self->members[index], postoffices))
            s_launch (self, &self->members[index]);
    for (size_t index = 0; index < self->member_count; index++)
        if (s_is_of_start (&self->members[index], postoffices)
            && !stack_wait_ready (self, self->members[index].name))
            return false;
    return true;
}

//  An edge is ready without a postoffice, and answers at once that there is none. A story may keep
//  it from some of them: then one will do.
static bool
s_wait_connected (router_stack_t *self, const member_t *member)
{
    if (strcmp (member->program, "edge") != 0)
        return true;
    double links = 0;
    unsigned all = self->plan.split || !self->plan.postoffices ? 1 : self->plan.postoffices;
    uint64_t deadline = eventually_deadline (CONNECTED_WITHIN);
    do {
        links = process_metric (member->process, "stentor_bus_links_up");
        wait_report_saw ("links of an edge", "%s has %g", member->name, links);
    } while (links < all && eventually_again (deadline));
    return links > 0;
}

//  Postoffices first: they refuse everybody until their database is usable, which on a busy machine
//  takes longer than their schema should, and whoever is refused comes again later and later.
static bool
s_start_all (router_stack_t *self)
{
    bool is_good = s_start_group (self, true) && s_start_group (self, false);
    for (size_t index = 0; index < self->member_count && is_good; index++)
        is_good = self->members[index].is_spare || s_wait_connected (self, &self->members[index]);
    return is_good;
}

router_stack_t *
stack_new (const stack_plan_t *plan)
{
    router_stack_t *self = calloc (1, sizeof *self);
    assert (self);
    self->plan = *plan;
    self->postgres = postgres_new (&plan->postgres);
    self->bot = bot_new ();
    s_add (self, "postoffice", plan->postoffices);
    s_add (self, "stentor-connector", plan->connectors);
    if (plan->worker)
        s_add (self, plan->worker, plan->workers);
    if (plan->notifiers)
        s_add (self, "notifier", plan->notifiers);
    s_add (self, "edge", plan->edges);
    if (self->postgres && self->bot) {
        s_share_settings (self, plan);
        if ((!plan->before_start || plan->before_start (plan->owner, self)) && s_start_all (self))
            return self;
    }
    stack_destroy (&self);
    return NULL;
}

//  Edges first, so that nobody talks to what is gone already.
void
stack_destroy (router_stack_t **self_p)
{
    router_stack_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t index = self->member_count; index-- > 0;)
        if (self->members[index].process)
            process_kill (self->members[index].process, SIGTERM);
    for (size_t index = self->member_count; index-- > 0;) {
        process_destroy (&self->members[index].process);
        free (self->members[index].name);
    }
    bot_destroy (&self->bot);
    postgres_destroy (&self->postgres);
    for (size_t index = 0; index < self->shared_count; index++)
        free (self->shared[index]);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  Single ones

static member_t *
s_member (const router_stack_t *self, const char *name)
{
    for (size_t index = 0; index < self->member_count; index++)
        if (strcmp (self->members[index].name, name) == 0)
            return (member_t *) (uintptr_t) &self->members[index];
    fprintf (stderr, "harness: the stack has no %s\n", name);
    abort ();
}

uint16_t
stack_edge_port (const router_stack_t *self, unsigned number)
{
    char name[32];
    snprintf (name, sizeof name, "edge-%u", number);
    return s_member (self, name)->port;
}

uint16_t
stack_port (const router_stack_t *self, const char *name)
{
    return s_member (self, name)->port;
}

process_t *
stack_process (router_stack_t *self, const char *name)
{
    return s_member (self, name)->process;
}

bot_t *
stack_bot (router_stack_t *self)
{
    return self->bot;
}

postgres_t *
stack_postgres (router_stack_t *self)
{
    return self->postgres;
}

postgres_t *
stack_change_postgres (router_stack_t *self, postgres_t *postgres)
{
    postgres_t *before = self->postgres;
    self->postgres = postgres;
    return before;
}

void
stack_kill (router_stack_t *self, const char *name)
{
    member_t *member = s_member (self, name);
    process_kill (member->process, SIGKILL);
    process_destroy (&member->process);
}

bool
stack_stop (router_stack_t *self, const char *name)
{
    member_t *member = s_member (self, name);
    int code = process_stop (member->process, STOP_WITHIN);
    if (code != 0) {
        fprintf (stderr, "harness: %s ends with %d\n", name, code);
        process_print_log (member->process);
    }
    process_destroy (&member->process);
    return code == 0;
}

bool
stack_launch (router_stack_t *self, const char *name)
{
    member_t *member = s_member (self, name);
    assert (!member->process);
    s_launch (self, member);
    return member->process != NULL;
}

bool
stack_start (router_stack_t *self, const char *name)
{
    return stack_launch (self, name) && stack_wait_ready (self, name);
}

bool
stack_wait_ready (router_stack_t *self, const char *name)
{
    member_t *member = s_member (self, name);
    return member->process && process_wait_ready (member->process, READY_WITHIN);
}

double
stack_metric (router_stack_t *self, const char *names, const char *sample)
{
    double sum = 0;
    for (size_t index = 0; index < self->member_count; index++) {
        member_t *member = &self->members[index];
        if (!member->process || strncmp (member->name, names, strlen (names)) != 0)
            continue;
        double value = process_metric (member->process, sample);
        sum += isnan (value) ? 0 : value;
    }
    wait_report_saw (sample, "%g, of all %s", sum, names);
    return sum;
}
