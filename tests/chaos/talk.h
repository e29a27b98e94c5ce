//  talk — one session and the clients that are in it: a visitor with an agent, or with the bot; the
//  visitor has the rich dialect or is a widget.

#ifndef TALK_H
#define TALK_H

#include "rich.h"
#include "widget.h"

typedef enum {
    TALK_PAIR,         //  rich visitor, agent
    TALK_ASKER,        //  rich visitor, bot
    TALK_WIDGET_BOT,   //  widget, bot
    TALK_WIDGET_AGENT, //  widget, agent
} talk_kind_t;

typedef struct talk talk_t;

//  Of the pairs, one in so many has an agent who reads slowly.
#define TALK_SLOW_ONE_IN 6

talk_t *talk_new (scene_t *scene, talk_kind_t kind, unsigned number);
void talk_destroy (talk_t **self_p);
void talk_tick (talk_t *self);
//  Nothing more is to come.
bool talk_is_quiet (const talk_t *self);
//  Complains of whatever is not quiet.
void talk_complain (talk_t *self);

talk_kind_t talk_kind (const talk_t *self);
const char *talk_session (const talk_t *self);
//  NULL when it is a widget.
rich_t *talk_visitor (talk_t *self);
//  NULL when it is none.
widget_t *talk_widget (talk_t *self);
//  NULL when there is none.
rich_t *talk_agent (talk_t *self);
//  Of whoever the visitor is.
client_t *talk_visitor_client (talk_t *self);

#endif
