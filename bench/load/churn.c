//  churn — visitors who come, talk with the bot and go, at a fixed rate. See plan.h.

#include "plan.h"

#include "frame_reader.h"
#include "histogram.h"
#include "ws_link.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000000u //  µs
#define GUESTS_MOST 18000u
#define ANSWER_WITHIN (60 * (uint64_t) SECOND)
#define QUIET_WITHIN (30 * (uint64_t) SECOND)
#define CANNOT_BEGIN 69

typedef struct guests churn_t;

typedef struct {
    churn_t *guests;
    unsigned number;
    ws_link_t *link;
    bool is_done;
    unsigned asked, acked, answered;
    uint64_t since_us; //  the question under way
} guest_t;

struct guests {
    const plan_t *plan;
    ws_loop_t *loop;
    guest_t *here[GUESTS_MOST];
    unsigned here_count, here_most;
    uint64_t start_us;
    uint64_t come, left_well, questions, answers;
    uint64_t lost, doubled, refused, gone;
    char why[64];
    histogram_t answer_delay;
};

static void
s_say (guest_t *self, ws_link_t *link, const char *event, unsigned number)
{
    char text[512];
    char body[256] = "";
    if (number > 0)
        snprintf (body, sizeof body,
                  ",\"messageId\":\"m-%010u\",\"data\":{\"type\":\"INTENT_REQUEST\","
                  "\"intentId\":\"NLU\",\"rawQuery\":\"what is question %u\"}",
                  number, number);
    int size = snprintf (text, sizeof text,
                         "{\"event\":\"%s\",\"sessionId\":\"guest-%s-%u\",\"timeMs\":%" PRIu64
                         "%s}",
                         event, self->guests->plan->run, self->number, clock_wall_ms (), body);
    (void) !ws_link_say (link, text, (size_t) size);
}

static void
s_ask_next (guest_t *self, ws_link_t *link)
{
    churn_t *guests = self->guests;
    if (self->asked == guests->plan->talk) {
        self->is_done = true;
        guests->left_well++;
        return;
    }
    guests->questions++;
    self->since_us = clock_mono_us ();
    s_say (self, link, "new message", ++self->asked);
}

static void
s_opened (void *owner, ws_link_t *link)
{
    s_say (owner, link, "user joined", 0);
}

static void
s_gone (void *owner, ws_link_t *link, const char *why)
{
    guest_t *self = owner;
    (void) link;
    if (self->is_done)
        return;
    self->is_done = true;
    self->guests->gone++;
    snprintf (self->guests->why, sizeof self->guests->why, "%s", why);
}

//  When the question is acknowledged and answered, whichever came first.
static void
s_go_on (guest_t *self, ws_link_t *link)
{
    if (self->acked >= self->asked && self->answered >= self->asked)
        s_ask_next (self, link);
}

static void
s_hears (void *owner, ws_link_t *link, text_t text)
{
    guest_t *self = owner;
    churn_t *guests = self->guests;
    if (self->is_done)
        return;
    switch (frame_event (text)) {
    case FRAME_CONNECTION_UPDATE:
        if (self->asked == 0)
            s_ask_next (self, link);
        break;
    case FRAME_ACK:
        self->acked++;
        s_go_on (self, link);
        break;
    case FRAME_NEW_MESSAGE:
        guests->answers++;
        if (++self->answered > self->asked)
            guests->doubled++;
        else
            histogram_add (&guests->answer_delay, clock_mono_us () - self->since_us);
        s_go_on (self, link);
        break;
    case FRAME_REFUSAL:
        guests->refused++;
        break;
    case FRAME_OTHER:
        break;
    }
}

static bool
s_guest_comes (churn_t *self)
{
    static const ws_events_t s_events = { s_opened, s_hears, s_gone };
    char target[128];
    if (self->here_count == GUESTS_MOST)
        return false;
    guest_t *guest = calloc (1, sizeof *guest);
    assert (guest);
    *guest = (guest_t){ .guests = self,
                        .number = (unsigned) self->come++,
                        .since_us = clock_mono_us () };
    snprintf (target, sizeof target, "/?userId=guest-%s-%u&protocol=2", self->plan->run,
              guest->number);
    uint16_t port = self->plan->ports[guest->number % self->plan->port_count];
    guest->link = ws_link_new (self->loop, port, target, &s_events, guest);
    if (!guest->link)
        s_gone (guest, NULL, "cannot connect");
    self->here[self->here_count++] = guest;
    if (self->here_count > self->here_most)
        self->here_most = self->here_count;
    return true;
}

static void
s_show_out (churn_t *self)
{
    uint64_t now = clock_mono_us ();
    for (unsigned index = self->here_count; index-- > 0;) {
        guest_t *guest = self->here[index];
        if (!guest->is_done && now - guest->since_us > ANSWER_WITHIN) {
            guest->is_done = true;
            self->lost++;
        }
        if (!guest->is_done)
            continue;
        ws_link_destroy (&guest->link);
        free (guest);
        self->here[index] = self->here[--self->here_count];
    }
}

static uint64_t
s_due_us (const churn_t *self)
{
    return self->start_us + self->come * SECOND / self->plan->rate;
}

static void
s_receive (churn_t *self)
{
    self->start_us = clock_mono_us ();
    uint64_t until = self->start_us + (uint64_t) self->plan->seconds * SECOND;
    uint64_t most = (uint64_t) self->plan->seconds * self->plan->rate;
    for (uint64_t now; (now = clock_mono_us ()) < until + QUIET_WITHIN;) {
        while (self->come < most && s_due_us (self) <= now && s_guest_comes (self))
            ;
        s_show_out (self);
        if (self->come == most && self->here_count == 0)
            break;
        ws_loop_turn (self->loop, now + SECOND / 50);
    }
}

static int
s_report (churn_t *self)
{
    //  Those that are still here wait for something.
    self->lost += self->here_count;
    printf ("guests=%" PRIu64 "\nmost_at_once=%u\nleft_well=%" PRIu64 "\nquestions=%" PRIu64
            "\nanswers=%" PRIu64 "\n",
            self->come, self->here_most, self->left_well, self->questions, self->answers);
    histogram_print (&self->answer_delay, "answer");
    printf ("lost=%" PRIu64 "\ndoubled=%" PRIu64 "\nrefused=%" PRIu64 "\ngone=%" PRIu64 "\n",
            self->lost, self->doubled, self->refused, self->gone);
    if (self->gone > 0)
        fprintf (stderr, "bench-load: %" PRIu64 " guests were cut off, the last one: %s\n",
                 self->gone, self->why);
    return self->lost || self->doubled || self->refused || self->gone;
}

int
churn_talk (const plan_t *plan)
{
    static churn_t s_self;
    s_self.plan = plan;
    s_self.loop = ws_loop_new ();
    if (!s_self.loop)
        return CANNOT_BEGIN;
    s_receive (&s_self);
    int code = s_report (&s_self);
    while (s_self.here_count > 0) {
        guest_t *guest = s_self.here[--s_self.here_count];
        ws_link_destroy (&guest->link);
        free (guest);
    }
    ws_loop_destroy (&s_self.loop);
    return code;
}
