#include "session/keepalive.h"

#include "base/alloc.h"
#include "base/clock.h"
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

//  So much that was written to a silent client is still on its way to one whose link is slow: the
//  time of the quiet ones counts then.
#define SLOW_LINK_BYTES (32u << 10)

//  The silence of those in a live conversation is soon noticed, that of others costs little.
typedef enum { PACE_QUIET, PACE_LIVE, PACES } pace_t;

struct keepalives {
    uv_loop_t *loop;
    keepalives_config_t config;
    list_t silent[PACES]; //  the longest silent first
    list_t unconfirmed; //  by check_ms
    list_t received;    //  received_seq rose and was not told yet
    loop_timer_t *timer; //  runs while any are unconfirmed
};

struct keepalive {
    keepalives_t *all;
    client_t *client;
    list_t silent;
    list_t unconfirmed;
    list_t received;
    uint64_t silent_since_ms; //  heard last, or live since
    uint64_t live_until_ms;
    uint32_t unheard_bytes; //  written since it was heard last
    uint64_t written_seq;
    uint64_t pinged_seq; //  written before the ping that is out
    uint64_t received_seq;
    uint64_t read_seq;  //  by its own word; 0: it said none
    uint64_t pinged_ms; //  when the last ping was written
    uint64_t check_ms;  //  when a ping is considered, while unconfirmed
    uint32_t ping_number;
    uint8_t pace;
    bool is_attended;
    bool confirms; //  what is written next is confirmed soon, as a widget's is
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
keepalive_written (keepalive_t *self, uint64_t seq, size_t bytes)
{
    self->unheard_bytes += bytes < SLOW_LINK_BYTES ? (uint32_t) bytes : SLOW_LINK_BYTES;
    if (self->unheard_bytes > SLOW_LINK_BYTES)
        self->unheard_bytes = SLOW_LINK_BYTES;
    if (seq <= self->written_seq)
        return;
    self->written_seq = seq;
    bool is_asked = self->confirms || !client_is_rich (self->client);
    self->confirms = false;
    if (is_asked && list_is_empty (&self->unconfirmed))
        s_confirm_later (self);
}

void
keepalive_confirm (keepalive_t *self)
{
    self->confirms = true;
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

static void
s_receive (keepalive_t *self, uint64_t seq)
{
    if (seq <= self->received_seq)
        return;
    self->received_seq = seq;
    list_append (&self->all->received, &self->received);
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
    if (!client_is_closed (self->client))
        s_receive (self, self->pinged_seq);
}

//  What was read was received.
void
keepalive_read (keepalive_t *self, uint64_t seq)
{
    if (seq <= self->read_seq)
        return;
    self->read_seq = seq;
    edge_count (EDGE_READS, 1);
    s_receive (self, seq);
    list_append (&self->all->received, &self->received);
}

uint64_t
keepalive_read_seq (const keepalive_t *self)
{
    return self->read_seq;
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
    s_limit (&self->read_seq, seq);
    if (self->received_seq == 0)
        list_remove (&self->received);
}

void
keepalive_forget (keepalive_t *self)
{
    list_remove (&self->received);
    list_remove (&self->unconfirmed);
    self->written_seq = self->pinged_seq = self->received_seq = self->read_seq = 0;
    self->live_until_ms = 0;
    self->is_attended = false;
}

// ---------------------------------------------------------------------------------------------
//  Silence

static pace_t
s_pace (const keepalive_t *self)
{
    bool is_live = self->is_attended || client_view (self->client)->principal.kind == ROLE_AGENT
                   || uv_now (self->all->loop) < self->live_until_ms;
    return is_live ? PACE_LIVE : PACE_QUIET;
}

bool
keepalive_is_live (const keepalive_t *self)
{
    return s_pace (self) == PACE_LIVE;
}

static void
s_set_pace (keepalive_t *self, pace_t pace)
{
    edge_count (EDGE_LIVE, (pace == PACE_LIVE) - (self->pace == PACE_LIVE));
    self->pace = (uint8_t) pace;
}

//  Each list has the order of silent_since_ms, as who is put into it is put to its end, as of now.
static void
s_begin_silence (keepalive_t *self)
{
    s_set_pace (self, s_pace (self));
    self->silent_since_ms = uv_now (self->all->loop);
    list_append (&self->all->silent[self->pace], &self->silent);
}

//  It is quiet again when it is heard and nothing makes it live any more.
void
keepalive_heard (keepalive_t *self)
{
    self->unheard_bytes = 0;
    s_begin_silence (self);
}

static void
s_may_be_live (keepalive_t *self)
{
    if (self->pace == PACE_QUIET && s_pace (self) == PACE_LIVE)
        s_begin_silence (self);
}

void
keepalive_said (keepalive_t *self)
{
    self->live_until_ms = uv_now (self->all->loop) + self->all->config.live_for_ms;
    s_may_be_live (self);
}

//  A bot greets everybody: who has said nothing is in no conversation yet. And one that something
//  was said in long ago is the history of one.
void
keepalive_told (keepalive_t *self, uint64_t time_ms)
{
    if (self->live_until_ms > 0 && clock_wall_ms () < time_ms + self->all->config.live_for_ms)
        keepalive_said (self);
}

void
keepalive_attended (keepalive_t *self, bool is_attended)
{
    self->is_attended = is_attended;
    s_may_be_live (self);
}

void
keepalive_attached (keepalive_t *self, bool is_attended)
{
    keepalive_attended (self, is_attended);
    if (self->received_seq > 0)
        list_append (&self->all->received, &self->received);
}

static void
s_look (keepalive_t *self, uint64_t silent_ms, const keepalive_pace_t *pace)
{
    const keepalive_pace_t *quiet = &self->all->config.quiet;
    uint64_t most_ms = pace->ping_every_ms + pace->pong_within_ms;
    if (self->unheard_bytes >= SLOW_LINK_BYTES)
        most_ms = quiet->ping_every_ms + quiet->pong_within_ms;
    //  While a client is not read its pongs are not read either.
    if (client_view (self->client)->is_paused)
        return;
    if (silent_ms >= most_ms)
        client_close (self->client, CLOSE_NO_PONG);
    else if (!self->ping_out && !self->ping_wanted)
        s_want_ping (self);
}

void
keepalives_tick (keepalives_t *self)
{
    const keepalive_pace_t *paces[PACES] = { &self->config.quiet, &self->config.live };
    uint64_t now = uv_now (self->loop);
    for (size_t pace = 0; pace < PACES; pace++) {
        const list_t *all = &self->silent[pace];
        for (list_t *at = all->next, *next; at != all; at = next) {
            next = at->next;
            keepalive_t *one = LIST_THING (at, keepalive_t, silent);
            uint64_t silent_ms = now - one->silent_since_ms;
            if (silent_ms < paces[pace]->ping_every_ms)
                break;
            s_look (one, silent_ms, paces[pace]);
        }
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
    list_init (&self->silent);
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
    s_set_pace (self, PACE_QUIET);
    list_remove (&self->silent);
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
    for (size_t pace = 0; pace < PACES; pace++)
        list_init (&self->silent[pace]);
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
