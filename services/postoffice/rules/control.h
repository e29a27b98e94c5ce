//  control — who answers the visitor: how an agent takes that over and gives it back, and what the
//  bot is asked. Who may do so was decided by the caller.

#ifndef CONTROL_H
#define CONTROL_H

#include "rules/entries.h"

//  An agent takes control. Who replaced whom is in the log, and no turn goes on.
typedef struct {
    text_t message_id; //  of the entry
    text_t user;
    text_t sender;
    uint64_t client_ms;
} taking_t;
void control_take (switchboard_t *self, operation_t *operation, const taking_t *taking);

//  The agent in control steps back.
void control_give_back (switchboard_t *self, operation_t *operation, text_t message_id,
                        text_t why);
//  The same; and the bot is asked what was said last and nobody answered: it does not know that
//  somebody else was asked.
void control_return (switchboard_t *self, operation_t *operation, text_t message_id, text_t why);

//  Puts a question before the bot. Its texts live as long as the changeset; the turn may end within
//  it.
void control_ask_bot (switchboard_t *self, const question_t *question);
//  What the bot still answers will be refused. `why` is for the operator.
void control_end_turns (switchboard_t *self, text_t why);

#endif
