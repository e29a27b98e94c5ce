//  counting — see counting.h.

#include "counting.h"

#include "eventually.h"
#include "ws_client.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT 8        //  messages that one has said and that are not acknowledged
#define TALK_WITHIN 60000  //  ms
#define COUNT_WITHIN 60000 //  ms
#define TRY_EVERY 100      //  ms between tries to connect
#define BUSY_PAUSE 100     //  ms after a `busy`

typedef struct {
    ws_client_t *client;  //  NULL: not connected
    char name[32];
    unsigned edge;        //  where it connects next
    uint64_t try_at;      //  not before this
    unsigned wanted;      //  how many messages it is to say in all
    unsigned said;        //  how many it has sent at least once
    unsigned stored;      //  acknowledged, from the first one without a hole
    unsigned again;       //  from here on is to be sent (again)
    bool is_in;           //  `connection update` has come on this connection
    unsigned heard;       //  the bot's answers, each once and in order, over all connections
    int64_t last_seq;
} talker_t;

struct crowd {
    router_stack_t *stack;
    talker_t *people;
    unsigned count;
    unsigned edges;
    unsigned reconnects;
};

crowd_t *
crowd_new (router_stack_t *stack, unsigned people, unsigned edges)
{
    crowd_t *self = calloc (1, sizeof *self);
    cr_assert (self);
    *self = (crowd_t){ .stack = stack, .count = people, .edges = edges };
    self->people = calloc (people, sizeof *self->people);
    cr_assert (self->people);
    for (unsigned index = 0; index < people; index++) {
        snprintf (self->people[index].name, sizeof self->people[index].name, "talker%u", index);
        self->people[index].edge = 1 + index % edges;
    }
    return self;
}

void
crowd_destroy (crowd_t **self_p)
{
    crowd_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (unsigned index = 0; index < self->count; index++)
        ws_client_destroy (&self->people[index].client);
    free (self->people);
    free (self);
}

unsigned
crowd_reconnects (const crowd_t *self)
{
    return self->reconnects;
}

// ---------------------------------------------------------------------------------------------
//  One person's connection

static ws_client_t *
s_open (router_stack_t *stack, unsigned edge, const char *name, int64_t last_seq)
{
    char target[100];
    snprintf (target, sizeof target, "/?userId=%s&protocol=2", name);
    ws_client_t *client = ws_client_open (&(ws_options_t){
        .name = name, .port = stack_edge_port (stack, edge), .target = target });
    if (client && ws_client_status (client) == 101
        && ws_client_send_format (client,
                                  "{\"event\":\"resume\",\"sessionId\":\"s-%s\",\"lastSeq\":%lld,"
                                  "\"sender\":{\"displayName\":\"%s\"},\"timeMs\":%llu}",
                                  name, (long long) last_seq, name,
                                  (unsigned long long) clock_wall_ms ()))
        return client;
    ws_client_destroy (&client);
    return NULL;
}

static void
s_connect (crowd_t *self, talker_t *talker)
{
    if (clock_mono_ms () < talker->try_at)
        return;
    talker->client = s_open (self->stack, talker->edge, talker->name, talker->last_seq);
    talker->try_at = clock_mono_ms () + TRY_EVERY;
    talker->edge = 1 + talker->edge % self->edges;
    talker->is_in = false;
    talker->again = talker->stored;
}

static void
s_lost (crowd_t *self, talker_t *talker)
{
    ws_client_destroy (&talker->client);
    self->reconnects++;
}

static void
s_say (crowd_t *self, talker_t *talker)
{
    while (talker->client && talker->is_in && talker->again < talker->wanted
           && talker->again < talker->stored + IN_FLIGHT && clock_mono_ms () >= talker->try_at) {
        unsigned number = talker->again++;
        if (talker->said < talker->again)
            talker->said = talker->again;
        if (!ws_client_send_format (
                talker->client,
                "{\"event\":\"new message\",\"sessionId\":\"s-%s\",\"messageId\":\"%u\","
                "\"timeMs\":%llu,\"data\":{\"type\":\"INTENT_REQUEST\","
                "\"rawQuery\":\"%s says %u.\"}}",
                talker->name, number, (unsigned long long) clock_wall_ms (), talker->name, number))
            s_lost (self, talker);
    }
}

//  Acks come in the order of the messages: one that is early has overtaken another.
static void
s_acknowledged (talker_t *talker, json_object *frame)
{
    unsigned number = (unsigned) strtoul (ws_json_text (frame, "data.messageId"), NULL, 10);
    cr_assert (number < talker->said, "%s: an ack for what was never said", talker->name);
    cr_assert (number <= talker->stored, "%s: message %u is stored before %u", talker->name, number,
               talker->stored);
    if (number == talker->stored)
        talker->stored = number + 1;
}

static bool
s_is_from_bot (json_object *frame)
{
    return strcmp (ws_json_text (frame, "sender.deviceId"), "Bot") == 0;
}

//  The message, or the bot's answer to it, has "<name> says <number>." in it.
static void
s_expect_words (const talker_t *talker, json_object *frame, unsigned number)
{
    char words[64];
    snprintf (words, sizeof words, "%s says %u.", talker->name, number);
    const char *text = json_object_to_json_string (ws_json_at (frame, "data"));
    cr_assert (strstr (text, words), "%s: in place of %s's '%s' comes %s", talker->name,
               s_is_from_bot (frame) ? "the bot" : "the visitor", words, text);
}

static void
s_hear (talker_t *talker, json_object *frame)
{
    const char *event = ws_json_text (frame, "event");
    int64_t seq = ws_json_number (frame, "seq");
    if (strcmp (event, "ack") == 0)
        s_acknowledged (talker, frame);
    else if (strcmp (event, "connection update") == 0)
        talker->is_in = ws_json_true (frame, "data.sessionCreated");
    else if (strcmp (event, "busy") == 0) {
        talker->again = talker->stored;
        talker->try_at = clock_mono_ms () + BUSY_PAUSE;
    }
    else if (strcmp (event, "new message") == 0) {
        cr_assert (seq > talker->last_seq, "%s: seq %lld after %lld", talker->name, (long long) seq,
                   (long long) talker->last_seq);
        talker->last_seq = seq;
        if (s_is_from_bot (frame))
            s_expect_words (talker, frame, talker->heard++);
    }
    else
        cr_assert (strcmp (event, "error") != 0, "%s: refused: %s", talker->name,
                   json_object_to_json_string (frame));
}

static void
s_listen (crowd_t *self, talker_t *talker)
{
    json_object *frame;
    while (talker->client && (frame = ws_client_next_json (talker->client, 0)))
        s_hear (talker, frame);
    if (talker->client && ws_client_handle (talker->client) < 0)
        s_lost (self, talker);
}

// ---------------------------------------------------------------------------------------------
//  The crowd

//  Sleeps until something comes for anybody, or a while has passed.
static void
s_wait (const crowd_t *self)
{
    struct pollfd entries[self->count];
    nfds_t count = 0;
    for (unsigned index = 0; index < self->count; index++)
        if (self->people[index].client)
            entries[count++] = (struct pollfd){ .fd = ws_client_handle (self->people[index].client),
                                                .events = POLLIN };
    poll (entries, count, 20);
}

static bool
s_all_stored (const crowd_t *self)
{
    for (unsigned index = 0; index < self->count; index++)
        if (self->people[index].stored < self->people[index].wanted)
            return false;
    return true;
}

static void
s_turn (crowd_t *self)
{
    for (unsigned index = 0; index < self->count; index++) {
        talker_t *talker = &self->people[index];
        if (!talker->client)
            s_connect (self, talker);
        s_listen (self, talker);
        s_say (self, talker);
    }
    s_wait (self);
}

static void
s_show_who_waits (const crowd_t *self)
{
    for (unsigned index = 0; index < self->count; index++) {
        const talker_t *talker = &self->people[index];
        if (talker->stored >= talker->wanted)
            continue;
        fprintf (stderr, "%s: %u of %u stored, %s\n", talker->name, talker->stored, talker->wanted,
                 !talker->client ? "not connected" : talker->is_in ? "connected" : "not let in");
        if (talker->client)
            ws_client_print (talker->client);
        return;
    }
}

void
crowd_talks (crowd_t *self, unsigned messages)
{
    for (unsigned index = 0; index < self->count; index++)
        self->people[index].wanted += messages;
    uint64_t deadline = eventually_deadline (TALK_WITHIN);
    while (!s_all_stored (self)) {
        if (clock_mono_ms () > deadline)
            s_show_who_waits (self);
        cr_assert (clock_mono_ms () <= deadline, "somebody waits for an ack for too long");
        s_turn (self);
    }
}

void
crowd_sends (crowd_t *self, unsigned messages)
{
    for (unsigned index = 0; index < self->count; index++)
        self->people[index].wanted += messages;
    bool all_sent = false;
    for (uint64_t deadline = eventually_deadline (TALK_WITHIN); !all_sent;) {
        cr_assert (clock_mono_ms () <= deadline, "somebody cannot send");
        s_turn (self);
        all_sent = true;
        for (unsigned index = 0; index < self->count; index++)
            if (self->people[index].said + IN_FLIGHT < self->people[index].wanted)
                all_sent = false;
    }
}

void
crowd_listens (crowd_t *self)
{
    s_turn (self);
}

// ---------------------------------------------------------------------------------------------
//  Counting

typedef struct {
    unsigned own;      //  the next own message's number
    unsigned answered; //  the next question's number that the bot answers
    int64_t last_seq;
} tally_t;

static void
s_tally (const talker_t *talker, tally_t *tally, json_object *frame)
{
    int64_t seq = ws_json_number (frame, "seq");
    if (strcmp (ws_json_text (frame, "event"), "new message") != 0)
        return;
    cr_assert (seq > tally->last_seq, "%s: seq %lld after %lld", talker->name, (long long) seq,
               (long long) tally->last_seq);
    tally->last_seq = seq;
    unsigned *next = s_is_from_bot (frame) ? &tally->answered : &tally->own;
    s_expect_words (talker, frame, (*next)++);
}

static void
s_count (crowd_t *self, const talker_t *talker)
{
    tally_t tally = { 0 };
    uint64_t deadline = eventually_deadline (COUNT_WITHIN);
    ws_client_t *client = s_open (self->stack, 1, talker->name, 0);
    cr_assert (client, "%s cannot connect", talker->name);
    while (tally.own < talker->wanted || tally.answered < talker->wanted) {
        json_object *frame = ws_client_next_json (client, 1000);
        if (frame)
            s_tally (talker, &tally, frame);
        if (clock_mono_ms () > deadline || ws_client_handle (client) < 0)
            ws_client_print (client);
        cr_assert (clock_mono_ms () <= deadline && ws_client_handle (client) >= 0,
                   "%s has %u of %u messages and %u answers", talker->name, tally.own,
                   talker->wanted, tally.answered);
    }
    cr_assert (ws_client_expect_no (client, "new message", 100), "%s has one too many",
               talker->name);
    ws_client_destroy (&client);
}

static void
s_hear_all_answers (crowd_t *self)
{
    uint64_t deadline = eventually_deadline (COUNT_WITHIN);
    for (unsigned index = 0; index < self->count; index++) {
        const talker_t *talker = &self->people[index];
        while (talker->heard < talker->wanted) {
            cr_assert (clock_mono_ms () <= deadline, "%s has heard %u of %u answers", talker->name,
                       talker->heard, talker->wanted);
            s_turn (self);
        }
    }
}

void
crowd_has_everything_once (crowd_t *self)
{
    crowd_talks (self, 0);
    s_hear_all_answers (self);
    for (unsigned index = 0; index < self->count; index++)
        ws_client_destroy (&self->people[index].client);
    for (unsigned index = 0; index < self->count; index++)
        s_count (self, &self->people[index]);
}
