#include "session/keepalive.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/loop_timer.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

//  A ping goes out so long after the first write that it confirms, and so long after the ping
//  before it. Confirming late is harmless: too much is delivered again, and ignored.
#define CONFIRM_AFTER_MS 250
#define CONFIRM_EVERY_MS 1000
//  Clients that are due in the same moment are handled together.
#define CONFIRM_STEP_MS 25

struct keepalives {
    uv_loop_t *loop;
    keepalives_config_t config;
    list_t all;         //  the longest silent first
    list_t unconfirmed; //  by check_ms
    list_t received;    //  received_seq rose and was not told yet
    loop_timer_t *timer; //  runs while any are unconfirmed
};

struct keepalive {
    keepalives_t *all;
    client_t *client;
    list_t of_all;
    list_t unconfirmed;
    list_t received;
    uint64_t heard_ms;
    uint64_t written_seq;
    uint64_t pinged_seq; //  written before the ping that is out
    uint64_t received_seq;
    uint64_t pinged_ms; //  when the last ping was written
    uint64_t check_ms;  //  when a ping is considered, while unconfirmed
    uint32_t ping_number;
    bool ping_wanted;
    bool ping_out;
};

// ---------------------------------------------------------------------------------------------
//  Confirming what was written

//  What cannot be told now goes to the end: a postoffice whose queue is full does not stop what is
//  told to the others. Each client is asked for once.
void
keepalives_tell (keepalives_t *self)
{
    const list_t *refused = NULL;
    list_t *first;
    while ((first = list_first (&self->received)) && first != refused)
        if (self->config.received (self->config.owner,
                                   LIST_THING (first, keepalive_t, received)->client))
            list_remove (first);
        else {
            list_append (&self->received, first);
            refused = refused ? refused : first;
        }
}

static void
s_want_ping (keepalive_t *self)
{
    self->ping_wanted = true;
    client_want_write (self->client);
}

//  All wait equally long, so the list is in the order of check_ms.
static void
s_confirm_later (keepalive_t *self)
{
    keepalives_t *all = self->all;
    self->check_ms = uv_now (all->loop) + CONFIRM_AFTER_MS;
    list_append (&all->unconfirmed, &self->unconfirmed);
    if (!loop_timer_is_active (all->timer))
        loop_timer_start_ms (all->timer, CONFIRM_AFTER_MS, 0);
}

//  The longest unconfirmed are due: a ping goes out, or is considered again when the one before it
//  was too short a time ago.
static void
s_on_timer (void *owner)
{
    keepalives_t *self = owner;
    uint64_t now = uv_now (self->loop);
    list_t *first;
    while ((first = list_first (&self->unconfirmed))) {
        keepalive_t *one = LIST_THING (first, keepalive_t, unconfirmed);
        if (one->check_ms > now) {
            uint64_t wait_ms = one->check_ms - now;
            loop_timer_start_ms (self->timer,
                                 wait_ms > CONFIRM_STEP_MS ? wait_ms : CONFIRM_STEP_MS, 0);
            break;
        }
        list_remove (first);
        if (client_is_closed (one->client) || one->written_seq <= one->pinged_seq)
            continue;
        if (one->ping_out || now - one->pinged_ms < CONFIRM_EVERY_MS)
            s_confirm_later (one);
        else
            s_want_ping (one);
    }
    keepalives_tell (self);
}

void
keepalive_written (keepalive_t *self, uint64_t seq)
{
    if (seq <= self->written_seq)
        return;
    self->written_seq = seq;
    if (!client_is_rich (self->client) && list_is_empty (&self->unconfirmed))
        s_confirm_later (self);
}

bool
keepalive_ping (keepalive_t *self, uint64_t *number)
{
    if (!self->ping_wanted || self->ping_out)
        return false;
    self->ping_wanted = false;
    self->pinged_ms = uv_now (self->all->loop);
    self->ping_out = !client_is_listener (self->client);
    if (!self->ping_out)
        keepalive_heard (self);
    self->pinged_seq = self->written_seq;
    *number = ++self->ping_number;
    return true;
}

void
keepalive_pong (keepalive_t *self, text_t payload)
{
    keepalive_heard (self);
    //  Unsolicited pongs are allowed (RFC 6455, 5.5.3) and are a sign of life only.
    uint64_t number = self->ping_number;
    if (!self->ping_out || payload.size != sizeof number
        || memcmp (payload.data, &number, sizeof number) != 0)
        return;
    self->ping_out = false;
    edge_count (EDGE_PONGS, 1);
    if (client_is_closed (self->client) || client_is_rich (self->client)
        || self->pinged_seq <= self->received_seq)
        return;
    self->received_seq = self->pinged_seq;
    list_append (&self->all->received, &self->received);
}

uint64_t
keepalive_received_seq (const keepalive_t *self)
{
    return self->received_seq > 0 ? self->received_seq : SEQ_UNKNOWN;
}

static void
s_limit (uint64_t *seq, uint64_t most)
{
    if (*seq > most)
        *seq = most;
}

void
keepalive_truncate (keepalive_t *self, uint64_t seq)
{
    s_limit (&self->written_seq, seq);
    s_limit (&self->pinged_seq, seq);
    s_limit (&self->received_seq, seq);
    if (self->received_seq == 0)
        list_remove (&self->received);
}

void
keepalive_forget (keepalive_t *self)
{
    list_remove (&self->received);
    list_remove (&self->unconfirmed);
    self->written_seq = self->pinged_seq = self->received_seq = 0;
}

// ---------------------------------------------------------------------------------------------
//  Silence

void
keepalive_heard (keepalive_t *self)
{
    list_append (&self->all->all, &self->of_all);
    self->heard_ms = uv_now (self->all->loop);
}

void
keepalives_tick (keepalives_t *self)
{
    const keepalives_config_t *config = &self->config;
    uint64_t now = uv_now (self->loop);
    for (list_t *at = self->all.next; at != &self->all; at = at->next) {
        keepalive_t *one = LIST_THING (at, keepalive_t, of_all);
        uint64_t silent_ms = now - one->heard_ms;
        if (silent_ms < config->ping_every_ms)
            break;
        //  While a client is not read its pongs are not read either.
        if (client_view (one->client)->is_paused)
            continue;
        if (silent_ms >= config->ping_every_ms + config->pong_within_ms)
            client_close (one->client, CLOSE_NO_PONG);
        else if (!one->ping_out && !one->ping_wanted)
            s_want_ping (one);
    }
}

// ---------------------------------------------------------------------------------------------
//  Life

keepalive_t *
keepalive_new (keepalives_t *all, client_t *client)
{
    keepalive_t *self = alloc_zeroed (sizeof *self);
    self->all = all;
    self->client = client;
    list_init (&self->of_all);
    list_init (&self->unconfirmed);
    list_init (&self->received);
    keepalive_heard (self);
    return self;
}

void
keepalive_destroy (keepalive_t **self_p)
{
    keepalive_t *self = *self_p;
    *self_p = NULL;
    list_remove (&self->of_all);
    list_remove (&self->unconfirmed);
    list_remove (&self->received);
    free (self);
}

keepalives_t *
keepalives_new (uv_loop_t *loop, const keepalives_config_t *config)
{
    keepalives_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->config = *config;
    list_init (&self->all);
    list_init (&self->unconfirmed);
    list_init (&self->received);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
keepalives_destroy (keepalives_t **self_p)
{
    keepalives_t *self = *self_p;
    *self_p = NULL;
    loop_timer_destroy (&self->timer);
    free (self);
}
