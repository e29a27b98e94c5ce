#include "bus_proxy.h"

#include "bus/bus_socket.h"
#include "base/list.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  One client's way to the server.
typedef struct {
    bus_proxy_t *between;
    list_t link;
    char id[256];
    size_t id_size;
    bus_socket_t *up;
    list_t held; //  of held_t: not yet passed on
} route_t;

typedef struct {
    list_t link;
    size_t size;
    char bytes[];
} held_t;

struct bus_proxy {
    uv_loop_t *loop;
    bus_socket_t *down;
    char server[160];
    list_t routes;
    unsigned lose_up;
    unsigned lose_down;
    bool is_doubling;
    bool is_cut;
};

static void
s_nothing (void *owner)
{
    (void) owner;
}

static bool
s_is_lost (bus_proxy_t *self, unsigned *lose)
{
    if (self->is_cut)
        return true;
    if (*lose == 0)
        return false;
    (*lose)--;
    return true;
}

static void
s_from_server (void *owner, text_t from, text_t body)
{
    (void) from;
    route_t *route = owner;
    bus_proxy_t *self = route->between;
    if (!s_is_lost (self, &self->lose_down))
        (void) bus_socket_send (self->down, (text_t){ route->id, route->id_size }, TEXT_EMPTY,
                                body);
}

static void
s_pass_on (void *owner)
{
    route_t *route = owner;
    list_t *link;
    while ((link = list_first (&route->held))) {
        held_t *held = LIST_THING (link, held_t, link);
        text_t body = { held->bytes, held->size };
        if (bus_socket_send (route->up, TEXT_EMPTY, TEXT_EMPTY, body) != BUS_SENT)
            return;
        list_remove (link);
        free (held);
    }
}

static route_t *
s_route (bus_proxy_t *self, text_t id)
{
    for (list_t *link = self->routes.next; link != &self->routes; link = link->next) {
        route_t *route = LIST_THING (link, route_t, link);
        if (text_is (id, (text_t){ route->id, route->id_size }))
            return route;
    }
    static const bus_socket_events_t s_events = { s_nothing, s_from_server, s_pass_on, NULL };
    route_t *route = calloc (1, sizeof *route);
    assert (route && id.size <= sizeof route->id);
    route->between = self;
    route->id_size = id.size;
    memcpy (route->id, id.data, id.size);
    list_init (&route->held);
    list_init (&route->link);
    list_append (&self->routes, &route->link);
    route->up = bus_socket_new_dealer (self->loop, self->server, id, NULL, 0, &s_events, route);
    assert (route->up);
    return route;
}

static void
s_hold (route_t *route, text_t body)
{
    held_t *held = malloc (sizeof *held + body.size);
    assert (held);
    held->size = body.size;
    memcpy (held->bytes, body.data, body.size);
    list_init (&held->link);
    list_append (&route->held, &held->link);
}

static void
s_from_client (void *owner, text_t from, text_t body)
{
    bus_proxy_t *self = owner;
    if (s_is_lost (self, &self->lose_up))
        return;
    route_t *route = s_route (self, from);
    s_hold (route, body);
    if (self->is_doubling)
        s_hold (route, body);
    self->is_doubling = false;
}

bus_proxy_t *
bus_proxy_new (uv_loop_t *loop, const char *server)
{
    static const bus_socket_events_t s_events = { s_nothing, s_from_client, s_nothing, NULL };
    bus_proxy_t *self = calloc (1, sizeof *self);
    assert (self);
    self->loop = loop;
    list_init (&self->routes);
    snprintf (self->server, sizeof self->server, "tcp://%s", server);
    self->down = bus_socket_new_router (loop, "tcp://127.0.0.1:*", NULL, &s_events, self);
    assert (self->down);
    return self;
}

void
bus_proxy_destroy (bus_proxy_t **self_p)
{
    bus_proxy_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    bus_socket_destroy (&self->down);
    list_t *link;
    while ((link = list_first (&self->routes))) {
        route_t *route = LIST_THING (link, route_t, link);
        list_t *held;
        while ((held = list_first (&route->held))) {
            list_remove (held);
            free (LIST_THING (held, held_t, link));
        }
        bus_socket_destroy (&route->up);
        list_remove (link);
        free (route);
    }
    free (self);
}

const char *
bus_proxy_address (const bus_proxy_t *self)
{
    return bus_socket_endpoint (self->down) + strlen ("tcp://");
}

void
bus_proxy_lose_up (bus_proxy_t *self, unsigned batches)
{
    self->lose_up = batches;
}

void
bus_proxy_lose_down (bus_proxy_t *self, unsigned batches)
{
    self->lose_down = batches;
}

void
bus_proxy_double_up (bus_proxy_t *self)
{
    self->is_doubling = true;
}

void
bus_proxy_cut (bus_proxy_t *self, bool holds)
{
    self->is_cut = holds;
}
