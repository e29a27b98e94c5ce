//  turn — one item of work: a question that is put to a bot until it answers, the tries are used
//  up, or nobody wants the answer any more; then its outcome, until a postoffice has settled it.
//
//  A state machine, as turn_states.def has it. A turn keeps the question while it may be put again
//  and the outcome while it may be told again, never both. It is freed by the loop, after `over`.

#ifndef TURN_H
#define TURN_H

#include "bot_answer.h"
#include "bus/bus_client.h"
#include "words/apps.h"

#define AUTH_WORD_MAX 100 //  bytes of the key's header name, and of the word before the key
#define BOT_TRIES_MOST 3 //  the widget has words for three failures

typedef struct turn turn_t;

typedef enum {
#define STATE(NAME, words) TURN_##NAME,
#include "turn_states.def"
#undef STATE
    TURN_STATES
} turn_state_t;

typedef enum {
#define EVENT(NAME, asking, pausing, told, words) TURN_EVENT_##NAME,
#include "turn_states.def"
#undef EVENT
    TURN_EVENTS
} turn_event_t;

//  What all turns share; lives longer than every turn.
typedef struct {
    uv_loop_t *loop;
    bus_client_t *bus;
    http_client_t *http;
    const apps_t *apps;
    uint64_t tries;                          //  1 to BOT_TRIES_MOST
    uint64_t delays_ms[BOT_TRIES_MOST - 1];  //  after the first try, after the second
    uint64_t timeout_ms;
    uint64_t answer_limit;
    const char *auth_header;
    const char *auth_scheme;                 //  may be empty
    void (*moved) (void *owner, turn_t *turn, turn_state_t from, turn_state_t to);
    void (*tried) (void *owner, turn_t *turn, const bot_answer_t *answer, uint64_t took_us);
    void (*over) (void *owner, turn_t *turn); //  the turn is to be forgotten now
    void *owner;
} turn_means_t;

//  Takes the item: says so, and puts the question to the bot. The turn may be TOLD at once.
turn_t *turn_new (const turn_means_t *means, unsigned office, const bus_work_t *work);
//  Ends without a word, as when the process ends; `over` is not called.
void turn_destroy (turn_t **self_p);

//  One step of the table; the turn may be over behind it.
void turn_happens (turn_t *self, turn_event_t event);
//  As HANDED, by this postoffice: from now on it is the one that is told.
void turn_handed (turn_t *self, unsigned office);
//  A postoffice came or went: if that concerns this turn, MOVED.
void turn_office_up (turn_t *self, unsigned office);
void turn_office_down (turn_t *self, unsigned office);

text_t turn_item (const turn_t *self);
text_t turn_session (const turn_t *self);
turn_state_t turn_state (const turn_t *self);
//  Tries that have failed so far.
unsigned turn_failed (const turn_t *self);

#endif
