//  bot_call — one work item: a question that is put to a bot until the bot answers, the tries are
//  used up, or the item is cancelled; then its outcome, until a postoffice has settled it.
//
//  States and events are a table (bot_call_states.def). The scenarios behind the table:
//
//  - The bot fails, or answers with something that is no answer. The item PAUSES and asks again, up
//    to BOT_TRIES; the visitor sees a `failure` notice with a countdown meanwhile.
//  - The session's postoffice dies while the bot has the question, or after the outcome is known.
//    The item MOVED: the new postoffice is sent ACCEPTED, so that it does not give the item to
//    another worker, or DONE.
//  - A postoffice that missed ACCEPTED or DONE sends the item once more (REPEATED): both are sent
//    again. DONE is repeated until SETTLED in any case.
//  - An agent takes control while the bot has the question: CANCELLED. The bot's answer is dropped.
//  - A postoffice that the item is not from, and has not moved to, says SETTLED or CANCEL: it is
//    ignored, or the answer would be lost to those who wait for it.
//
//  A call keeps the question while the question may be asked again, and the outcome while the
//  outcome may be sent again, never both. The call is gone when it has moved
//  to OVER.

#ifndef BOT_CALL_H
#define BOT_CALL_H

#include "bot_answer.h"
#include "bus/bus_client.h"
#include "config/apps.h"
#include "http/http_client.h"
#include "model/failure_data.h"

#define AUTH_WORD_MAX 100 //  bytes of the key's header name, and of the word before the key

typedef struct bot_call bot_call_t;

typedef enum {
#define STATE(NAME, words) BOT_CALL_##NAME,
#include "bot_call_states.def"
#undef STATE
    BOT_CALL_STATES
} bot_call_state_t;

typedef enum {
#define EVENT(NAME, asking, pausing, reporting, words) BOT_CALL_EVENT_##NAME,
#include "bot_call_states.def"
#undef EVENT
    BOT_CALL_EVENTS
} bot_call_event_t;

//  What all calls share; lives longer than every call.
typedef struct {
    uv_loop_t *loop;
    bus_client_t *bus;
    http_client_t *http;
    const apps_t *apps;
    retry_policy_t retry; //  of BOT_TRIES_MOST tries at most, with pauses of whole seconds
    uint64_t timeout_ms;
    uint64_t answer_limit;
    const char *auth_header;
    const char *auth_scheme; //  may be empty
    //  To OVER: the call is to be forgotten now.
    void (*moved) (void *owner, bot_call_t *call, bot_call_state_t from, bot_call_state_t to);
    void (*tried) (void *owner, bot_call_t *call, const bot_answer_t *answer, bool is_last,
                   uint64_t took_us);
    void *owner;
} bot_call_context_t;

//  Accepts the item, and puts the question to the bot. The call may be REPORTING at once.
bot_call_t *bot_call_new (const bot_call_context_t *context, unsigned postoffice,
                          const bus_work_t *work);
//  Ends without a word, as when the process ends; `moved` is not called.
void bot_call_destroy (bot_call_t **self_p);

//  One step of the table; the call may be over behind it.
void bot_call_happens (bot_call_t *self, bot_call_event_t event);
//  This postoffice says REPEATED: the outcome is sent there from now on. Or SETTLED or CANCELLED:
//  ignored unless it handed the item over, or owns the session since.
void bot_call_hears (bot_call_t *self, unsigned postoffice, bot_call_event_t event);
//  A postoffice came or went: if that concerns this call, MOVED.
void bot_call_postoffice_changed (bot_call_t *self, unsigned postoffice, bool is_up);

//  What a call says of itself, to be read.
typedef struct {
    text_t item;
    text_t session;
    unsigned failed; //  tries that have failed so far
} bot_call_view_t;

const bot_call_view_t *bot_call_view (const bot_call_t *self);

#endif
