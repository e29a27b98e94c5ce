//  chat — see chat.h.

#include "chat.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 10000 //  ms
#define INBOX_MOST 8192

typedef struct {
    json_object *frame;
    bool is_taken; //  by hears, sees and their like
} letter_t;

struct person {
    router_stack_t *stack;
    ws_client_t *client;  //  NULL: not connected
    char *name;           //  also the user id
    char *session;
    const char *app;      //  NULL: the default one
    bool is_rich;
    bool is_agent;
    bool came_back;       //  then a widget may be told again what it has
    char last_check[20];  //  of the entry at last_seq
    unsigned tab;         //  0: the first one
    unsigned told_again;  //  messages that it had, and that came again
    unsigned said;        //  how many messages: the last one's id is "<name>-<said>"
    int64_t last_seq;     //  the highest that came
    int64_t last_time_ms; //  of the last message that came
    letter_t inbox[INBOX_MOST];
    size_t inbox_size;
    size_t first;         //  of the inbox that may not be taken yet
};

// ---------------------------------------------------------------------------------------------
//  The place

static void
s_bot_is_friendly (bot_t *bot)
{
    bot_says (bot, "LAUNCH_REQUEST", "{\"outputSpeech\":{\"displayText\":\"Welcome!\"}}");
    bot_says (bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
}

router_stack_t *
everything_starts (unsigned edges, unsigned postoffices, unsigned connectors)
{
    static const char *const s_settings[] = { "SESSION_GRACE=2s", "BOT_TRY_DELAY_1=1s",
                                              "BOT_TRY_DELAY_2=1s", NULL };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .edges = edges,
                                                        .postoffices = postoffices,
                                                        .connectors = connectors,
                                                        .settings = s_settings });
    cr_assert (stack, "the stack does not start");
    s_bot_is_friendly (stack_bot (stack));
    return stack;
}

void
the_bot_answers (router_stack_t *stack, const char *text, const bot_reply_t *reply)
{
    bot_forget_rules (stack_bot (stack));
    bot_rule (stack_bot (stack), text, 0, reply);
    s_bot_is_friendly (stack_bot (stack));
}

// ---------------------------------------------------------------------------------------------
//  Opening and closing

static void
s_connect (person_t *self, unsigned edge)
{
    char target[600];
    snprintf (target, sizeof target, "/chat?userId=%s&isAdmin=%s%s%s%s", self->name,
              self->is_agent ? "true" : "false", self->is_rich ? "&protocol=2" : "",
              self->app ? "&appId=" : "", self->app ? self->app : "");
    ws_client_destroy (&self->client);
    self->client = ws_client_connect (self->name, stack_edge_port (self->stack, edge), target);
    cr_assert (self->client, "%s cannot connect to edge-%u", self->name, edge);
}

static person_t *
s_person_new (router_stack_t *stack, const char *name, const char *session, bool is_rich)
{
    person_t *self = calloc (1, sizeof *self);
    cr_assert (self);
    self->stack = stack;
    self->name = strdup (name);
    self->session = strdup (session);
    self->is_rich = is_rich;
    return self;
}

static void
s_is_let_in (person_t *self)
{
    json_object *update = sees (self, "connection update", NULL);
    cr_assert (ws_json_true (update, "data.sessionCreated"), "%s is not let into %s: %s",
               self->name, self->session, ws_json_text (update, "data.errorMessage"));
}

person_t *
visitor_opens (router_stack_t *stack, unsigned edge, const char *name, const char *session)
{
    person_t *self = s_person_new (stack, name, session, false);
    s_connect (self, edge);
    does (self, "user joined");
    s_is_let_in (self);
    return self;
}

person_t *
rich_visitor_opens (router_stack_t *stack, unsigned edge, const char *name, const char *session)
{
    person_t *self = s_person_new (stack, name, session, true);
    s_connect (self, edge);
    does (self, "resume");
    s_is_let_in (self);
    return self;
}

person_t *
visitor_opens_app (router_stack_t *stack, const char *app, const char *name, const char *session)
{
    person_t *self = s_person_new (stack, name, session, true);
    self->app = app;
    s_connect (self, 1);
    does (self, "resume");
    s_is_let_in (self);
    return self;
}

person_t *
opens_another_tab (const person_t *other, unsigned edge)
{
    static unsigned s_tabs;
    person_t *self = other->is_rich
                         ? rich_visitor_opens (other->stack, edge, other->name, other->session)
                         : visitor_opens (other->stack, edge, other->name, other->session);
    self->tab = ++s_tabs;
    return self;
}

person_t *
agent_opens (router_stack_t *stack, unsigned edge, const char *name, const char *session)
{
    person_t *self = s_person_new (stack, name, session, false);
    self->is_agent = true;
    s_connect (self, edge);
    does (self, "user joined");
    s_is_let_in (self);
    return self;
}

person_t *
rich_agent_opens (router_stack_t *stack, unsigned edge, const char *name, const char *session)
{
    person_t *self = s_person_new (stack, name, session, true);
    self->is_agent = true;
    s_connect (self, edge);
    does (self, "resume");
    s_is_let_in (self);
    return self;
}

void
leaves (person_t **self_p)
{
    person_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    ws_client_destroy (&self->client);
    for (size_t index = 0; index < self->inbox_size; index++)
        json_object_put (self->inbox[index].frame);
    free (self->name);
    free (self->session);
    free (self);
}

void
is_cut_off (person_t *self)
{
    ws_client_destroy (&self->client);
}

void
comes_back (person_t *self, unsigned edge)
{
    self->came_back = true;
    s_connect (self, edge);
    if (!self->is_rich)
        return;
    does (self, "resume");
    s_is_let_in (self);
}

void
reloads (person_t *self, unsigned edge)
{
    self->came_back = true;
    s_connect (self, edge);
    does (self, "user joined");
    s_is_let_in (self);
}

void
may_be_told_again (person_t *self)
{
    self->came_back = true;
}

unsigned
told_again (const person_t *self)
{
    return self->told_again;
}

ws_client_t *
client_of (person_t *self)
{
    return self->client;
}

// ---------------------------------------------------------------------------------------------
//  Speaking

//  The sender as the widget writes it, false claims and all.
static json_object *
s_frame (const person_t *self, const char *event, const char *display_name)
{
    json_object *frame = json_object_new_object (), *sender = json_object_new_object ();
    json_object_object_add (sender, "deviceId", json_object_new_string ("Widget"));
    json_object_object_add (sender, "userId", json_object_new_string (self->name));
    json_object_object_add (sender, "displayName", json_object_new_string (display_name));
    json_object_object_add (sender, "isAdmin", json_object_new_boolean (self->is_agent));
    json_object_object_add (frame, "event", json_object_new_string (event));
    json_object_object_add (frame, "sender", sender);
    json_object_object_add (frame, "sessionId", json_object_new_string (self->session));
    json_object_object_add (frame, "timeMs", json_object_new_int64 ((int64_t) clock_wall_ms ()));
    return frame;
}

static void
s_send (person_t *self, json_object *frame)
{
    cr_assert (self->client, "%s is not connected", self->name);
    cr_assert (ws_client_send_text (self->client, json_object_to_json_string (frame)),
               "%s cannot send", self->name);
    json_object_put (frame);
}

static void
s_say (person_t *self, const char *message_id, const char *type, const char *text)
{
    json_object *frame = s_frame (self, "new message", "Visitor");
    json_object *data = json_object_new_object ();
    json_object_object_add (data, "type", json_object_new_string (type));
    json_object_object_add (data, "sessionId", json_object_new_string (self->session));
    json_object_object_add (data, "userId", json_object_new_string (self->name));
    json_object_object_add (data, "isNewSession", json_object_new_boolean (!text));
    const char *intent = text ? "NLU_RESULT_PLACEHOLDER" : "LaunchRequest";
    json_object_object_add (data, "intentId", json_object_new_string (intent));
    json_object_object_add (data, "platform", json_object_new_string ("stentor-platform"));
    json_object_object_add (data, "channel", json_object_new_string ("widget"));
    if (text)
        json_object_object_add (data, "rawQuery", json_object_new_string (text));
    json_object_object_add (frame, "data", data);
    if (message_id)
        json_object_object_add (frame, "messageId", json_object_new_string (message_id));
    s_send (self, frame);
}

void
says_as (person_t *self, const char *message_id, const char *text)
{
    s_say (self, message_id, "INTENT_REQUEST", text);
}

void
says (person_t *self, const char *text)
{
    char message_id[100];
    if (self->tab)
        snprintf (message_id, sizeof message_id, "%s-tab%u-%u", self->name, self->tab,
                  ++self->said);
    else
        snprintf (message_id, sizeof message_id, "%s-%u", self->name, ++self->said);
    says_as (self, self->is_rich ? message_id : NULL, text);
}

void
greets (person_t *self)
{
    s_say (self, NULL, "LAUNCH_REQUEST", NULL);
}

void
does (person_t *self, const char *event)
{
    json_object *frame = s_frame (self, event, "Visitor");
    if (strcmp (event, "resume") == 0) {
        json_object_object_add (frame, "lastSeq", json_object_new_int64 (self->last_seq));
        json_object_object_add (frame, "check", json_object_new_string (self->last_check));
    }
    s_send (self, frame);
}

void
barges_in (person_t *self, const char *display_name)
{
    s_send (self, s_frame (self, "barge in", display_name));
}

void
barges_out (person_t *self)
{
    does (self, "barge out");
}

// ---------------------------------------------------------------------------------------------
//  Listening

//  The client underneath is as much more patient as the machine needs.
static uint64_t
s_deadline (void)
{
    return clock_mono_ms () + PATIENCE;
}

static bool
s_is_event (json_object *frame, const char *event)
{
    return strcmp (ws_json_text (frame, "event"), event) == 0;
}

//  A widget throws away an entry whose time it has already; a rich client is never told anything
//  twice. Returns false when the message is to be thrown away.
static bool
s_is_news (person_t *self, json_object *frame)
{
    int64_t time_ms = ws_json_number (frame, "timeMs"), seq = ws_json_number (frame, "seq");
    if (!self->is_rich && self->came_back && time_ms <= self->last_time_ms)
        for (size_t index = 0; index < self->inbox_size; index++)
            if (ws_json_number (self->inbox[index].frame, "timeMs") == time_ms
                && s_is_event (self->inbox[index].frame, "new message")) {
                self->told_again++;
                return false;
            }
    cr_assert (time_ms > self->last_time_ms,
               "%s gets a message whose timeMs is not above the last: %s", self->name,
               json_object_to_json_string (frame));
    cr_assert (!self->is_rich || seq > self->last_seq, "%s gets a message that it had: %s",
               self->name, json_object_to_json_string (frame));
    self->last_time_ms = time_ms;
    return true;
}

static void
s_keep_position (person_t *self, json_object *frame)
{
    self->last_seq = ws_json_number (frame, "seq");
    snprintf (self->last_check, sizeof self->last_check, "%s", ws_json_text (frame, "check"));
}

//  As client.js: what is above the seq is gone, and what follows is the log as it is.
static void
s_go_back (person_t *self, json_object *frame)
{
    s_keep_position (self, frame);
    self->last_time_ms = 0;
    for (size_t index = 0; index < self->inbox_size; index++) {
        json_object *earlier = self->inbox[index].frame;
        int64_t seq = ws_json_number (earlier, "seq"), time_ms = ws_json_number (earlier, "timeMs");
        if (s_is_event (earlier, "new message") && seq <= self->last_seq
            && time_ms > self->last_time_ms)
            self->last_time_ms = time_ms;
    }
}

//  Takes one more frame into the inbox. False when none came before the deadline.
static bool
s_listen (person_t *self, uint64_t deadline)
{
    uint64_t now = clock_mono_ms ();
    cr_assert (self->client, "%s is not connected", self->name);
    cr_assert (self->inbox_size < INBOX_MOST);
    json_object *frame = ws_client_next_json (self->client, now < deadline ? deadline - now : 0);
    if (!frame)
        return false;
    if (s_is_event (frame, "new message") && !s_is_news (self, frame))
        return true;
    int64_t seq = ws_json_number (frame, "seq");
    if (s_is_event (frame, "history changed"))
        s_go_back (self, frame);
    else if (seq > self->last_seq && !s_is_event (frame, "ack"))
        s_keep_position (self, frame);
    //  As client.js: the log is another one, and shorter.
    json_object *known = ws_json_at (frame, "data.seq");
    if (known && s_is_event (frame, "connection update")
        && json_object_get_int64 (known) < self->last_seq) {
        self->last_seq = json_object_get_int64 (known);
        self->last_check[0] = '\0';
    }
    self->inbox[self->inbox_size++].frame = json_object_get (frame);
    return true;
}

static letter_t *
s_in_inbox (person_t *self, const char *event, const char *path, const char *value)
{
    while (self->first < self->inbox_size && self->inbox[self->first].is_taken)
        self->first++;
    for (size_t index = self->first; index < self->inbox_size; index++) {
        letter_t *letter = &self->inbox[index];
        if (!letter->is_taken && s_is_event (letter->frame, event)
            && (!path || strcmp (ws_json_text (letter->frame, path), value) == 0))
            return letter;
    }
    return NULL;
}

//  The next frame of that kind, out of the inbox; NULL when none came in time.
static json_object *
s_take (person_t *self, const char *event, const char *path, const char *value, uint64_t deadline)
{
    letter_t *letter;
    while (!(letter = s_in_inbox (self, event, path, value)))
        if (!s_listen (self, deadline))
            return NULL;
    letter->is_taken = true;
    return letter->frame;
}

static void
s_show (person_t *self)
{
    if (self->client)
        ws_client_print (self->client);
}

static const char *
s_words (json_object *frame)
{
    if (strcmp (ws_json_text (frame, "sender.deviceId"), "Bot") != 0)
        return ws_json_text (frame, "data.rawQuery");
    const char *text = ws_json_text (frame, "data.outputSpeech.displayText");
    return *text ? text : ws_json_text (frame, "data.outputSpeech");
}

static const char *
s_speaker (json_object *frame)
{
    return strcmp (ws_json_text (frame, "sender.deviceId"), "Bot") == 0
               ? "bot"
               : ws_json_text (frame, "sender.userId");
}

static bool
s_is_said (json_object *frame, const char *who, const char *text)
{
    return strcmp (s_speaker (frame), who) == 0 && strcmp (s_words (frame), text) == 0;
}

//  Its own words, before it was told that they are stored: its edge has put it to another
//  postoffice meanwhile, and there it is told what it may not have.
static bool
s_is_unsettled_echo (person_t *self, json_object *frame)
{
    const char *message_id = ws_json_text (frame, "messageId");
    if (!self->is_rich || !*message_id || strcmp (s_speaker (frame), self->name) != 0)
        return false;
    for (size_t at = 0; at < self->inbox_size && self->inbox[at].frame != frame; at++) {
        json_object *earlier = self->inbox[at].frame;
        if (s_is_event (earlier, "ack")
            && strcmp (ws_json_text (earlier, "data.messageId"), message_id) == 0)
            return false;
    }
    return true;
}

json_object *
hears (person_t *self, const char *who, const char *text)
{
    uint64_t deadline = s_deadline ();
    json_object *frame = s_take (self, "new message", NULL, NULL, deadline);
    while (frame && !s_is_said (frame, who, text) && s_is_unsettled_echo (self, frame))
        frame = s_take (self, "new message", NULL, NULL, deadline);
    if (!frame || !s_is_said (frame, who, text))
        s_show (self);
    cr_assert (frame, "%s does not hear %s say '%s'", self->name, who, text);
    cr_assert (s_is_said (frame, who, text), "%s is to hear %s say '%s', and hears %s say '%s'",
               self->name, who, text, s_speaker (frame), s_words (frame));
    return frame;
}

json_object *
hears_at_last (person_t *self, const char *who, const char *text)
{
    uint64_t deadline = s_deadline ();
    json_object *frame;
    do {
        frame = s_take (self, "new message", NULL, NULL, deadline);
        if (!frame)
            s_show (self);
        cr_assert (frame, "%s does not hear %s say '%s'", self->name, who, text);
    } while (!s_is_said (frame, who, text));
    return frame;
}

static void
s_never (person_t *self, const char *event, uint64_t milliseconds)
{
    json_object *frame = s_take (self, event, NULL, NULL, clock_mono_ms () + milliseconds);
    if (frame)
        s_show (self);
    cr_assert (!frame, "%s gets a '%s' that must not come: %s", self->name, event,
               json_object_to_json_string (frame));
}

void
hears_nothing (person_t *self, uint64_t milliseconds)
{
    s_never (self, "new message", milliseconds);
}

void
sees_no (person_t *self, const char *event, uint64_t milliseconds)
{
    s_never (self, event, milliseconds);
}

void
sees_none_behind (person_t *self, const json_object *frame, const char *event,
                  uint64_t milliseconds)
{
    uint64_t deadline = clock_mono_ms () + milliseconds;
    while (s_listen (self, deadline))
        continue;
    bool is_behind = false;
    for (size_t at = 0; at < self->inbox_size; at++) {
        json_object *other = self->inbox[at].frame;
        cr_assert (!is_behind || strcmp (ws_json_text (other, "event"), event) != 0,
                   "%s gets a '%s' that must not come: %s", self->name, event,
                   json_object_to_json_string (other));
        is_behind = is_behind || other == frame;
    }
    cr_assert (is_behind);
}

json_object *
sees (person_t *self, const char *event, const char *who)
{
    const char *path = !who ? NULL : strcmp (who, "bot") == 0 ? "sender.deviceId" : "sender.userId";
    const char *value = who && strcmp (who, "bot") == 0 ? "Bot" : who;
    json_object *frame = s_take (self, event, path, value, s_deadline ());
    if (!frame)
        s_show (self);
    cr_assert (frame, "%s sees no '%s'%s%s", self->name, event, who ? " from " : "",
               who ? who : "");
    return frame;
}

int64_t
is_told_stored (person_t *self, const char *message_id, bool duplicate)
{
    json_object *ack = s_take (self, "ack", "data.messageId", message_id, s_deadline ());
    if (!ack)
        s_show (self);
    cr_assert (ack, "%s is not told that %s is stored", self->name, message_id);
    cr_assert (ws_json_true (ack, "data.duplicate") == duplicate, "%s: %s is%s a duplicate",
               self->name, message_id, duplicate ? " not" : "");
    return ws_json_number (ack, "data.seq");
}
