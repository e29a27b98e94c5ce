//  bot_calls — what the connector does with an item: a question is put to the app's bot, and what
//  the bot says becomes the outcome. Each attempt is one HTTP request (worker.h has the rest).
//
//  A failure that may pass is tried again, up to BOT_TRIES; the visitor sees a `failure` notice
//  with a countdown meanwhile. The last failure is the outcome.

#ifndef BOT_CALLS_H
#define BOT_CALLS_H

#include "bot_answer.h"
#include "config/apps.h"
#include "http/http_client.h"
#include "worker/worker.h"

#define AUTH_WORD_MAX 100 //  bytes of the key's header name, and of the word before the key

//  What all calls share. The caller's, who fills it in; it is only read, and lives as long as the
//  worker.
typedef struct {
    http_client_t *http;
    const apps_t *apps;
    retry_policy_t retry; //  of BOT_TRIES_MOST tries at most, with pauses of whole seconds
    uint64_t timeout_ms;
    uint64_t answer_limit;
    const char *auth_header;
    const char *auth_scheme; //  may be empty
} bot_calls_t;

//  What the skeleton is to know of the calls: start, cancel, the memory and the time of an attempt.
//  Their service is a bot_calls_t. Topics and credit are the caller's to fill in.
worker_kind_t bot_calls_kind (const bot_calls_t *self);

#endif
