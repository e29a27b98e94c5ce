//  conversation — one session and the clients that are in it: a visitor with an agent, or with
//  the bot; the visitor has the rich dialect or is a widget.

#ifndef CONVERSATION_H
#define CONVERSATION_H

#include "rich.h"
#include "widget.h"

typedef enum {
    TALK_PAIR,         //  rich visitor, agent
    TALK_ASKER,        //  rich visitor, bot
    TALK_WIDGET_BOT,   //  widget, bot
    TALK_WIDGET_AGENT, //  widget, agent
    TALK_LEAVER,       //  rich visitor, bot; the visitor leaves, for a while or for good
} conversation_kind_t;

typedef struct talk conversation_t;

//  Of the pairs, one in so many has an agent who reads slowly.
#define TALK_SLOW_ONE_IN 6

conversation_t *conversation_new (crowd_context_t *scene, conversation_kind_t kind,
                                  unsigned number);
void conversation_destroy (conversation_t **self_p);
void conversation_tick (conversation_t *self);
//  Who waits for what, as "visitor7-1c26: 4 of 5 are stored"; empty when nothing more is to come.
void conversation_describe (const conversation_t *self, char *text, size_t room);
//  Complains of whatever is not quiet.
void conversation_complain (conversation_t *self);

conversation_kind_t conversation_kind (const conversation_t *self);
//  A leaver who has left, and one who never came.
bool conversation_is_left (const conversation_t *self);
bool conversation_is_empty (const conversation_t *self);
const char *conversation_session (const conversation_t *self);
//  NULL when it is a widget.
rich_t *conversation_visitor (conversation_t *self);
//  NULL when it is none.
widget_t *conversation_widget (conversation_t *self);
//  NULL when there is none.
rich_t *conversation_agent (conversation_t *self);
//  Of whoever the visitor is.
client_t *conversation_visitor_client (conversation_t *self);

#endif
