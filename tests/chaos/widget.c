//  widget — see widget.h.

#include "widget.h"

#include "frame_reader.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RECONNECT 5000000 //  µs
#define ASK_LEAST 500000
#define ASK_MOST 4000000
#define ASK_SELDOM 12000000 //  now and then it is silent for so long
#define ROLLOUT_TIMES 15    //  in a rollout all of that is longer
#define QUIET 4000000

static void
s_next_question (widget_t *self)
{
    crowd_context_t *scene = self->client.scene;
    bool is_long = chance_once_in (&scene->chance, 5);
    unsigned times = scene->plan->is_rollout ? ROLLOUT_TIMES : 1;
    self->ask_at = scene->now_us
                   + times * chance_between (&scene->chance, ASK_LEAST,
                                             is_long ? ASK_SELDOM : ASK_MOST);
}

static void
s_opened (void *owner)
{
    widget_t *self = owner;
    client_t *client = &self->client;
    self->shown_at = client->scene->now_us;
    if (self->has_joined)
        return;
    self->has_joined = client_say (
        client,
        "{\"event\":\"user joined\",\"sender\":{\"deviceId\":\"Widget\",\"userId\":\"%s\","
        "\"displayName\":\"Visitor\",\"isAdmin\":false},\"sessionId\":\"%s\",\"timeMs\":%" PRIu64
        "}",
        client->user, client->session, clock_wall_ms ());
}

static uint64_t
s_lost (void *owner, bool *is_told)
{
    widget_t *self = owner;
    (void) is_told;
    self->is_in = false;
    return RECONNECT;
}

static void
s_ask (widget_t *self)
{
    client_t *client = &self->client;
    uint32_t number = self->said++;
    s_next_question (self);
    client_say (client,
                "{\"event\":\"new message\",\"data\":{\"type\":\"INTENT_REQUEST\",\"intentId\":"
                "\"NLU_RESULT_PLACEHOLDER\",\"rawQuery\":\"q-%u how about a widget\","
                "\"isNewSession\":false},\"sender\":{\"deviceId\":\"Widget\",\"userId\":\"%s\","
                "\"displayName\":\"Visitor\",\"isAdmin\":false},\"sessionId\":\"%s\",\"timeMs\":%"
                PRIu64 "}",
                number, client->user, client->session, clock_wall_ms ());
}

// ---------------------------------------------------------------------------------------------
//  What is shown

//  True when it is new.
static bool
s_is_new (widget_t *self, uint32_t seq, uint64_t time_ms)
{
    for (size_t at = self->shown_count; at-- > 0;) {
        const shown_t *shown = &self->shown[at];
        if (shown->seq == seq && shown->time_ms == time_ms)
            return false;
        if (shown->seq == seq) {
            client_complain (&self->client, TROUBLE_DOUBLED,
                             "seq %u is shown again under another time, %" PRIu64 " and %" PRIu64,
                             seq, shown->time_ms, time_ms);
            return false;
        }
        if (shown->time_ms == time_ms) {
            client_complain (&self->client, TROUBLE_LOST,
                             "seq %u and %u have the same time: the second is not shown",
                             shown->seq, seq);
            return false;
        }
        //  Both rise: what is further back is older.
        if (shown->seq < seq && shown->time_ms < time_ms)
            return true;
    }
    return true;
}

static void
s_show (widget_t *self, text_t frame)
{
    client_t *client = &self->client;
    uint64_t seq, time_ms;
    if (!frame_number_behind (frame, TEXT ("\"seq\":"), &seq)
        || !frame_number_behind (frame, TEXT ("\"timeMs\":"), &time_ms)
        || !s_is_new (self, (uint32_t) seq, time_ms))
        return;
    if (self->shown_count && self->shown[self->shown_count - 1].seq > seq)
        client_complain (client, TROUBLE_DISORDERED, "seq %" PRIu64 " is first shown after %u", seq,
                         self->shown[self->shown_count - 1].seq);
    if (self->shown_count == self->shown_room) {
        self->shown_room = self->shown_room ? self->shown_room * 2 : 256;
        self->shown = realloc (self->shown, self->shown_room * sizeof *self->shown);
        assert (self->shown);
    }
    self->shown[self->shown_count++] = (shown_t){ (uint32_t) seq, time_ms };
    self->shown_at = client->scene->now_us;
    client_note_seq (client, (uint32_t) seq);
    SCENE_COUNT (client->scene, shown);
    self->events->shown (self->owner, frame, (uint32_t) seq);
}

static void
s_on_update (widget_t *self)
{
    self->shown_at = self->client.scene->now_us;
    if (self->has_session)
        return;
    self->has_session = true;
    s_next_question (self);
    self->events->is_in (self->owner);
}

static void
s_heard (void *owner, text_t frame)
{
    widget_t *self = owner;
    //  It is told so only when it has said nothing for a while; but everything else tells it, too.
    if (!self->is_in)
        client_is_in (&self->client);
    self->is_in = true;
    switch (frame_event (frame)) {
    case FRAME_CONNECTION_UPDATE:
        s_on_update (self);
        break;
    case FRAME_REFUSAL:
        if (frame_has (frame, TEXT ("\"event\":\"failure\"")))
            SCENE_COUNT (self->client.scene, failures);
        else if (frame_has (frame, TEXT ("\"event\":\"error\"")))
            client_complain (&self->client, TROUBLE_REFUSED, "%.*s", TEXT_ARGS (frame));
        s_show (self, frame);
        break;
    case FRAME_ACK:
        client_complain (&self->client, TROUBLE_BROKEN, "a widget is told %.*s", TEXT_ARGS (frame));
        break;
    case FRAME_NEW_MESSAGE:
    case FRAME_OTHER:
        s_show (self, frame);
        break;
    }
}

static const client_events_t s_events = { s_opened, s_heard, s_lost };

// ---------------------------------------------------------------------------------------------

void
widget_init (widget_t *self, crowd_context_t *scene, const widget_events_t *events, void *owner)
{
    *self = (widget_t){ .events = events, .owner = owner };
    client_init (&self->client, scene, &s_events, self, WHO_WIDGET);
    self->client.is_widget = true;
    snprintf (self->client.query, sizeof self->client.query,
              "&isAdmin=false&createWsReason=emitNoWs");
}

void
widget_free (widget_t *self)
{
    client_free (&self->client);
    free (self->shown);
}

void
widget_tick (widget_t *self)
{
    client_tick (&self->client);
    if (self->has_session && self->client.scene->now_us >= self->ask_at
        && atomic_load (&self->client.scene->is_talking))
        s_ask (self);
}

bool
widget_is_quiet (const widget_t *self)
{
    return self->is_in && self->client.is_open
           && self->client.scene->now_us >= self->shown_at + QUIET;
}
