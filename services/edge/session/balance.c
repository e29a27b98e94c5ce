#include "session/balance.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>

#define SAY_EVERY_MS 1000

struct balance {
    uv_loop_t *loop;
    bus_client_t *bus;
    clients_t *clients;
    shedding_t *shedding;
    departures_t *departures;
    uint64_t stays_ms; //  so long nobody is sent away again
    uint64_t said_ms;  //  when LOAD was said last
    bool is_draining;
};

balance_t *
balance_new (uv_loop_t *loop, bus_client_t *bus, clients_t *clients,
             const shedding_config_t *config)
{
    balance_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->bus = bus;
    self->clients = clients;
    self->stays_ms = config->after_ms;
    self->shedding = shedding_new (config);
    self->departures = departures_new (loop, clients);
    return self;
}

void
balance_destroy (balance_t **self_p)
{
    balance_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    shedding_destroy (&self->shedding);
    departures_destroy (&self->departures);
    free (self);
}

void
balance_told (balance_t *self, unsigned postoffice, const bus_loads_t *loads)
{
    shedding_told (self->shedding, postoffice, loads, uv_now (self->loop));
}

void
balance_postoffice_down (balance_t *self, unsigned postoffice)
{
    shedding_postoffice_down (self->shedding, postoffice);
}

//  To each postoffice that can use it. What is not sent is said again soon.
static void
s_say_load (balance_t *self)
{
    bus_record_t record = { .kind = BUS_LOAD,
                            .load = { .connections = clients_count (self->clients),
                                      .ends = self->is_draining } };
    self->said_ms = uv_now (self->loop);
    for (unsigned at = 0; at < BUS_LINKS_MAX; at++)
        if (bus_client_has (self->bus, at, BUS_FEATURE_LOAD)
            && bus_client_send (self->bus, at, &record) != 0)
            log_debug ("not sent", log_string ("kind", "LOAD"));
}

void
balance_drain (balance_t *self, uint64_t within_ms)
{
    self->is_draining = true;
    s_say_load (self);
    departures_drain (self->departures, within_ms);
}

void
balance_tick (balance_t *self)
{
    uint64_t now = uv_now (self->loop);
    if (now - self->said_ms >= SAY_EVERY_MS)
        s_say_load (self);
    if (!self->is_draining) {
        uint64_t due = shedding_step (self->shedding, clients_count (self->clients), now);
        if (due > 0 && now > self->stays_ms)
            shedding_sent (self->shedding,
                           departures_send (self->departures, due, now - self->stays_ms));
    }
    departures_tick (self->departures);
}
