//  bot_calls — what the connector does with an item: a question is put to the app's bot, and what
//  the bot says becomes the outcome. Each attempt is one HTTP request (worker.h has the rest).
//
//  An answer may come in parts (bot_parts.h), which are shown as they come. One that stops in the
//  middle is not asked for again: what was said until then is the answer, marked as truncated.
//
//  A bot may say 202, and answer at the signed address that each request has in its header
//  Stentor-Answer-Url: an edge takes that answer, a postoffice ends the turn with it, and the item
//  is cancelled here. Until then it is held, which counts for the credit.
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
    uv_loop_t *loop;
    http_client_t *http;
    const apps_t *apps;
    retry_policy_t retry; //  of BOT_TRIES_MOST tries at most, with pauses of whole seconds
    uint64_t timeout_ms;     //  of one try; of an answer in parts up to its first one
    uint64_t part_within_ms; //  from each of its parts to the next one
    uint64_t parts_ms;       //  from its first one to its end
    uint64_t later_ms;       //  from a 202 to the answer
    text_t answer_key;       //  signs where a bot may answer later; empty: it may not
    const char *answer_base; //  what stands before the path of that (auth/answer_url.h)
    uint64_t answer_limit;
    const char *auth_header;
    const char *auth_scheme; //  may be empty
} bot_calls_t;

//  What the skeleton is to know of the calls: start, cancel, the memory and the time of an attempt.
//  Their service is a bot_calls_t. Topics and credit are the caller's to fill in.
worker_kind_t bot_calls_kind (const bot_calls_t *self);

#endif
