#include "bus/bus_client.h"

#include "bus/bus_link.h"
#include "bus/bus_metrics.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/keyed_hash.h"

#include <stdio.h>
#include <stdlib.h>

//  A link that is up stays when its address is not used any more; another takes its row after that.

struct bus_client {
    bus_link_owner_t links_owner;
    char *node;
    char *topics;
    bus_client_events_t events;
    void *owner;
    uint64_t looked_ms; //  when we last looked who is silent
    unsigned up;
    unsigned count;     //  rows in use, free ones included
    bus_link_t *links[BUS_LINKS_MAX];
};

static bool
s_is_duplicate (void *client, const bus_postoffice_t *postoffice)
{
    const bus_client_t *self = client;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_postoffice_t *other = bus_link_postoffice (self->links[at]);
        if (other != postoffice && other->is_up && other->incarnation == postoffice->incarnation)
            return true;
    }
    return false;
}

//  Keys are weighed with the node's name, or with name and address while two have the same.
static void
s_label (bus_client_t *self, bus_postoffice_t *postoffice)
{
    bool is_alone = true;
    for (unsigned at = 0; at < self->count && is_alone; at++) {
        const bus_postoffice_t *other = bus_link_postoffice (self->links[at]);
        is_alone =
            other == postoffice || !other->is_up || strcmp (other->node, postoffice->node) != 0;
    }
    snprintf (postoffice->label, sizeof postoffice->label, "%s%s%s", postoffice->node,
              is_alone ? "" : " ", is_alone ? "" : postoffice->address);
}

static void
s_on_changed (void *client, const bus_postoffice_t *postoffice)
{
    bus_client_t *self = client;
    self->up += postoffice->is_up ? 1 : (unsigned) -1;
    for (unsigned at = 0; at < self->count; at++)
        s_label (self, bus_link_postoffice (self->links[at]));
    if (postoffice->is_up)
        self->events.postoffice_up (self->owner, postoffice->number);
    else
        self->events.postoffice_down (self->owner, postoffice->number);
}

//  Once in a heartbeat: ends what is silent and lets the others know that we live.
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

static void
s_on_timer (void *client)
{
    bus_client_t *self = client;
    uint64_t now = uv_now (self->links_owner.loop);
    if (now >= self->looked_ms + self->links_owner.heartbeat_ms)
        s_look (self);
    uint64_t due = self->looked_ms + self->links_owner.heartbeat_ms;
    for (unsigned at = 0; at < self->count; at++) {
        uint64_t link_due = bus_link_step (self->links[at]);
        if (link_due < due)
            due = link_due;
    }
    loop_timer_start_within_ms (self->links_owner.timer, due > now ? due - now : 0);
}

//  A row for the address, unless there is one; a free row is taken again.
static void
s_on_found (void *owner, const char *address)
{
    bus_client_t *self = owner;
    bus_link_t *link = NULL;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_postoffice_t *postoffice = bus_link_postoffice (self->links[at]);
        if (postoffice->is_free)
            link = self->links[at];
        else if (strcmp (postoffice->address, address) == 0)
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
s_on_keys_changed (void *client)
{
    bus_client_t *self = client;
    for (unsigned at = 0; at < self->count; at++)
        bus_link_check_key (self->links[at]);
}

//  Returns 0; −1 when the addresses or the keys cannot be used.
static int
s_find_way (bus_client_t *self, const bus_client_config_t *config)
{
    bus_link_owner_t *links = &self->links_owner;
    links->resolver = bus_resolver_new (links->loop, config->addresses, s_on_found, self);
    if (!links->resolver) {
        log_fatal ("wrong settings", log_string ("value", config->addresses),
                   log_string ("complaint", "POSTOFFICE_ADDRESSES must be host:port,host:port"
                                            " (without tcp://)"));
        return -1;
    }
    if (config->keys && *config->keys)
        links->keys =
            bus_keys_new (links->loop, config->keys, config->role, s_on_keys_changed, self);
    return config->keys && *config->keys && !links->keys ? -1 : 0;
}

bus_client_t *
bus_client_new (uv_loop_t *loop, const bus_client_config_t *config,
                const bus_client_events_t *events, void *owner)
{
    bus_client_t *self = alloc_zeroed (sizeof *self);
    self->node = alloc_string (config->node);
    self->topics = alloc_string (config->topics);
    self->events = *events;
    self->owner = owner;
    self->looked_ms = uv_now (loop);
    self->links_owner = (bus_link_owner_t){ .loop = loop,
                                            .node = self->node,
                                            .topics = self->topics,
                                            .role = config->role,
                                            .credit = config->credit,
                                            .heartbeat_ms = config->heartbeat_ms,
                                            .queue_limit = config->queue_limit,
                                            .boot = random_id_new (),
                                            .timer = loop_timer_new (loop, s_on_timer, self),
                                            .client = self,
                                            .is_duplicate = s_is_duplicate,
                                            .changed = s_on_changed,
                                            .woken = s_on_woken,
                                            .reader = owner,
                                            .record = events->record };
    if (s_find_way (self, config) != 0) {
        bus_client_destroy (&self);
        return NULL;
    }
    bus_metrics_start ();
    bus_counts[BUS_COUNT_QUEUE_LIMIT] = (int64_t) config->queue_limit;
    loop_timer_start_ms (self->links_owner.timer, config->heartbeat_ms, 0);
    return self;
}

void
bus_client_destroy (bus_client_t **self_p)
{
    bus_client_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    bus_resolver_destroy (&self->links_owner.resolver);
    for (unsigned at = 0; at < self->count; at++)
        bus_link_destroy (&self->links[at]);
    loop_timer_destroy (&self->links_owner.timer);
    bus_keys_destroy (&self->links_owner.keys);
    free (self->node);
    free (self->topics);
    free (self);
}

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    int best = -1;
    uint64_t most = 0;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_postoffice_t *postoffice = bus_link_postoffice (self->links[at]);
        if (!postoffice->is_up)
            continue;
        uint64_t weight =
            rendezvous_weight (&postoffice->hash_key, key, text_of (postoffice->label));
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

uint64_t
bus_client_incarnation (const bus_client_t *self, unsigned number)
{
    return number < self->count ? bus_link_postoffice (self->links[number])->incarnation : 0;
}

bool
bus_client_has (const bus_client_t *self, unsigned number, uint64_t feature)
{
    const bus_postoffice_t *postoffice =
        number < self->count ? bus_link_postoffice (self->links[number]) : NULL;
    return postoffice && postoffice->is_up && (postoffice->features & feature) == feature;
}

unsigned
bus_client_without (const bus_client_t *self, uint64_t feature)
{
    unsigned count = 0;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_postoffice_t *postoffice = bus_link_postoffice (self->links[at]);
        count += !postoffice->is_free && !postoffice->is_second
                 && !bus_client_has (self, at, feature);
    }
    return count;
}

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    return postoffice < self->count ? bus_link_send (self->links[postoffice], record) : -1;
}
