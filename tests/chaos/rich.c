//  rich — see rich.h.

#include "rich.h"

#include "frame_reader.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

//  µs, as in client.js.
#define FIRST_DELAY_FROM 300000
#define FIRST_DELAY_TO 500000
#define MOST_DELAY 30000000
#define STABLE 5000000
#define JOIN 10000000
#define ACK 15000000
#define GOODBYE 5000000
#define QUIET 45000000
#define PROBE 8000000
#define NEVER UINT64_MAX

static void s_flush (rich_t *self);

static void
s_resume (rich_t *self)
{
    client_t *client = &self->client;
    client_say (client,
                "{\"event\":\"resume\",\"sessionId\":\"%s\",\"timeMs\":%" PRIu64
                ",\"lastSeq\":%u,%s%s%s\"sender\":{\"displayName\":\"%s\"}}",
                client->session, clock_wall_ms (), self->last_seq,
                *self->check ? "\"check\":\"" : "", self->check, *self->check ? "\"," : "",
                client->user);
}

static void
s_opened (void *owner)
{
    rich_t *self = owner;
    s_resume (self);
}

static uint64_t
s_back_off (rich_t *self)
{
    unsigned doublings = self->attempts < 16 ? self->attempts : 16;
    uint64_t ceiling = (uint64_t) FIRST_DELAY_TO << doublings;
    self->attempts++;
    return chance_between (&self->client.scene->chance, FIRST_DELAY_FROM,
                           ceiling < MOST_DELAY ? ceiling : MOST_DELAY);
}

static uint64_t
s_lost (void *owner, bool *is_told)
{
    rich_t *self = owner;
    uint64_t given = self->leaving_us;
    *is_told = given != NEVER;
    self->is_in = false;
    self->again = self->stored;
    self->orders_control = self->orders_control || self->awaits_control;
    self->awaits_control = false;
    self->leaving_us = NEVER;
    self->busy_until = self->join_by = self->ack_by = self->leave_by = 0;
    self->stable_at = self->quiet_at = self->probe_by = 0;
    self->probed_seq = self->repeated = self->repeats_to = 0;
    self->is_probing = false;
    return given == NEVER ? s_back_off (self) : given;
}

// ---------------------------------------------------------------------------------------------
//  Saying

static unsigned
s_text_size (const rich_t *self, uint32_t number)
{
    //  The same for the same message, however often it is said.
    return self->text_size / 2 + (number * 2654435761u >> 16) % (self->text_size + 1);
}

static bool
s_say (rich_t *self, uint32_t number)
{
    static const char s_words[] = "when are you open on sunday and is there a bus to it ";
    client_t *client = &self->client;
    char text[7000];
    unsigned size = s_text_size (self, number);
    assert (size < sizeof text);
    for (unsigned at = 0; at < size; at++)
        text[at] = s_words[at % (sizeof s_words - 1)];
    text[size] = '\0';
    return client_say (client,
                       "{\"event\":\"new message\",\"sessionId\":\"%s\",\"messageId\":\"%c-%u\","
                       "\"timeMs\":%" PRIu64 ",\"data\":{\"type\":\"INTENT_REQUEST\",\"intentId\":"
                       "\"NLU_RESULT_PLACEHOLDER\",\"rawQuery\":\"q-%u %s\"}}",
                       client->session, self->is_agent ? 'a' : 'm', number,
                       self->said_ms[number % RICH_WINDOW], number, text);
}

//  For the first time.
static void
s_begin (rich_t *self)
{
    uint32_t number = self->said++;
    self->said_ms[number % RICH_WINDOW] = clock_wall_ms ();
    self->sent_us[number % RICH_WINDOW] = self->client.scene->now_us;
    wait_begin (&self->ack_wait, self->client.scene->now_us);
    SCENE_COUNT (self->client.scene, said);
}

static void
s_take_control (rich_t *self)
{
    client_t *client = &self->client;
    self->orders_control = false;
    self->awaits_control = client_say (
        client,
        "{\"event\":\"barge in\",\"sessionId\":\"%s\",\"messageId\":\"b-%u\",\"timeMs\":%" PRIu64
        ",\"sender\":{\"displayName\":\"%s\"}}",
        client->session, self->takes++, clock_wall_ms (), client->user);
    self->ack_by = client->scene->now_us + ACK;
}

static void
s_flush (rich_t *self)
{
    client_t *client = &self->client;
    if (!self->is_in || self->leaving_us != NEVER || self->busy_until)
        return;
    if (self->orders_control)
        s_take_control (self);
    if (self->awaits_control)
        return;
    while (self->again < self->wanted && self->again < self->stored + self->window) {
        if (self->again == self->said)
            s_begin (self);
        if (!s_say (self, self->again))
            return;
        self->again++;
        if (!self->ack_by)
            self->ack_by = client->scene->now_us + ACK;
    }
}

// ---------------------------------------------------------------------------------------------
//  Hearing

static void
s_note_stored (rich_t *self, uint32_t number, uint32_t seq)
{
    if (number >= self->stored_room) {
        uint32_t before = self->stored_room;
        self->stored_room = 2 * number + 64;
        self->stored_seqs =
            realloc (self->stored_seqs, self->stored_room * sizeof *self->stored_seqs);
        assert (self->stored_seqs);
        memset (self->stored_seqs + before, 0,
                (self->stored_room - before) * sizeof *self->stored_seqs);
    }
    if (number > 0 && seq <= self->stored_seqs[number - 1]
        && !self->client.scene->plan->is_tail_lost)
        client_complain (&self->client, TROUBLE_DISORDERED,
                         "message %u is stored as %u, the one before as %u", number, seq,
                         self->stored_seqs[number - 1]);
    uint32_t behind = number + 1 < self->stored_room ? self->stored_seqs[number + 1] : 0;
    if (behind > 0 && seq >= behind && !self->client.scene->plan->is_tail_lost)
        client_complain (&self->client, TROUBLE_DISORDERED,
                         "message %u is stored as %u, the one behind as %u", number, seq, behind);
    self->stored_seqs[number] = seq;
}

//  Of the messages that are on their way, if there are any.
static void
s_await_ack (rich_t *self)
{
    bool awaits = self->stored < self->again;
    self->ack_by = awaits ? self->client.scene->now_us + ACK : 0;
}

//  Its own message `number` is in the log as `seq`: by an ack, or because it came back.
static void
s_stored (rich_t *self, uint32_t number, uint32_t seq)
{
    client_t *client = &self->client;
    crowd_context_t *scene = client->scene;
    if (number < self->stored)
        return;
    if (number >= self->said) {
        client_complain (client, TROUBLE_BROKEN, "message %u is stored and was never said", number);
        return;
    }
    if (number > self->stored && !scene->plan->is_tail_lost)
        client_complain (client, TROUBLE_DISORDERED, "message %u is stored as %u before %u is",
                         number, seq, self->stored);
    s_note_stored (self, number, seq);
    while (self->stored < self->said && self->stored < self->stored_room
           && self->stored_seqs[self->stored])
        self->stored++;
    if (self->again < self->stored)
        self->again = self->stored;
    histogram_add (&scene->ack_delay, scene->now_us - self->sent_us[number % RICH_WINDOW]);
    if (phases_now (scene->phases))
        phases_add (&phases_now (scene->phases)->ack, self->sent_us[number % RICH_WINDOW],
                    scene->now_us);
    SCENE_COUNT (scene, acked);
    wait_progress (&self->ack_wait, &scene->pauses, scene->now_us, self->stored < self->said);
    s_await_ack (self);
    self->events->stored (self->owner);
}

static bool
s_is_of_take (text_t frame)
{
    return frame_has (frame, TEXT ("\"messageId\":\"b-"));
}

static bool
s_own_number (const rich_t *self, text_t frame, uint64_t *number)
{
    return frame_number_behind (
        frame, self->is_agent ? TEXT ("\"messageId\":\"a-") : TEXT ("\"messageId\":\"m-"), number);
}

static void
s_on_ack (rich_t *self, text_t frame)
{
    uint64_t number, seq;
    if (s_is_of_take (frame)) {
        self->awaits_control = false;
        s_await_ack (self);
    }
    if (s_own_number (self, frame, &number) && frame_number_behind (frame, TEXT ("\"seq\":"), &seq))
        s_stored (self, (uint32_t) number, (uint32_t) seq);
    s_flush (self);
}

static void
s_set_position (rich_t *self, text_t frame, uint32_t seq)
{
    static const text_t mark = TEXT ("\"check\":\"");
    const char *check = memmem (frame.data, frame.size, mark.data, mark.size);
    size_t left = check ? (size_t) (frame.data + frame.size - check) - mark.size : 0;
    self->last_seq = seq;
    snprintf (self->check, sizeof self->check, "%.*s", left < 16 ? 0 : 16,
              left < 16 ? "" : check + mark.size);
}

//  What it has above the seq is gone, and what is there now follows.
static void
s_on_history (rich_t *self, text_t frame)
{
    client_t *client = &self->client;
    uint64_t seq;
    SCENE_COUNT (client->scene, changed);
    client_step (client, "the history changed");
    if (!client->scene->plan->is_tail_lost)
        client_complain (client, TROUBLE_BROKEN, "nothing was lost: %.*s", TEXT_ARGS (frame));
    if (!frame_number_behind (frame, TEXT ("\"seq\":"), &seq) || seq >= self->last_seq)
        return;
    if (self->again_below < self->last_seq)
        self->again_below = self->last_seq;
    while (client->seq_count && client->seqs[client->seq_count - 1] > seq)
        client->seq_count--;
    s_set_position (self, frame, (uint32_t) seq);
}

//  Behind the answer to a question that crossed it.
static bool
s_is_repeated (rich_t *self, uint32_t seq)
{
    if (seq <= self->repeated || seq > self->repeats_to)
        return false;
    self->repeated = seq;
    return true;
}

//  A frame of the log: each seq once, and rising.
static void
s_on_entry (rich_t *self, text_t frame)
{
    uint64_t seq, number;
    if (!frame_number_behind (frame, TEXT ("\"seq\":"), &seq))
        return; //  typing and the like
    if (s_is_repeated (self, (uint32_t) seq))
        return;
    if (seq <= self->last_seq) {
        client_complain (&self->client, TROUBLE_DOUBLED, "seq %" PRIu64 " comes after %u", seq,
                         self->last_seq);
        return;
    }
    s_set_position (self, frame, (uint32_t) seq);
    //  It was away for too long, and goes on as soon as it has control again.
    if (self->is_agent && frame_has (frame, TEXT ("\"event\":\"user left\""))
        && frame_has (frame, text_of (self->client.user)))
        self->orders_control = true;
    client_note_seq (&self->client, (uint32_t) seq);
    if (s_own_number (self, frame, &number))
        s_stored (self, (uint32_t) number, (uint32_t) seq);
    else
        self->events->heard (self->owner, frame, (uint32_t) seq);
}

static void
s_on_update (rich_t *self, text_t frame)
{
    crowd_context_t *scene = self->client.scene;
    uint64_t seq;
    self->join_by = 0;
    if (frame_number_behind (frame, TEXT ("\"seq\":"), &seq) && seq < self->last_seq
        && !self->client.scene->plan->is_tail_lost)
        client_complain (&self->client, TROUBLE_LOST,
                         "the log has %" PRIu64 " entries, %u is known", seq, self->last_seq);
    if (self->is_in && self->is_probing) {
        self->repeated = self->probed_seq;
        self->repeats_to = self->last_seq;
        self->is_probing = false;
    }
    if (self->is_in)
        return;
    self->is_in = true;
    client_is_in (&self->client);
    self->stable_at = scene->now_us + STABLE;
    self->events->is_in (self->owner);
    s_flush (self);
}

static void
s_on_busy (rich_t *self, text_t frame)
{
    crowd_context_t *scene = self->client.scene;
    uint64_t number, delay_ms = 0;
    SCENE_COUNT (scene, busy);
    frame_number_behind (frame, TEXT ("\"retryAfterMs\":"), &delay_ms);
    uint64_t delay = delay_ms * 1000;
    delay += chance_between (&scene->chance, 0, delay / 4);
    self->busy_until = scene->now_us + delay;
    client_step (&self->client, "busy: again in %.1f s", (double) delay / 1e6);
    if (s_is_of_take (frame)) {
        self->orders_control = true;
        self->awaits_control = false;
        s_await_ack (self);
    }
    if (!self->is_in || !s_own_number (self, frame, &number) || number < self->stored)
        return;
    self->ack_by = 0;
    if (number < self->again)
        self->again = (uint32_t) number;
}

//  It was away for too long: it takes over again, and says again what was refused. All that is
//  refused because of one loss was said before it takes over.
static void
s_on_lost_control (rich_t *self, text_t frame)
{
    uint64_t number;
    self->orders_control = !self->awaits_control;
    if (s_own_number (self, frame, &number) && number >= self->stored && number < self->again)
        self->again = (uint32_t) number;
    s_flush (self);
}

static void
s_on_refusal (rich_t *self, text_t frame)
{
    if (self->is_agent && frame_has (frame, TEXT ("\"code\":\"not_in_control\"")))
        s_on_lost_control (self, frame);
    else if (frame_has (frame, TEXT ("\"event\":\"busy\"")))
        s_on_busy (self, frame);
    else if (frame_has (frame, TEXT ("\"event\":\"failure\"")))
        s_on_entry (self, frame);
    else if (frame_has (frame, TEXT ("\"code\":\"not_joined\""))
             || frame_has (frame, TEXT ("\"code\":\"busy\""))
             || frame_has (frame, TEXT ("\"code\":\"store_down\""))
             || frame_has (frame, TEXT ("\"code\":\"going_away\"")))
        client_drop (&self->client, "the router said so");
    else {
        client_complain (&self->client, TROUBLE_REFUSED, "%.*s", TEXT_ARGS (frame));
        client_drop (&self->client, "refused");
    }
}

static void
s_on_going_away (rich_t *self, text_t frame)
{
    uint64_t delay_ms = 0;
    frame_number_behind (frame, TEXT ("\"delayMs\":"), &delay_ms);
    self->leaving_us = delay_ms * 1000;
    self->leave_by = self->client.scene->now_us + GOODBYE;
}

static void
s_heard (void *owner, text_t frame)
{
    rich_t *self = owner;
    self->quiet_at = self->client.scene->now_us + QUIET;
    self->probe_by = 0;
    switch (frame_event (frame)) {
    case FRAME_ACK:
        s_on_ack (self, frame);
        break;
    case FRAME_CONNECTION_UPDATE:
        s_on_update (self, frame);
        break;
    case FRAME_REFUSAL:
        s_on_refusal (self, frame);
        break;
    case FRAME_OTHER:
        if (frame_has (frame, TEXT ("\"event\":\"going away\"")))
            s_on_going_away (self, frame);
        else if (frame_has (frame, TEXT ("\"event\":\"history changed\"")))
            s_on_history (self, frame);
        else
            s_on_entry (self, frame);
        break;
    case FRAME_NEW_MESSAGE:
        s_on_entry (self, frame);
        break;
    }
}

static const client_events_t s_events = { s_opened, s_heard, s_lost };

// ---------------------------------------------------------------------------------------------

void
rich_init (rich_t *self, crowd_context_t *scene, const rich_events_t *events, void *owner,
           who_t who, bool is_agent)
{
    *self = (rich_t){ .events = events,
                      .owner = owner,
                      .is_agent = is_agent,
                      .window = RICH_WINDOW,
                      .text_size = 100,
                      .leaving_us = NEVER };
    client_init (&self->client, scene, &s_events, self, who);
    self->ack_wait = (wait_t){
        .user = self->client.user, .what = "an ack", .whereabouts = &self->client.whereabouts
    };
    snprintf (self->client.query, sizeof self->client.query, "&isAdmin=%s&protocol=2",
              is_agent ? "true" : "false");
}

void
rich_free (rich_t *self)
{
    client_free (&self->client);
    free (self->stored_seqs);
}

static bool
s_is_due (uint64_t *at, uint64_t now)
{
    if (*at == 0 || now < *at)
        return false;
    *at = 0;
    return true;
}

//  A time does not pass for one that does not read: a page that sleeps has no timers.
static void
s_look_at_the_clock (rich_t *self)
{
    client_t *client = &self->client;
    uint64_t now = client->scene->now_us;
    if (client->paused_until)
        return;
    if (s_is_due (&self->join_by, now))
        client_drop (client, "not let in in time");
    if (s_is_due (&self->ack_by, now))
        client_drop (client, "no ack in time");
    if (s_is_due (&self->leave_by, now))
        client_drop (client, "was told to go");
    if (s_is_due (&self->probe_by, now))
        client_drop (client, "no answer to resume");
    if (s_is_due (&self->stable_at, now))
        self->attempts = 0;
    if (self->is_in && s_is_due (&self->quiet_at, now)) {
        self->probe_by = now + PROBE;
        self->is_probing = true;
        self->probed_seq = self->last_seq;
        s_resume (self);
    }
    if (s_is_due (&self->busy_until, now)) {
        if (self->is_in)
            s_flush (self);
        else
            s_resume (self);
    }
}

void
rich_tick (rich_t *self)
{
    client_t *client = &self->client;
    bool had_link = client->link != NULL;
    client_tick (client);
    if (!had_link && client->link)
        self->join_by = client->scene->now_us + JOIN;
    //  Whoever does not read has only himself to wait for.
    if (client->paused_until)
        wait_forgive (&self->ack_wait, client->scene->now_us);
    if (client->link && !client->has_gone) {
        s_look_at_the_clock (self);
        s_flush (self);
    }
}

bool
rich_is_quiet (const rich_t *self)
{
    return self->stored == self->wanted;
}
