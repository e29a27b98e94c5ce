//  client — see client.h.

#include "client.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_ROOM 8192
#define SHOWN_OF_FRAME 110
#define NARROW 16384       //  bytes of a slow reader's buffer
#define TRY_FOR 10000000   //  µs
#define WHIM_LEAST 15000000
#define WHIM_MOST 90000000
#define PAUSE_LEAST 1000000
#define PAUSE_MOST 6000000
#define SLOW_WHIM_LEAST 2000000
#define SLOW_WHIM_MOST 8000000
#define SLOW_PAUSE_LEAST 1500000
#define SLOW_PAUSE_MOST 4500000
#define LONG_PAUSE_LEAST 10000000 //  of a slow one, one in three
#define LONG_PAUSE_MOST 40000000
#define SOON 1000000       //  µs after it reads again: what came meanwhile is read

static void
s_next_whim (client_t *self)
{
    self->whim_at =
        self->scene->now_us + chance_between (&self->scene->chance, WHIM_LEAST, WHIM_MOST);
}

void
client_init (client_t *self, crowd_context_t *scene, const client_events_t *events, void *owner,
             who_t who)
{
    *self = (client_t){ .scene = scene, .events = events, .owner = owner, .who = who };
    self->whereabouts.since_us = scene->now_us;
    s_next_whim (self);
}

void
client_free (client_t *self)
{
    ws_link_destroy (&self->link);
    free (self->seqs);
}

// ---------------------------------------------------------------------------------------------
//  What is written down

void
client_write (client_t *self, const char *format, ...)
{
    char *line = self->lines[self->line_count++ % CLIENT_LINES];
    uint64_t now = clock_wall_ms ();
    int size = snprintf (line, CLIENT_LINE, "%02u:%02u:%02u.%03u ",
                         (unsigned) (now / 3600000 % 24), (unsigned) (now / 60000 % 60),
                         (unsigned) (now / 1000 % 60), (unsigned) (now % 1000));
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (line + size, CLIENT_LINE - (size_t) size, format, arguments);
    va_end (arguments);
}

void
client_step (client_t *self, const char *format, ...)
{
    char text[CLIENT_LINE];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    client_write (self, "-- %s", text);
    timeline_step (&self->whereabouts, self->scene->now_us, "%s", text);
}

void
client_complain (client_t *self, findings_kind_t kind, const char *format, ...)
{
    char text[500], transcript[CLIENT_LINES * (CLIENT_LINE + 4)] = "";
    size_t size = 0;
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    unsigned first = self->line_count > CLIENT_LINES ? self->line_count - CLIENT_LINES : 0;
    for (unsigned at = first; at < self->line_count; at++)
        size += (size_t) snprintf (transcript + size, sizeof transcript - size, "    %s\n",
                                   self->lines[at % CLIENT_LINES]);
    findings_note (self->scene->trouble, kind, self->who, transcript, "session %s, user %s: %s",
                   self->session, self->user, text);
    client_write (self, "!! %s", text);
}

void
client_note_seq (client_t *self, uint32_t seq)
{
    if (self->seq_count == self->seq_room) {
        self->seq_room = self->seq_room ? self->seq_room * 2 : 256;
        self->seqs = realloc (self->seqs, self->seq_room * sizeof *self->seqs);
        assert (self->seqs);
    }
    self->seqs[self->seq_count++] = seq;
}

// ---------------------------------------------------------------------------------------------
//  The connection

static void
s_opened (void *owner, ws_link_t *link)
{
    client_t *self = owner;
    (void) link;
    self->is_open = true;
    atomic_fetch_add (&self->scene->at[self->edge], 1);
    client_step (self, "open");
    self->events->opened (self->owner);
}

static void
s_heard (void *owner, ws_link_t *link, text_t frame)
{
    client_t *self = owner;
    (void) link;
    if (self->has_gone)
        return;
    //  Behind a long text stands what matters.
    size_t tail = frame.size > SHOWN_OF_FRAME ? 45 : 0;
    client_write (self, "<  %.*s%s%.*s", (int) (frame.size > SHOWN_OF_FRAME ? 65 : frame.size),
                  frame.data, tail ? " ... " : "", (int) tail, frame.data + frame.size - tail);
    self->events->heard (self->owner, frame);
}

static void
s_not_open (client_t *self)
{
    phase_t *phase = phases_now (self->scene->phases);
    if (!self->is_open)
        return;
    self->is_open = false;
    atomic_fetch_sub (&self->scene->at[self->edge], 1);
    if (phase && self->ended_us == 0 && self->whereabouts.where == WHERE_IN) {
        self->ended_us = self->scene->now_us;
        phase->ended++;
    }
}

static void
s_gone (void *owner, ws_link_t *link, const char *why)
{
    client_t *self = owner;
    (void) link;
    client_step (self, "%s", why);
    if (strstr (why, "1013"))
        SCENE_COUNT (self->scene, slow_closes);
    else if (self->paused_until || self->scene->now_us < self->read_again_at + SOON)
        SCENE_COUNT (self->scene, unread_ends);
    self->has_gone = true;
    s_not_open (self);
}

static const ws_events_t s_events = { s_opened, s_heard, s_gone };

void
client_drop (client_t *self, const char *why)
{
    if (self->link && !self->has_gone) {
        client_step (self, "drops: %s", why);
        self->has_gone = true;
        s_not_open (self);
    }
}

void
client_leave (client_t *self)
{
    self->is_away = true;
    client_drop (self, "leaves");
}

void
client_return (client_t *self)
{
    client_step (self, "comes back");
    self->is_away = false;
    self->try_at = self->scene->now_us;
}

void
client_is_in (client_t *self)
{
    phase_t *phase = phases_now (self->scene->phases);
    if (phase && self->ended_us > 0)
        phases_add (&phase->pause[self->is_widget], self->ended_us, self->scene->now_us);
    self->ended_us = 0;
    client_step (self, "in");
    timeline_move (&self->whereabouts, WHERE_IN, self->scene->now_us);
}

static void
s_wait_for_next_try (client_t *self)
{
    uint64_t now = self->scene->now_us;
    bool is_told = false;
    uint64_t delay = self->events->lost (self->owner, &is_told);
    self->try_at = now + delay;
    client_step (self, "waits %.1f s%s", (double) delay / 1e6, is_told ? ", as it was told" : "");
    timeline_move (&self->whereabouts, is_told ? WHERE_SENT_AWAY : WHERE_BACKING_OFF, now);
}

//  One of those that are known, as a balancer by chance.
static unsigned
s_choose_edge (crowd_context_t *scene)
{
    unsigned known = deployment_known_edges (scene->site), edge = 0;
    uint64_t skip =
        chance_between (&scene->chance, 0, (uint64_t) __builtin_popcount (known | !known) - 1);
    for (; edge < DEPLOYMENT_EDGES_MOST - 1; edge++)
        if (known & 1u << edge && skip-- == 0)
            break;
    return edge;
}

static void
s_connect (client_t *self)
{
    crowd_context_t *scene = self->scene;
    char target[160];
    unsigned edge = self->edge = s_choose_edge (scene);
    snprintf (target, sizeof target, "/?userId=%s%s", self->user, self->query);
    client_step (self, "connects to edge-%u%s", edge + 1,
                 self->goes_by_cable ? " through a cable" : "");
    timeline_move (&self->whereabouts, WHERE_CONNECTING, scene->now_us);
    uint16_t door = deployment_door (scene->site, edge, self->goes_by_cable);
    self->link = ws_link_new_narrow (scene->loop, door, target, &s_events, self,
                                     self->is_slow ? NARROW : 0);
    self->try_until = scene->now_us + TRY_FOR;
    self->paused_until = 0;
    SCENE_COUNT (scene, connects);
    if (!self->link)
        s_wait_for_next_try (self);
}

//  The edge's queue for a slow one is full after 2 s, and the edge waits 2 s for room for the close
//  frame: who reads again in between is told why it is closed, who does not is cut off.
static uint64_t
s_pause_length (const client_t *self)
{
    chance_t *chance = &self->scene->chance;
    if (!self->is_slow)
        return chance_between (chance, PAUSE_LEAST, PAUSE_MOST);
    return chance_once_in (chance, 3) ? chance_between (chance, LONG_PAUSE_LEAST, LONG_PAUSE_MOST)
                                      : chance_between (chance, SLOW_PAUSE_LEAST, SLOW_PAUSE_MOST);
}

static void
s_pause (client_t *self)
{
    crowd_context_t *scene = self->scene;
    self->paused_until = scene->now_us + s_pause_length (self);
    if (self->is_slow)
        self->whim_at = self->paused_until
                        + chance_between (&scene->chance, SLOW_WHIM_LEAST, SLOW_WHIM_MOST);
    client_step (self, "stops reading");
    ws_link_pause (self->link, true);
}

//  Resets its connection or stops reading for a while.
static void
s_have_a_whim (client_t *self)
{
    s_next_whim (self);
    if (!self->link || !self->is_open || self->has_gone || !atomic_load (&self->scene->is_talking))
        return;
    if (self->is_slow || chance_once_in (&self->scene->chance, 2)) {
        s_pause (self);
        return;
    }
    client_step (self, "resets");
    ws_link_reset (&self->link);
    s_not_open (self);
    s_wait_for_next_try (self);
}

void
client_tick (client_t *self)
{
    uint64_t now = self->scene->now_us;
    if (self->link && !self->is_open && !self->has_gone && now >= self->try_until)
        client_drop (self, "not open in time");
    if (self->has_gone) {
        ws_link_destroy (&self->link);
        self->has_gone = false;
        s_wait_for_next_try (self);
    }
    //  When nobody says anything new, nobody is waited for who does not read.
    if (self->paused_until
        && (now >= self->paused_until || !atomic_load (&self->scene->is_talking))) {
        self->paused_until = 0;
        self->read_again_at = now;
        client_step (self, "reads again");
        if (self->link)
            ws_link_pause (self->link, false);
    }
    if (now >= self->whim_at && !self->scene->plan->is_rollout)
        s_have_a_whim (self);
    if (!self->link && !self->is_away && now >= self->try_at)
        s_connect (self);
}

bool
client_say (client_t *self, const char *format, ...)
{
    char frame[FRAME_ROOM];
    va_list arguments;
    if (!self->is_open || self->has_gone)
        return false;
    va_start (arguments, format);
    int size = vsnprintf (frame, sizeof frame, format, arguments);
    va_end (arguments);
    assert (size > 0 && size < FRAME_ROOM);
    client_write (self, " > %.*s", SHOWN_OF_FRAME, frame);
    if (ws_link_say (self->link, frame, (size_t) size) == 0)
        return true;
    client_drop (self, "cannot be written to");
    return false;
}
