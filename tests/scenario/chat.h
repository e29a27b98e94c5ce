//  chat — the words that scenario stories are told in: people who open a chat, say things, hear
//  things, and lose their connection.
//
//      person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
//      says (ann, "opening hours?");
//      hears (ann, "bot", "You said: opening hours?");
//
//  Hearing is strict: what is asked for must be the next message that the person gets, so a message
//  that is lost, doubled or out of order fails the story wherever it happens. Each message must
//  also have a timeMs above those before it. What is not a message (typing, notices) is skipped by
//  `hears` and looked for with `sees`.
//
//  Everything fails the running test when it does not come true in 10 s.

#ifndef CHAT_H
#define CHAT_H

#include "stack.h"
#include "ws_client.h"

typedef struct person person_t;

//  All services, a grace period of 2 s, quick retries. The bot greets with "Welcome!" and answers
//  everything else with "You said: …".
router_stack_t *everything_starts (unsigned edges, unsigned postoffices, unsigned connectors);
//  The bot does this with requests that have the text in them, and is as before otherwise.
void the_bot_answers (router_stack_t *stack, const char *text, const bot_reply_t *reply);

//  Open the chat: connect to the edge with this number, `user joined`, `connection update`.
person_t *visitor_opens (router_stack_t *stack, unsigned edge, const char *name,
                         const char *session);
person_t *rich_visitor_opens (router_stack_t *stack, unsigned edge, const char *name,
                              const char *session);
//  A rich one, at the first edge, of this app; the app's name is borrowed.
person_t *visitor_opens_app (router_stack_t *stack, const char *app, const char *name,
                             const char *session);
//  The same person in another tab: a connection of its own.
person_t *opens_another_tab (const person_t *self, unsigned edge);
//  An agent's page: its history comes first.
person_t *agent_opens (router_stack_t *stack, unsigned edge, const char *name, const char *session);
person_t *rich_agent_opens (router_stack_t *stack, unsigned edge, const char *name,
                            const char *session);
//  Gone for good.
void leaves (person_t **self_p);

//  The connection ends without a word.
void is_cut_off (person_t *self);
//  A new one. A widget says nothing on it; a rich client resumes with the last seq it has.
void comes_back (person_t *self, unsigned edge);
//  As a page that was reloaded: a new connection and `user joined`.
void reloads (person_t *self, unsigned edge);

//  A rich client's messages have the ids "<name>-1", "<name>-2" …
void says (person_t *self, const char *text);
//  A rich client's message with an id of its own choice.
void says_as (person_t *self, const char *message_id, const char *text);
//  The widget's greeting: a message without words.
void greets (person_t *self);
//  Sends an event without data: "typing", "barge in".
void does (person_t *self, const char *event);
void barges_in (person_t *self, const char *display_name);
void barges_out (person_t *self);

//  The next message is this one. `who` is a user id ("bot", "ann"). The frame is borrowed until the
//  person listens again. (A rich client's own words do not count while it has no ack for them.)
json_object *hears (person_t *self, const char *who, const char *text);
//  Skips messages until this one comes.
json_object *hears_at_last (person_t *self, const char *who, const char *text);
//  No message comes in that time.
void hears_nothing (person_t *self, uint64_t milliseconds);
//  Some frame with this event comes, or came and was not looked for yet, from this user; NULL: from
//  anybody. Messages are not skipped.
json_object *sees (person_t *self, const char *event, const char *who);
//  None comes behind this frame, up to now and in that time.
void sees_none_behind (person_t *self, const json_object *frame, const char *event,
                       uint64_t milliseconds);
//  None comes in that time.
void sees_no (person_t *self, const char *event, uint64_t milliseconds);
//  The message with this id is acknowledged, as a duplicate or not. Returns its seq.
int64_t is_told_stored (person_t *self, const char *message_id, bool duplicate);

//  A widget whose session's history changed: it may be told again what it has, without a reconnect.
void may_be_told_again (person_t *self);
//  How many messages came again after a reconnect, which a widget throws away by their time.
unsigned told_again (const person_t *self);

//  The client underneath, for what no good client does.
ws_client_t *client_of (person_t *self);

#endif
