//  handover — what happens to control: the table of control_states.def. Whoever takes, passes on,
//  gives back, accepts, declines or is late: all of it comes here, and each change is an entry of
//  the log with who, when and why.
//
//  Who may ask, and for which version, was decided by the caller.

#ifndef HANDOVER_H
#define HANDOVER_H

#include "model/offer.h"
#include "rules/entries.h"

typedef enum {
#define CONTROL_STATE(NAME, name, words) CONTROL_##NAME,
#include "rules/control_states.def"
    CONTROL_STATES
} control_state_t;

typedef enum {
#define CONTROL_EVENT(NAME, name, words) HAPPENS_##NAME,
#include "rules/control_states.def"
    CONTROL_EVENTS
} control_event_t;

const char *control_state_name (control_state_t state);
const char *control_event_name (control_event_t event);

control_state_t control_state (const fold_t *fold);

//  What happens. Texts that an event does not have are empty.
typedef struct {
    control_event_t event;
    text_t message_id; //  of the entry that it makes, if somebody named one
    uint64_t role;     //  who acts: of TAKE, OFFER, ACCEPT, DECLINE, RELEASE and ASK
    text_t user;
    text_t sender;     //  TAKE, ACCEPT: JSON object
    text_t why;        //  RELEASE of a platform: "nobody", "unreachable", or empty when its talk is
                       //  over; OFFER, ASK: for people
    text_t agent;      //  FOUND: who it is
    const text_t *targets; //  OFFER, ASK
    size_t target_count;   //  1 to OFFER_TARGETS_MOST
    uint64_t round;        //  OFFER: how often the visitor's chain has come to its end before
    uint64_t client_ms;
    bool is_quiet;     //  ACCEPT of a platform: as in taking_t (control.h)
    text_t watch;      //  likewise
} happening_t;

//  OK: it has happened, or there was nothing to do; DUPLICATE: it is stale; else a refusal, and
//  nothing has changed. Writes no verdict into the operation.
verdict_t control_happens (switchboard_t *self, operation_t *operation, const happening_t *what);

//  Is the offer that stands made to this one?
bool handover_is_asked (const fold_t *fold, uint64_t role, text_t user);

//  Is the item that of the offer that stands, to a platform?
bool handover_is_of_offer (const fold_t *fold, text_t item);

//  The bot asks for a person, or gives no answer, or a visitor who is left (offering.h) speaks: the
//  app's targets are asked. Nothing happens when it has none. `why` is for people.
void control_ask_person (switchboard_t *self, operation_t *operation, text_t why);

//  The visitor has said that, in whatever way it came, and it is stored: the bot is asked, or in an
//  app without one its targets, unless somebody is asked already. The operation stays that of what
//  was said.
void control_hear (switchboard_t *self, operation_t *operation, const question_t *question);
//  The visitor asks for a person: likewise, and the bot is left out.
void control_hear_call (switchboard_t *self, operation_t *operation);

//  What the table says of the pair, for tests and documents: the states that it may end in, as
//  bits; 0: refused or stale.
unsigned control_ends (control_state_t state, control_event_t event);
verdict_t control_refusal (control_state_t state, control_event_t event);

#endif
