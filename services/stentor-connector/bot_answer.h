//  bot_answer — the door for what a bot says: the bytes of an HTTP answer become a struct, json-c
//  is not seen past it. docs of the bot's side: a 200 is not yet a success.
//
//  What comes out for the clients has no cards that carry the bot's internal errors, and no speech
//  or displays of a wrong type. It is for every client: what the widget alone cannot bear the edge
//  takes out.

#ifndef BOT_ANSWER_H
#define BOT_ANSWER_H

#include "base/buffer.h"
#include "http/retry_policy.h"
#include "model/model.h"

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
#define BOT_TARGET_MAX 200 //  bytes of a target; a longer one is none
#define BOT_DETAIL_BODY 200
#define BOT_REASON_MAX 400 //  bytes of the words for the log, with the NUL

typedef struct {
    outcome_t outcome;
    bot_failure_t failure;     //  of OUTCOME_FAILED
    char error[BOT_ERROR_MAX]; //  of OUTCOME_FAILED: short words, nothing of the bot's own
    buffer_t data;             //  JSON object for the clients, or empty: nothing to show
    ask_t ask;
    buffer_t target;
    char reason[BOT_REASON_MAX]; //  of OUTCOME_FAILED: for the log, nothing of what was said
    buffer_t detail;           //  for the operator: the reason, the beginning of the body
} bot_answer_t;

//  Reads what came of the call. The struct is the caller's, to be given back with bot_answer_free.
void bot_answer_read (bot_answer_t *self, const http_answer_t *http);
//  An answer that never was: the call could not be made.
void bot_answer_none (bot_answer_t *self, bot_failure_t failure, text_t detail);
//  Safe on a zeroed struct and safe to call twice.
void bot_answer_free (bot_answer_t *self);

#endif
