#include "bus/bus_client.h"

#include "bus/bus_link.h"
#include "bus/bus_metrics.h"
#include "base/alloc.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  One that is up stays when its address is not used any more; another takes its row after that.

struct bus_client {
    bus_link_owner_t links_owner;
    char *node;
    char *topics;
    bus_client_events_t events;
    void *owner;
    uint64_t looked_ms; //  when we last looked who is silent
    uv_timer_t timer;   //  the earliest thing that is due
    bus_resolver_t *resolver;
    unsigned up;
    unsigned count;     //  rows in use, free ones included
    bus_link_t *links[BUS_LINKS_MAX];
};

//  Keys are weighed with the node's name, or with name and address while two have the same.
static void
s_label (bus_client_t *self)
{
    for (unsigned at = 0; at < self->count; at++) {
        bus_link_t *link = self->links[at];
        bool is_alone = true;
        for (unsigned other = 0; other < self->count; other++)
            if (other != at && bus_link_is_up (self->links[other])
                && strcmp (bus_link_node (self->links[other]), bus_link_node (link)) == 0)
                is_alone = false;
        bus_link_set_label (link, bus_link_node (link), is_alone ? "" : bus_link_address (link));
    }
}

static bool
s_is_duplicate (void *client, const bus_link_t *link)
{
    const bus_client_t *self = client;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_link_t *other = self->links[at];
        if (other != link && bus_link_is_up (other)
            && bus_link_incarnation (other) == bus_link_incarnation (link))
            return true;
    }
    return false;
}

static void
s_on_up (void *client, bus_link_t *link)
{
    bus_client_t *self = client;
    self->up++;
    s_label (self);
    self->events.postoffice_up (self->owner, bus_link_number (link));
}

static void
s_on_down (void *client, bus_link_t *link)
{
    bus_client_t *self = client;
    self->up--;
    s_label (self);
    self->events.postoffice_down (self->owner, bus_link_number (link));
}

static void
s_on_record (void *client, bus_link_t *link, const bus_record_t *record)
{
    bus_client_t *self = client;
    self->events.record (self->owner, bus_link_number (link), record);
}

//  Ends what is silent and lets the others know that we live.
static void
s_look (bus_client_t *self)
{
    self->looked_ms = uv_now (self->links_owner.loop);
    for (unsigned at = 0; at < self->count; at++)
        bus_link_look (self->links[at]);
}

//  A process that stood still finds what the postoffices said meanwhile; but they have given it
//  up, so those streams end before any of that is believed.
static void
s_on_woken (void *client)
{
    bus_client_t *self = client;
    if (uv_now (self->links_owner.loop) > self->looked_ms + 2 * self->links_owner.heartbeat_ms)
        s_look (self);
}

static void s_on_timer (uv_timer_t *timer);

static void
s_wake_in (void *client, uint64_t milliseconds)
{
    bus_client_t *self = client;
    if (!uv_is_active ((uv_handle_t *) &self->timer)
        || uv_timer_get_due_in (&self->timer) > milliseconds)
        uv_timer_start (&self->timer, s_on_timer, milliseconds, 0);
}

//  An address that is gone is given up as soon as its postoffice is not up.
static bool
s_is_to_forget (const bus_client_t *self, const bus_link_t *link)
{
    return bus_link_is_idle (link) && !bus_resolver_has (self->resolver, bus_link_address (link));
}

static void
s_on_timer (uv_timer_t *timer)
{
    bus_client_t *self = timer->data;
    uint64_t now = uv_now (self->links_owner.loop);
    if (now >= self->looked_ms + self->links_owner.heartbeat_ms)
        s_look (self);
    uint64_t due = self->looked_ms + self->links_owner.heartbeat_ms;
    for (unsigned at = 0; at < self->count; at++) {
        bus_link_t *link = self->links[at];
        if (s_is_to_forget (self, link))
            bus_link_forget (link);
        else
            bus_link_step (link);
        if (bus_link_due_ms (link) < due)
            due = bus_link_due_ms (link);
    }
    s_wake_in (self, due > now ? due - now : 0);
}

//  A row for the address, unless there is one; a free row is taken again.
static void
s_on_found (void *owner, const char *address)
{
    bus_client_t *self = owner;
    bus_link_t *link = NULL;
    for (unsigned at = 0; at < self->count; at++) {
        if (bus_link_is_free (self->links[at]))
            link = self->links[at];
        else if (strcmp (bus_link_address (self->links[at]), address) == 0)
            return;
    }
    if (!link) {
        if (self->count == BUS_LINKS_MAX)
            return;
        link = bus_link_new (&self->links_owner, self->count);
        self->links[self->count++] = link;
    }
    bus_link_take (link, address);
}

static void
s_links_owner_init (bus_client_t *self, uv_loop_t *loop, const bus_client_config_t *config)
{
    self->links_owner = (bus_link_owner_t){ .loop = loop,
                                            .node = self->node,
                                            .topics = self->topics,
                                            .role = config->role,
                                            .credit = config->credit,
                                            .heartbeat_ms = config->heartbeat_ms,
                                            .queue_limit = config->queue_limit,
                                            .boot = random_id_new (),
                                            .client = self,
                                            .is_duplicate = s_is_duplicate,
                                            .up = s_on_up,
                                            .down = s_on_down,
                                            .record = s_on_record,
                                            .woken = s_on_woken,
                                            .wake_in = s_wake_in };
}

static void
s_free (bus_client_t *self)
{
    bus_keys_destroy (&self->links_owner.keys);
    free (self->node);
    free (self->topics);
    free (self);
}

bus_client_t *
bus_client_new (uv_loop_t *loop, const bus_client_config_t *config,
                const bus_client_events_t *events, void *owner)
{
    bus_client_t *self = alloc_zeroed (sizeof *self);
    self->node = alloc_string (config->node);
    self->topics = alloc_string (config->topics);
    s_links_owner_init (self, loop, config);
    self->events = *events;
    self->owner = owner;
    self->looked_ms = uv_now (loop);
    self->resolver = bus_resolver_new (loop, config->addresses, s_on_found, self);
    if (!self->resolver)
        log_fatal ("wrong settings", log_string ("value", config->addresses),
                   log_string ("complaint", "POSTOFFICE_ADDRESSES must be host:port,host:port"));
    bool has_keys = config->keys && *config->keys;
    if (self->resolver && has_keys)
        self->links_owner.keys = bus_keys_new (config->keys, config->role);
    if (!self->resolver || (has_keys && !self->links_owner.keys)) {
        bus_resolver_destroy (&self->resolver);
        s_free (self);
        return NULL;
    }
    bus_metrics_start ();
    bus_counts[BUS_COUNT_QUEUE_LIMIT] = (int64_t) config->queue_limit;
    uv_timer_init (loop, &self->timer);
    self->timer.data = self;
    s_wake_in (self, config->heartbeat_ms);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    s_free (handle->data);
}

void
bus_client_destroy (bus_client_t **self_p)
{
    bus_client_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    bus_resolver_destroy (&self->resolver);
    for (unsigned at = 0; at < self->count; at++)
        bus_link_destroy (&self->links[at]);
    uv_close ((uv_handle_t *) &self->timer, s_on_closed);
}

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    int best = -1;
    uint64_t most = 0;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_link_t *link = self->links[at];
        if (!bus_link_is_up (link))
            continue;
        uint64_t weight = bus_link_weight (link, key);
        if (best == -1 || weight > most) {
            best = (int) at;
            most = weight;
        }
    }
    return best;
}

unsigned
bus_client_postoffices_up (const bus_client_t *self)
{
    return self->up;
}

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    return postoffice < self->count ? bus_link_send (self->links[postoffice], record) : -1;
}
