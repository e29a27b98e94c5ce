//  racers — see racers.h.

#include "racers.h"

#include "base/clock.h"
#include "chance.h"
#include "teller.h"
#include "ws_client.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRY_EVERY 100 //  ms between tries to connect

const char *const racer_desk[RACER_DESK] = { "anna", "otto" };

typedef struct {
    ws_client_t *client; //  NULL: not connected
    bool is_agent, is_in;
    unsigned session;
    unsigned edge;       //  where it connects next
    uint64_t try_at;     //  not before this
    uint64_t connected_at;
    uint64_t act_at;     //  does something next then
    uint64_t last_seq;   //  of the entries that it was given
    chance_t chance;
    teller_t teller;     //  of a visitor
    unsigned said;       //  how many messages it is to say so far; an agent: how many things it did
    bool is_in_control;  //  an agent, as it was told
    _Atomic uint64_t version;
    _Atomic unsigned offered;
    _Atomic bool is_platforms;
} racer_t;

struct racers {
    router_stack_t *stack;
    racer_t *people; //  a visitor and an agent of each session
    unsigned count;  //  of both
    unsigned edges;
    uint64_t seed;
    bool is_calm;
    racer_part_t *parts;
    size_t part_count, part_room;
    unsigned reconnects;
};

racers_t *
racers_new (router_stack_t *stack, unsigned count, unsigned edges, uint64_t seed)
{
    racers_t *self = calloc (1, sizeof *self);
    cr_assert (self);
    *self = (racers_t){ .stack = stack, .count = 2 * count, .edges = edges, .seed = seed };
    self->people = calloc (self->count, sizeof *self->people);
    cr_assert (self->people);
    for (unsigned at = 0; at < self->count; at++) {
        self->people[at].session = at / 2;
        self->people[at].is_agent = at % 2;
        self->people[at].edge = 1 + at / 3 % edges;
        self->people[at].chance.state = seed * 100000 + at;
    }
    return self;
}

void
racers_destroy (racers_t **self_p)
{
    racers_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (unsigned at = 0; at < self->count; at++)
        ws_client_destroy (&self->people[at].client);
    free (self->people);
    free (self->parts);
    free (self);
}

unsigned
racers_count (const racers_t *self)
{
    return self->count / 2;
}

const racer_part_t *
racers_parts (const racers_t *self, size_t *count)
{
    *count = self->part_count;
    return self->parts;
}

unsigned
racers_reconnects (const racers_t *self)
{
    return self->reconnects;
}

racer_control_t
racers_control (const racers_t *self, unsigned session)
{
    const racer_t *agent = &self->people[2 * session + 1];
    return (racer_control_t){ .version = atomic_load (&agent->version),
                              .offered = atomic_load (&agent->offered),
                              .is_platforms = atomic_load (&agent->is_platforms) };
}

// ---------------------------------------------------------------------------------------------
//  Connections

static void
s_lost (racers_t *self, racer_t *racer)
{
    ws_client_destroy (&racer->client);
    racer->is_in = false;
    racer->try_at = clock_mono_ms () + TRY_EVERY;
    self->reconnects++;
}

static void
s_connect (racers_t *self, racer_t *racer)
{
    char target[100], name[20];
    if (clock_mono_ms () < racer->try_at)
        return;
    snprintf (name, sizeof name, "%c-%u", racer->is_agent ? 'a' : 'v', racer->session);
    snprintf (target, sizeof target, "/?userId=%s&protocol=2&isAdmin=%s", name,
              racer->is_agent ? "true" : "false");
    racer->client = ws_client_connect (name, stack_edge_port (self->stack, racer->edge), target);
    racer->try_at = clock_mono_ms () + TRY_EVERY;
    racer->connected_at = clock_mono_ms ();
    racer->edge = 1 + racer->edge % self->edges;
    racer->teller.next = racer->teller.stored;
    if (racer->client
        && !ws_client_send_format (racer->client,
                                   "{\"event\":\"resume\",\"sessionId\":\"s-%u\",\"lastSeq\":%llu,"
                                   "\"sender\":{\"displayName\":\"%s\"},\"timeMs\":%llu}",
                                   racer->session, (unsigned long long) racer->last_seq, name,
                                   (unsigned long long) clock_wall_ms ()))
        s_lost (self, racer);
}

// ---------------------------------------------------------------------------------------------
//  Listening

static void
s_keep_part (racers_t *self, const racer_t *racer, json_object *frame)
{
    if (self->part_count == self->part_room) {
        self->part_room = 2 * self->part_room + 1000;
        self->parts = realloc (self->parts, self->part_room * sizeof *self->parts);
        cr_assert (self->parts);
    }
    self->parts[self->part_count++] = (racer_part_t){ .session = racer->session,
                                                      .behind = racer->last_seq,
                                                      .to_agent = racer->is_agent,
                                                      .connected_ms = clock_mono_ms ()
                                                                      - racer->connected_at };
    snprintf (self->parts[self->part_count - 1].frame, sizeof self->parts->frame, "%s",
              json_object_to_json_string_ext (frame, JSON_C_TO_STRING_PLAIN));
}

//  What an agent is told of control: who has it, which version, and to whom it is offered.
static void
s_note_control (racer_t *racer, const char *event, json_object *frame)
{
    static const char agent[] = "agent:";
    char name[20];
    bool is_platform = strcmp (ws_json_text (frame, "sender.userId"), RACER_PLATFORM) == 0;
    bool joined = strcmp (event, "user joined") == 0, left = strcmp (event, "user left") == 0;
    bool is_offer = strcmp (event, "offer") == 0;
    if (!joined && !left && !is_offer && strcmp (event, "offer ended") != 0)
        return;
    snprintf (name, sizeof name, "a-%u", racer->session);
    if (joined || left) {
        bool is_own = strcmp (ws_json_text (frame, "sender.userId"), name) == 0;
        racer->is_in_control = joined ? is_own : racer->is_in_control && !is_own;
    }
    unsigned offered = 0;
    const char *to = is_offer ? ws_json_text (frame, "data.to") : "";
    for (unsigned at = 0; at < RACER_DESK; at++)
        if (strncmp (to, agent, sizeof agent - 1) == 0
            && strcmp (to + sizeof agent - 1, racer_desk[at]) == 0)
            offered = at + 1;
    atomic_store (&racer->is_platforms, (joined && is_platform)
                                            || strncmp (to, "platform:", 9) == 0);
    atomic_store (&racer->offered, offered);
    atomic_store (&racer->version, racer->last_seq);
}

static unsigned
s_number (json_object *frame)
{
    return (unsigned) strtoul (ws_json_text (frame, "data.messageId"), NULL, 10);
}

static void
s_hear (racers_t *self, racer_t *racer, json_object *frame)
{
    const char *event = ws_json_text (frame, "event");
    int64_t seq = ws_json_number (frame, "seq");
    bool is_ack = strcmp (event, "ack") == 0, is_visitor = !racer->is_agent;
    if (!is_ack && seq > (int64_t) racer->last_seq)
        racer->last_seq = (uint64_t) seq;
    if (is_ack && is_visitor)
        cr_assert (teller_is_acknowledged (&racer->teller, s_number (frame),
                                           ws_json_true (frame, "data.duplicate")),
                   "v-%u: %s", racer->session, json_object_to_json_string (frame));
    else if (strcmp (event, "busy") == 0 && is_visitor)
        teller_is_refused (&racer->teller, s_number (frame), clock_mono_ms ());
    else if (strcmp (event, "connection update") == 0)
        racer->is_in = ws_json_true (frame, "data.sessionCreated");
    else if (strcmp (event, "part") == 0) {
        if (*ws_json_text (frame, "data.outputSpeech.displayText"))
            s_keep_part (self, racer, frame);
    }
    else if (racer->is_agent)
        s_note_control (racer, event, frame);
    else
        cr_assert (strcmp (event, "error") != 0, "v-%u: %s", racer->session,
                   json_object_to_json_string (frame));
}

static void
s_listen (racers_t *self, racer_t *racer)
{
    json_object *frame;
    while (racer->client && (frame = ws_client_next_json (racer->client, 0)))
        s_hear (self, racer, frame);
    if (racer->client && ws_client_handle (racer->client) < 0)
        s_lost (self, racer);
}

// ---------------------------------------------------------------------------------------------
//  Acting

//  The same number is the same question, whenever it is said again.
static const char *
s_question (const racers_t *self, const racer_t *racer, unsigned number)
{
    static const char *const kinds[] = { "do-quick", "do-soon",   "do-soon",   "do-slow",
                                         "do-slow",  "do-parts",  "do-parts",  "do-parts",
                                         "do-parts", "do-refuse", "do-person", "do-fail" };
    chance_t chance = { self->seed * 1000003 + racer->session * 100003 + number };
    return kinds[chance_between (&chance, 0, sizeof kinds / sizeof *kinds - 1)];
}

static void
s_visitor_acts (racers_t *self, racer_t *racer)
{
    uint64_t now = clock_mono_ms ();
    if (!self->is_calm && now >= racer->act_at) {
        racer->act_at = now + chance_between (&racer->chance, 50, 900);
        //  Two in a row now and then: the bot is at the first one when the second one waits.
        racer->said += chance_once_in (&racer->chance, 4) ? 2 : 1;
    }
    while (racer->client && racer->is_in && teller_may_speak (&racer->teller, racer->said, now)) {
        unsigned number = teller_speaks (&racer->teller);
        if (!ws_client_send_format (
                racer->client,
                "{\"event\":\"new message\",\"sessionId\":\"s-%u\",\"messageId\":\"%u\","
                "\"timeMs\":%llu,\"data\":{\"type\":\"INTENT_REQUEST\","
                "\"rawQuery\":\"%u %s\"}}",
                racer->session, number, (unsigned long long) clock_wall_ms (), number,
                s_question (self, racer, number)))
            s_lost (self, racer);
    }
}

static void
s_agent_acts (racers_t *self, racer_t *racer)
{
    uint64_t now = clock_mono_ms ();
    if (self->is_calm || !racer->is_in || now < racer->act_at)
        return;
    racer->act_at = now + chance_between (&racer->chance, 20, 900);
    bool speaks = racer->is_in_control && chance_once_in (&racer->chance, 4);
    const char *event = speaks ? "new message" : racer->is_in_control ? "barge out" : "barge in";
    if (!ws_client_send_format (racer->client,
                                "{\"event\":\"%s\",\"sessionId\":\"s-%u\",\"messageId\":"
                                "\"act-%u\",\"timeMs\":%llu,\"sender\":{\"displayName\":\"A\"},"
                                "\"data\":{\"rawQuery\":\"I am here\"}}",
                                event, racer->session, ++racer->said,
                                (unsigned long long) clock_wall_ms ()))
        s_lost (self, racer);
}

//  Sleeps until something comes for anybody, or a while has passed.
static void
s_wait (const racers_t *self)
{
    struct pollfd entries[self->count];
    nfds_t count = 0;
    for (unsigned at = 0; at < self->count; at++)
        if (self->people[at].client)
            entries[count++] = (struct pollfd){ .fd = ws_client_handle (self->people[at].client),
                                                .events = POLLIN };
    poll (entries, count, 20);
}

void
racers_turn (racers_t *self)
{
    for (unsigned at = 0; at < self->count; at++) {
        racer_t *racer = &self->people[at];
        if (!racer->client)
            s_connect (self, racer);
        s_listen (self, racer);
        if (racer->client && racer->is_agent)
            s_agent_acts (self, racer);
        else if (racer->client)
            s_visitor_acts (self, racer);
    }
    s_wait (self);
}

void
racers_calm (racers_t *self)
{
    self->is_calm = true;
}

bool
racers_are_done (const racers_t *self)
{
    for (unsigned at = 0; at < self->count; at++) {
        const racer_t *racer = &self->people[at];
        bool is_stored = racer->is_agent || racer->teller.stored == racer->said;
        if (!racer->client || !racer->is_in || !is_stored)
            return false;
    }
    return true;
}
