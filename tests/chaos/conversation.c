//  conversation — see conversation.h.

#include "conversation.h"

#include "frame_reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000000u
#define BIG_TEXT 4600   //  bytes, where somebody reads slowly
#define SMALL_TEXT 120
#define BOT_WINDOW 8    //  questions that are not answered
//  Of leavers: what a visitor says before it leaves; how long it is away, if not for good.
#define VISIT_MESSAGES 2
#define AWAY_LEAST (3 * SECOND)
#define AWAY_MOST (40 * SECOND)
#define COME_PER_SECOND 400 //  in a rollout, at first
#define LAST_COMES (60 * SECOND) //  and no later than that, if the run is long enough

//  What one of the two heard of the other's numbered messages.
typedef struct {
    uint32_t next;
    wait_t wait;
} ear_t;

struct talk {
    crowd_context_t *scene;
    conversation_kind_t kind;
    unsigned number;
    rich_t visitor;
    widget_t widget;
    rich_t agent;
    bool has_agent;
    bool is_begun;          //  the agent has control: the visitor may speak
    ear_t visitor_ear;      //  for the agent
    ear_t agent_ear;        //  for the visitor
    ear_t bot_ear;          //  for the bot's answers
    uint64_t visitor_at;    //  when they want to say something again
    uint64_t agent_at;
    uint64_t visitor_every; //  µs
    uint64_t agent_every;
    uint32_t visits;        //  of a leaver, the one now included
    uint64_t back_at;       //  µs; UINT64_MAX: it has left for good
    uint64_t late_us;       //  from then on it does not leave
};

conversation_kind_t
conversation_kind (const conversation_t *self)
{
    return self->kind;
}

rich_t *
conversation_visitor (conversation_t *self)
{
    return self->kind == TALK_WIDGET_BOT || self->kind == TALK_WIDGET_AGENT ? NULL
                                                                           : &self->visitor;
}

//  A rich visitor whose questions the bot answers, each once.
static bool
s_asks (const conversation_t *self)
{
    return self->kind == TALK_ASKER || self->kind == TALK_LEAVER;
}

bool
conversation_is_left (const conversation_t *self)
{
    return self->visitor.client.is_away && self->visits > 0;
}

bool
conversation_is_empty (const conversation_t *self)
{
    return self->visitor.client.is_away && self->visits == 0;
}

widget_t *
conversation_widget (conversation_t *self)
{
    return conversation_visitor (self) ? NULL : &self->widget;
}

rich_t *
conversation_agent (conversation_t *self)
{
    return self->has_agent ? &self->agent : NULL;
}

client_t *
conversation_visitor_client (conversation_t *self)
{
    return conversation_visitor (self) ? &self->visitor.client : &self->widget.client;
}

const char *
conversation_session (const conversation_t *self)
{
    return conversation_visitor_client ((conversation_t *) (uintptr_t) self)->session;
}

// ---------------------------------------------------------------------------------------------
//  Who hears what

//  When a tail is lost, the audit says what is wrong about it; what is told again is known.
static void
s_note_gap (conversation_t *self, ear_t *ear, const rich_t *listener, uint32_t number)
{
    bool is_again = number < ear->next;
    if (number == ear->next || (is_again && listener->last_seq <= listener->again_below))
        return;
    gaps_add (&self->scene->gaps,
              &(gap_t){ .listener = (void *) (uintptr_t) &listener->client,
                        .talk = self->number,
                        .is_agent = !listener->is_agent,
                        .is_again = is_again,
                        .from = is_again ? number : ear->next,
                        .to = number });
}

//  The next number of a row that is to come once and in order.
static void
s_hear (ear_t *ear, client_t *client, const char *of, uint64_t number)
{
    if (number < ear->next)
        client_complain (client, TROUBLE_DOUBLED, "%s %u comes again, the next one is %u", of,
                         (unsigned) number, ear->next);
    else if (number > ear->next)
        client_complain (client, TROUBLE_DISORDERED, "%s %u comes before %u", of,
                         (unsigned) number, ear->next);
    if (number >= ear->next)
        ear->next = (uint32_t) number + 1;
}

static void
s_hear_of (conversation_t *self, ear_t *ear, rich_t *listener, const char *of, uint64_t number)
{
    if (!self->scene->plan->is_tail_lost)
        s_hear (ear, &listener->client, of, number);
    else {
        s_note_gap (self, ear, listener, (uint32_t) number);
        if (number >= ear->next)
            ear->next = (uint32_t) number + 1;
    }
}

static void
s_wait_on (conversation_t *self, ear_t *ear, uint32_t due)
{
    wait_progress (&ear->wait, &self->scene->pauses, self->scene->now_us, ear->next < due);
}

static bool
s_is_of_bot (text_t frame)
{
    return frame_has (frame, TEXT ("\"deviceId\":\"Bot\""));
}

//  How long it took to the other side.
static void
s_note_gap_of (const conversation_t *self, const rich_t *sender, uint64_t number,
               phase_dialect_t listener)
{
    phase_t *phase = phases_now (self->scene->phases);
    if (phase && number < sender->said && number + RICH_WINDOW >= sender->said)
        phases_add (&phase->gap[listener], sender->sent_us[number % RICH_WINDOW],
                    self->scene->now_us);
}

static void
s_visitor_hears (void *owner, text_t frame, uint32_t seq)
{
    conversation_t *self = owner;
    client_t *client = &self->visitor.client;
    uint64_t number;
    (void) seq;
    if (frame_has (frame, TEXT ("\"event\":\"user joined\"")))
        self->is_begun = true;
    if (frame_event (frame) != FRAME_NEW_MESSAGE)
        return;
    if (s_is_of_bot (frame)) {
        SCENE_COUNT (self->scene, answers);
        if (!s_asks (self))
            return; //  whether it was the bot's turn the log will tell
        if (frame_number_behind (frame, TEXT ("re q-"), &number))
            s_hear (&self->bot_ear, client, "the answer to", number);
        else
            client_complain (client, TROUBLE_BROKEN, "the bot says %.*s", TEXT_ARGS (frame));
        s_wait_on (self, &self->bot_ear, self->visitor.stored);
        return;
    }
    self->is_begun = true;
    SCENE_COUNT (self->scene, delivered);
    if (frame_number_behind (frame, TEXT ("\"messageId\":\"a-"), &number)) {
        s_hear_of (self, &self->agent_ear, &self->visitor, "the agent's message", number);
        s_note_gap_of (self, &self->agent, number, PHASE_RICH);
    }
    s_wait_on (self, &self->agent_ear, self->agent.stored);
}

static void
s_agent_hears (void *owner, text_t frame, uint32_t seq)
{
    conversation_t *self = owner;
    uint64_t number;
    (void) seq;
    if (frame_event (frame) != FRAME_NEW_MESSAGE || s_is_of_bot (frame))
        return;
    SCENE_COUNT (self->scene, delivered);
    if (self->kind != TALK_PAIR)
        return;
    if (frame_number_behind (frame, TEXT ("\"messageId\":\"m-"), &number)) {
        s_hear_of (self, &self->visitor_ear, &self->agent, "the visitor's message", number);
        s_note_gap_of (self, &self->visitor, number, PHASE_RICH);
    }
    s_wait_on (self, &self->visitor_ear, self->visitor.stored);
}

static void
s_widget_shows (void *owner, text_t frame, uint32_t seq)
{
    conversation_t *self = owner;
    uint64_t number;
    (void) seq;
    if (frame_event (frame) != FRAME_NEW_MESSAGE)
        return;
    if (s_is_of_bot (frame)) {
        SCENE_COUNT (self->scene, answers);
        return;
    }
    if (frame_number_behind (frame, TEXT ("\"messageId\":\"a-"), &number)) {
        s_hear (&self->agent_ear, &self->widget.client, "the agent's message", number);
        s_note_gap_of (self, &self->agent, number, PHASE_WIDGET);
    }
    s_wait_on (self, &self->agent_ear, self->agent.stored);
}

// ---------------------------------------------------------------------------------------------
//  Whose turn it is

//  What is stored is on its way to the other side, unless it came there before its ack came here.
static void
s_await (conversation_t *self, ear_t *ear, uint32_t due)
{
    if (ear->next < due)
        wait_begin (&ear->wait, self->scene->now_us);
}

static void
s_visitor_stored (void *owner)
{
    conversation_t *self = owner;
    s_await (self, self->kind == TALK_PAIR ? &self->visitor_ear : &self->bot_ear,
             self->visitor.stored);
}

static void
s_agent_stored (void *owner)
{
    conversation_t *self = owner;
    //  A widget that has lost its connection does nothing for 5 s: that is no pause of the router.
    if (self->kind == TALK_PAIR)
        s_await (self, &self->agent_ear, self->agent.stored);
}

static void
s_visitor_is_in (void *owner)
{
    conversation_t *self = owner;
    if (self->visits == 0)
        self->visits = 1;
    if (!self->has_agent)
        self->is_begun = true;
    else if (self->agent.client.try_at == UINT64_MAX)
        self->agent.client.try_at = 0;
}

static void
s_agent_is_in (void *owner)
{
    conversation_t *self = owner;
    //  What it says takes control, too, should this be lost.
    if (self->agent.wanted == 0)
        self->agent.wanted = 1;
}

static const rich_events_t s_visitor_events = { s_visitor_is_in, s_visitor_stored,
                                                s_visitor_hears };
static const rich_events_t s_agent_events = { s_agent_is_in, s_agent_stored, s_agent_hears };
static const widget_events_t s_widget_events = { s_visitor_is_in, s_widget_shows };

static void
s_want_more (const conversation_t *self, rich_t *rich, uint64_t *at, uint64_t every)
{
    uint64_t now = self->scene->now_us;
    if (now < *at)
        return;
    *at = *at + every > now ? *at + every : now + every;
    if (rich->wanted < rich->stored + RICH_WINDOW)
        rich->wanted++;
}

//  Some messages, and when all of them are answered it leaves: half of all do for good. When the
//  crowd falls silent, whoever is there stays, and whoever is away stays away.
static void
s_leaver_tick (conversation_t *self, bool is_talking)
{
    crowd_context_t *scene = self->scene;
    rich_t *visitor = &self->visitor;
    if (visitor->client.is_away) {
        if (is_talking && self->visits > 0 && scene->now_us >= self->back_at) {
            atomic_fetch_sub (&scene->away, 1);
            self->visits++;
            client_return (&visitor->client);
        }
    } else if (!is_talking) {
        if (self->visits == 0 && !visitor->client.link)
            client_leave (&visitor->client); //  it never comes
    } else if (visitor->wanted < self->visits * VISIT_MESSAGES)
        s_want_more (self, visitor, &self->visitor_at, self->visitor_every);
    else if (scene->now_us < self->late_us && visitor->is_in && rich_is_quiet (visitor)
             && self->bot_ear.next == visitor->stored) {
        self->back_at =
            chance_once_in (&scene->chance, 2)
                ? UINT64_MAX
                : scene->now_us + chance_between (&scene->chance, AWAY_LEAST, AWAY_MOST);
        client_leave (&visitor->client);
        atomic_fetch_add (&scene->away, 1);
    }
}

//  A pause that its own client makes is not the router's.
static void
s_forgive (const client_t *client, wait_t *wait, uint64_t now)
{
    if (client->paused_until)
        wait_forgive (wait, now);
}

void
conversation_tick (conversation_t *self)
{
    crowd_context_t *scene = self->scene;
    bool is_talking = atomic_load_explicit (&scene->is_talking, memory_order_relaxed);
    rich_t *visitor = conversation_visitor (self);
    if (self->kind == TALK_LEAVER)
        s_leaver_tick (self, is_talking);
    else if (visitor && is_talking && self->is_begun
        && (self->has_agent || visitor->wanted < self->bot_ear.next + BOT_WINDOW))
        s_want_more (self, visitor, &self->visitor_at, self->visitor_every);
    if (self->has_agent && is_talking && self->agent.wanted > 0)
        s_want_more (self, &self->agent, &self->agent_at, self->agent_every);
    if (visitor)
        rich_tick (visitor);
    else
        widget_tick (&self->widget);
    if (self->has_agent)
        rich_tick (&self->agent);
    s_forgive (conversation_visitor_client (self), &self->agent_ear.wait, scene->now_us);
    s_forgive (conversation_visitor_client (self), &self->bot_ear.wait, scene->now_us);
    s_forgive (&self->agent.client, &self->visitor_ear.wait, scene->now_us);
}

// ---------------------------------------------------------------------------------------------

static void
s_name (const conversation_t *self, client_t *client, const char *role, unsigned number)
{
    const char *run = self->scene->run;
    snprintf (client->user, sizeof client->user, "%s%u-%s", role, number, run);
    snprintf (client->session, sizeof client->session, "s%u-%s", number, run);
    client->goes_by_cable = number % 3 == 0 && !self->scene->plan->is_rollout;
}

static uint64_t
s_every (const conversation_t *self, unsigned percent, uint64_t people)
{
    uint64_t rate = self->scene->plan->rate * percent / 100;
    return people * SECOND / (rate ? rate : 1);
}

static wait_t
s_wait_of (const client_t *client, const char *what)
{
    return (wait_t){ .user = client->user, .what = what, .whereabouts = &client->whereabouts };
}

conversation_t *
conversation_new (crowd_context_t *scene, conversation_kind_t kind, unsigned number)
{
    const plan_t *plan = scene->plan;
    conversation_t *self = calloc (1, sizeof *self);
    assert (self);
    self->scene = scene;
    self->kind = kind;
    self->number = number;
    self->has_agent = kind == TALK_PAIR || kind == TALK_WIDGET_AGENT;
    bool is_of_bot = kind == TALK_ASKER || kind == TALK_LEAVER;
    who_t who = kind == TALK_PAIR ? WHO_PAIR : is_of_bot ? WHO_ASKER : WHO_WIDGET;
    rich_init (&self->visitor, scene, &s_visitor_events, self, who, false);
    widget_init (&self->widget, scene, &s_widget_events, self);
    rich_init (&self->agent, scene, &s_agent_events, self, who, true);
    s_name (self, &self->visitor.client, kind == TALK_LEAVER ? "leaver" : "visitor", number);
    s_name (self, &self->widget.client, "widget", number);
    s_name (self, &self->agent.client, "agent", number);
    self->agent_ear.wait =
        s_wait_of (conversation_visitor_client (self), "a message of the agent");
    self->bot_ear.wait = s_wait_of (conversation_visitor_client (self), "an answer of the bot");
    self->visitor_ear.wait = s_wait_of (&self->agent.client, "a message of the visitor");
    self->agent.client.try_at = UINT64_MAX; //  until there is a session
    self->agent.orders_control = true;
    //  By threes, so that some of each sort, slow or through a cable, are among them.
    if (number / 3 % 3 == 0)
        self->visitor.window = self->agent.window = 1;
    //  Some read slowly, and there is much to read.
    bool is_slow = kind == TALK_PAIR && number % TALK_SLOW_ONE_IN == 1 && !plan->is_rollout;
    self->agent.client.is_slow = is_slow;
    self->visitor.text_size = is_slow ? BIG_TEXT : SMALL_TEXT;
    self->agent.text_size = SMALL_TEXT;
    self->visitor_every = kind == TALK_PAIR     ? s_every (self, 65, plan->pairs)
                          : kind == TALK_LEAVER ? SECOND
                                                : s_every (self, 10, plan->askers);
    self->agent_every = kind == TALK_PAIR ? s_every (self, 10, plan->pairs)
                                          : s_every (self, 15, plan->widgets);
    if (plan->is_rollout) {
        uint64_t last = scene->now_us + plan->clients * SECOND / COME_PER_SECOND;
        conversation_visitor_client (self)->try_at =
            chance_between (&scene->chance, scene->now_us, last);
        self->visitor_at = last + chance_between (&scene->chance, 0, self->visitor_every);
        self->agent_at = last + chance_between (&scene->chance, 0, self->agent_every);
    }
    if (kind == TALK_LEAVER) {
        uint64_t last = scene->now_us + LAST_COMES, late = plan_late_us (plan, scene->now_us);
        self->late_us = late;
        self->visitor.client.try_at =
            chance_between (&scene->chance, scene->now_us, last < late ? last : late);
    }
    return self;
}

void
conversation_destroy (conversation_t **self_p)
{
    conversation_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    rich_free (&self->visitor);
    widget_free (&self->widget);
    rich_free (&self->agent);
    free (self);
}

//  NULL when nobody waits for anything, else who does.
static client_t *
s_who_waits (const conversation_t *constant, char *what, size_t room)
{
    conversation_t *self = (conversation_t *) (uintptr_t) constant;
    rich_t *visitor = conversation_visitor (self);
    if (visitor && !rich_is_quiet (visitor)) {
        snprintf (what, room, "%u of %u are stored", visitor->stored, visitor->wanted);
        return &visitor->client;
    }
    if (self->has_agent && !rich_is_quiet (&self->agent)) {
        snprintf (what, room, "%u of %u are stored", self->agent.stored, self->agent.wanted);
        return &self->agent.client;
    }
    if (self->has_agent && self->agent_ear.next < self->agent.stored) {
        snprintf (what, room, "has %u of the agent's %u", self->agent_ear.next, self->agent.stored);
        return conversation_visitor_client (self);
    }
    if (self->kind == TALK_PAIR && self->visitor_ear.next < visitor->stored) {
        snprintf (what, room, "has %u of the visitor's %u", self->visitor_ear.next,
                  visitor->stored);
        return &self->agent.client;
    }
    if (s_asks (self) && self->bot_ear.next < visitor->stored) {
        snprintf (what, room, "has %u of the bot's %u answers", self->bot_ear.next,
                  visitor->stored);
        return &visitor->client;
    }
    if (!visitor && !widget_is_quiet (&self->widget)) {
        snprintf (what, room, "is not in its session, or something came just now");
        return &self->widget.client;
    }
    return NULL;
}

void
conversation_describe (const conversation_t *self, char *text, size_t room)
{
    char what[100];
    const client_t *client = s_who_waits (self, what, sizeof what);
    snprintf (text, room, "%s%s%s%s", client ? client->user : "", client ? ": " : "",
              client ? what : "", client && client->paused_until ? ", does not read" : "");
}

void
conversation_complain (conversation_t *self)
{
    char what[100];
    client_t *client = s_who_waits (self, what, sizeof what);
    if (client)
        client_complain (client, TROUBLE_STUCK, "%s", what);
}
