//  bot_call — one item of work: a question that is put to a bot until it answers, the tries are
//  used up, or nobody wants the answer any more; then its outcome, until a postoffice has settled
//  it.
//
//  A state machine, as turn_states.def has it. A call keeps the question while it may be put
//  again and the outcome while it may be told again, never both. It is freed by the loop, after
//  `over`.

#ifndef BOT_CALL_H
#define BOT_CALL_H

#include "bot_answer.h"
#include "bus/bus_client.h"
#include "config/apps.h"

#define AUTH_WORD_MAX 100 //  bytes of the key's header name, and of the word before the key
#define BOT_TRIES_MOST 3  //  the widget has words for three failures

typedef struct call bot_call_t;

typedef enum {
#define STATE(NAME, words) BOT_CALL_##NAME,
#include "bot_call_states.def"
#undef STATE
    BOT_CALL_STATES
} bot_call_state_t;

typedef enum {
#define EVENT(NAME, asking, pausing, told, words) BOT_CALL_EVENT_##NAME,
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
    uint64_t tries;                         //  1 to BOT_TRIES_MOST
    uint64_t delays_ms[BOT_TRIES_MOST - 1]; //  after the first try, after the second
    uint64_t timeout_ms;
    uint64_t answer_limit;
    const char *auth_header;
    const char *auth_scheme; //  may be empty
    void (*moved) (void *owner, bot_call_t *call, bot_call_state_t from, bot_call_state_t to);
    void (*tried) (void *owner, bot_call_t *call, const bot_answer_t *answer, uint64_t took_us);
    void (*over) (void *owner, bot_call_t *call); //  the call is to be forgotten now
    void *owner;
} bot_call_context_t;

//  Takes the item: says so, and puts the question to the bot. The call may be TOLD at once.
bot_call_t *bot_call_new (const bot_call_context_t *context, unsigned office,
                          const bus_work_t *work);
//  Ends without a word, as when the process ends; `over` is not called.
void bot_call_destroy (bot_call_t **self_p);

//  One step of the table; the call may be over behind it.
void bot_call_happens (bot_call_t *self, bot_call_event_t event);
//  As REPEATED, by this postoffice: from now on it is the one that is told.
void bot_call_repeated (bot_call_t *self, unsigned office);
//  A postoffice came or went: if that concerns this call, MOVED.
void bot_call_office_up (bot_call_t *self, unsigned office);
void bot_call_office_down (bot_call_t *self, unsigned office);

text_t bot_call_item (const bot_call_t *self);
text_t bot_call_session (const bot_call_t *self);
bot_call_state_t bot_call_state (const bot_call_t *self);
//  Tries that have failed so far.
unsigned bot_call_failed (const bot_call_t *self);

#endif
