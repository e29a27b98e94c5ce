//  conversation — see conversation.h.

#include "conversation.h"

#include "frame_reader.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_ROOM 8192
#define NUMBER_DIGITS 10
#define TIME_DIGITS 13
//  The server's word is 1 s or so; a rest of one's own spares reading it.
#define REST_US 1000000u
//  As client.js: no more than the edge takes.
#define SAID_MOST 32u

struct pair {
    measurement_t *measurement;
    unsigned number;
    ws_link_t *visitor;
    ws_link_t *agent;
    ws_link_t **listeners;
    unsigned joined;    //  of them
    bool is_greeted;
    ledger_t tally;
    uint32_t next_said; //  patient: what is not said, or to be said again, begins here
    uint64_t rests_until_us;
    bool has_gone;      //  one of the two connections has
    char *frame;        //  a message of the visitor; two numbers in it change
    size_t frame_size;
    char *number_place;
    char *time_place;
};

// ---------------------------------------------------------------------------------------------
//  Frames

static void
s_put_digits (char *place, unsigned count, uint64_t number)
{
    while (count > 0) {
        place[--count] = (char) ('0' + number % 10);
        number /= 10;
    }
}

static void
s_say (ws_link_t *link, const char *text, int size)
{
    assert (size > 0 && size < FRAME_ROOM);
    //  A link that is gone has said so itself.
    (void) !ws_link_say (link, text, (size_t) size);
}

//  All of a message but its data. The widget's number is in its text, for want of a messageId.
static int
s_make_head (conversation_t *self)
{
    const measurement_t *measurement = self->measurement;
    if (measurement->is_widget)
        return snprintf (self->frame, FRAME_ROOM,
                         "{\"event\":\"new message\",\"sender\":{\"deviceId\":\"Widget\","
                         "\"userId\":\"visitor0-%s-%u\",\"displayName\":\"Visitor\","
                         "\"isAdmin\":false,\"urlAttributes\":{\"path\":[\"\"]}},"
                         "\"sessionId\":\"%s-%u\",\"timeMs\":%0*d,\"data\":",
                         measurement->run, self->number, measurement->run, self->number,
                         TIME_DIGITS, 0);
    return snprintf (self->frame, FRAME_ROOM,
                     "{\"event\":\"new message\",\"sessionId\":\"%s-%u\","
                     "\"messageId\":\"m-%0*d\",\"timeMs\":%0*d,\"data\":",
                     measurement->run, self->number, NUMBER_DIGITS, 0, TIME_DIGITS, 0);
}

static void
s_make_frame (conversation_t *self)
{
    static const char s_words[] = "when are you open on sunday and is there a bus ";
    const measurement_t *measurement = self->measurement;
    self->frame = malloc (FRAME_ROOM);
    assert (self->frame);
    int head = s_make_head (self);
    char *data = self->frame + head;
    size_t size = (size_t) snprintf (data, FRAME_ROOM - (size_t) head,
                                     "{\"type\":\"INTENT_REQUEST\",\"intentId\":\"NLU\","
                                     "\"rawQuery\":\"");
    if (measurement->is_widget)
        size += (size_t) sprintf (data + size, "w-%0*d ", NUMBER_DIGITS, 0);
    for (unsigned at = 0; size + 2 < measurement->data_size; at++)
        data[size++] = s_words[at % (sizeof s_words - 1)];
    memcpy (data + size, "\"}}", 4);
    self->frame_size = (size_t) head + size + 3;
    self->number_place = strstr (self->frame, measurement->is_widget ? "\"w-" : "\"m-") + 3;
    self->time_place = strstr (self->frame, "\"timeMs\":") + 9;
}

static bool
s_say_number (conversation_t *self, uint32_t number)
{
    s_put_digits (self->number_place, NUMBER_DIGITS, number);
    s_put_digits (self->time_place, TIME_DIGITS, clock_wall_ms ());
    return ws_link_say (self->visitor, self->frame, self->frame_size) == 0;
}

void
conversation_go_on (conversation_t *self)
{
    if (self->has_gone || clock_mono_us () < self->rests_until_us)
        return;
    while (self->next_said < self->tally.sent
           && self->next_said < self->tally.acked + SAID_MOST
           && s_say_number (self, self->next_said))
        self->next_said++;
}

//  From the first one on that was refused; those behind it are, too.
static void
s_rest (conversation_t *self, uint32_t number)
{
    self->measurement->busies++;
    if (number < self->next_said)
        self->next_said = number;
    //  Not longer for each one behind it: the edge waits for the first one to come again.
    if (clock_mono_us () >= self->rests_until_us)
        self->rests_until_us = clock_mono_us () + REST_US;
}

bool
conversation_send (conversation_t *self, uint64_t due_us)
{
    if (self->has_gone)
        return false;
    uint32_t number = self->tally.sent;
    if (!ledger_sent (&self->tally, due_us))
        return false;
    if (!self->measurement->is_patient)
        return s_say_number (self, number);
    conversation_go_on (self);
    return true;
}

void
conversation_fill (conversation_t *self)
{
    const measurement_t *measurement = self->measurement;
    while (measurement->is_open && ledger_in_flight (&self->tally) < measurement->window)
        if (!conversation_send (self, clock_mono_us ()))
            return;
}

// ---------------------------------------------------------------------------------------------
//  What is heard

static void
s_count (const measurement_t *measurement, uint64_t sent_us, uint64_t *count,
         histogram_t *histogram)
{
    uint64_t now = clock_mono_us ();
    if (now >= measurement->from_us && now < measurement->to_us)
        (*count)++;
    if (sent_us >= measurement->from_us && sent_us < measurement->to_us)
        histogram_add (histogram, now > sent_us ? now - sent_us : 0);
}

static void
s_acked (conversation_t *self, uint32_t number)
{
    measurement_t *measurement = self->measurement;
    uint64_t sent_us;
    if (ledger_acked (&self->tally, number, &sent_us, &measurement->faults))
        s_count (measurement, sent_us, &measurement->acked, &measurement->ack_delay);
}

static void
s_delivered (conversation_t *self, uint32_t number)
{
    measurement_t *measurement = self->measurement;
    uint64_t sent_us;
    if (!ledger_delivered (&self->tally, number, &sent_us, &measurement->faults))
        return;
    s_count (measurement, sent_us, &measurement->delivered, &measurement->delivery_delay);
    if (measurement->is_widget)
        s_acked (self, number);
}

//  The number of a message that was delivered.
static bool
s_read_number (const conversation_t *self, text_t frame, uint32_t *number)
{
    uint64_t found;
    if (!self->measurement->is_widget)
        return frame_number (frame, number);
    if (!frame_number_behind (frame, TEXT ("\"rawQuery\":\"w-"), &found))
        return false;
    *number = (uint32_t) found;
    return true;
}

static void
s_gone (void *owner, ws_link_t *link, const char *why)
{
    conversation_t *self = owner;
    measurement_t *measurement = self->measurement;
    measurement->gone++;
    snprintf (measurement->why, sizeof measurement->why, "%s %s",
              link == self->visitor ? "visitor" : "agent", why);
    self->has_gone = true;
}

static void
s_join (ws_link_t *link, const conversation_t *self)
{
    char text[FRAME_ROOM];
    int size = snprintf (text, sizeof text,
                         "{\"event\":\"user joined\",\"sessionId\":\"%s-%u\","
                         "\"timeMs\":%" PRIu64 "}",
                         self->measurement->run, self->number, clock_wall_ms ());
    s_say (link, text, size);
}

static void
s_opened (void *owner, ws_link_t *link)
{
    s_join (link, owner);
}

//  The agent takes control and says hello.
static void
s_take_over (ws_link_t *link, const conversation_t *self)
{
    static const char barge[] = "{\"event\":\"barge in\",\"sessionId\":\"%s-%u\","
                                "\"messageId\":\"barge\",\"timeMs\":%" PRIu64 "}";
    static const char hello[] = "{\"event\":\"new message\",\"sessionId\":\"%s-%u\","
                                "\"messageId\":\"hello\",\"timeMs\":%" PRIu64 ","
                                "\"data\":{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"hello\"}}";
    const measurement_t *measurement = self->measurement;
    char text[FRAME_ROOM];
    uint64_t now = clock_wall_ms ();
    s_say (link, text,
           snprintf (text, sizeof text, barge, measurement->run, self->number, now));
    s_say (link, text,
           snprintf (text, sizeof text, hello, measurement->run, self->number, now + 1));
}

static void
s_agent_hears (void *owner, ws_link_t *link, text_t text)
{
    conversation_t *self = owner;
    uint32_t number;
    switch (frame_event (text)) {
    case FRAME_CONNECTION_UPDATE:
        s_take_over (link, self);
        break;
    case FRAME_NEW_MESSAGE:
        if (s_read_number (self, text, &number))
            s_delivered (self, number);
        break;
    case FRAME_REFUSAL:
        s_gone (self, link, "was refused");
        break;
    case FRAME_ACK:
    case FRAME_OTHER:
        break;
    }
    conversation_fill (self);
}

static const ws_events_t s_agent_events = { s_opened, s_agent_hears, s_gone };

//  Place 0 is the visitor's, 1 the agent's, the others are the listeners'.
static bool
s_connect (conversation_t *self, unsigned place, const ws_events_t *events, ws_link_t **link)
{
    const measurement_t *measurement = self->measurement;
    char target[256];
    snprintf (target, sizeof target, "/?userId=%s%u-%s-%u&isAdmin=%s%s",
              place ? "agent" : "visitor", place, measurement->run, self->number,
              place ? "true" : "false", measurement->is_widget ? "" : "&protocol=2");
    //  With several edges they are on different ones.
    uint16_t port = measurement->ports[(self->number + place) % measurement->port_count];
    *link = ws_link_new (measurement->loop, port, target, events, self);
    return *link != NULL;
}

static void
s_check_ready (conversation_t *self)
{
    if (self->is_greeted && self->joined == self->measurement->listeners)
        self->measurement->ready++;
}

static void
s_listener_hears (void *owner, ws_link_t *link, text_t text)
{
    conversation_t *self = owner;
    frame_event_t event = frame_event (text);
    if (event == FRAME_NEW_MESSAGE)
        self->measurement->overheard++;
    else if (event == FRAME_REFUSAL)
        s_gone (self, link, "was refused");
    else if (event == FRAME_CONNECTION_UPDATE) {
        self->joined++;
        s_check_ready (self);
    }
}

static void
s_greeted (conversation_t *self)
{
    static const ws_events_t s_events = { s_opened, s_listener_hears, s_gone };
    self->is_greeted = true;
    for (unsigned at = 0; at < self->measurement->listeners; at++)
        if (!s_connect (self, 2 + at, &s_events, &self->listeners[at]))
            s_gone (self, NULL, "has no descriptor for its listeners");
    s_check_ready (self);
}

static void
s_visitor_hears (void *owner, ws_link_t *link, text_t text)
{
    conversation_t *self = owner;
    uint32_t number;
    switch (frame_event (text)) {
    case FRAME_ACK:
        if (frame_number (text, &number))
            s_acked (self, number);
        if (self->measurement->is_patient)
            conversation_go_on (self);
        break;
    case FRAME_CONNECTION_UPDATE:
        if (!self->agent && !s_connect (self, 1, &s_agent_events, &self->agent))
            s_gone (self, link, "has no descriptor for its agent");
        break;
    case FRAME_NEW_MESSAGE:
        if (!self->is_greeted)
            s_greeted (self);
        break;
    case FRAME_REFUSAL:
        if (frame_number (text, &number) && self->measurement->is_patient)
            s_rest (self, number);
        else if (frame_number (text, &number))
            ledger_refused (&self->tally, number, &self->measurement->faults);
        else
            s_gone (self, link, "was refused");
        break;
    case FRAME_OTHER:
        break;
    }
    conversation_fill (self);
}

static const ws_events_t s_visitor_events = { s_opened, s_visitor_hears, s_gone };

// ---------------------------------------------------------------------------------------------

conversation_t *
conversation_new (measurement_t *measurement, unsigned number)
{
    conversation_t *self = calloc (1, sizeof *self);
    assert (self);
    self->measurement = measurement;
    self->number = number;
    self->listeners = calloc (measurement->listeners + 1, sizeof *self->listeners);
    assert (self->listeners);
    s_make_frame (self);
    if (!s_connect (self, 0, &s_visitor_events, &self->visitor))
        conversation_destroy (&self);
    return self;
}

void
conversation_destroy (conversation_t **self_p)
{
    conversation_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    ws_link_destroy (&self->visitor);
    ws_link_destroy (&self->agent);
    for (unsigned at = 0; at < self->measurement->listeners; at++)
        ws_link_destroy (&self->listeners[at]);
    free (self->listeners);
    ledger_free (&self->tally);
    free (self->frame);
    free (self);
}

bool
conversation_is_quiet (const conversation_t *self)
{
    return self->has_gone || ledger_in_flight (&self->tally) == 0;
}

const ledger_t *
conversation_tally (const conversation_t *self)
{
    return &self->tally;
}
