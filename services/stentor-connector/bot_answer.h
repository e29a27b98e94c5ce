//  bot_answer — what came of a call to a bot: an answer (model/bot_speech.h), or a failure of some
//  class. What bots are told of it: docs/bots.md.

#ifndef BOT_ANSWER_H
#define BOT_ANSWER_H

#include "base/buffer.h"
#include "http/retry_policy.h"
#include "model/bot_speech.h"

typedef enum {
#define FAILURE(NAME, label, class, words) BOT_##NAME,
#include "bot_failures.def"
#undef FAILURE
    BOT_FAILURES
} bot_failure_t;

typedef struct {
    const char *label;   //  for metrics and logs
    retry_class_t class; //  by which a retry policy decides whether the question is put again
    const char *words;   //  for the widget
} bot_failure_row_t;

extern const bot_failure_row_t bot_failures[BOT_FAILURES];

#define BOT_ERROR_MAX 40   //  bytes of the words for the widget, with the NUL
#define BOT_DETAIL_BODY 200
#define BOT_REASON_MAX 400 //  bytes of the words for the log, with the NUL

typedef struct {
    outcome_t outcome;
    bot_failure_t failure;     //  of OUTCOME_FAILED
    char error[BOT_ERROR_MAX]; //  of OUTCOME_FAILED: short words, nothing of the bot's own
    bot_speech_t said;         //  of the others; of OUTCOME_FAILED it is empty
    char reason[BOT_REASON_MAX]; //  of OUTCOME_FAILED: for the log, nothing of what was said
    buffer_t detail;           //  for the operator: the reason, the beginning of the body
} bot_answer_t;

//  Reads what came of the call. The struct is the caller's, to be given back with bot_answer_free.
void bot_answer_read (bot_answer_t *self, const http_answer_t *http);
//  Why the call failed, by its outside alone; BOT_FAILURES: it did not.
bot_failure_t bot_answer_failure (const http_answer_t *http);
//  A call whose answer was read elsewhere, and is no answer.
void bot_answer_failed (bot_answer_t *self, bot_failure_t failure, const http_answer_t *http);
//  An answer that never was: the call could not be made.
void bot_answer_none (bot_answer_t *self, bot_failure_t failure, text_t detail);
//  Safe on a zeroed struct and safe to call twice.
void bot_answer_free (bot_answer_t *self);

#endif
