//  bot_answers — a bot that has said 202 answers: the turn ends with it, if it is open still. What
//  it says was read by the edge (model/bot_speech.h).

#ifndef BOT_ANSWERS_H
#define BOT_ANSWERS_H

#include "api/api_call.h"

api_operation_fn bot_answer;
//  The answer is committed, or was before; or it is refused, and why.
void bot_answered (calls_t *calls, const operation_t *operation);

#endif
