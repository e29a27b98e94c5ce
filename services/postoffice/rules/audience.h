//  audience — who is shown which entry of the log, how, and as what: one function of entry and
//  participant. A table; nothing else in the postoffice decides it.

#ifndef AUDIENCE_H
#define AUDIENCE_H

#include "store/store_model.h"

//  For whom an entry is to be shown.
typedef struct {
    uint64_t role;
    text_t channel;     //  the participant's, when it is reached by it; empty: over an endpoint
    uint64_t dialect;   //  dialect_t, of the endpoint
    text_t user;
    uint64_t may;       //  permissions, as bits: without SESSION_READ nothing is shown
    bool replay;        //  it is caught up from the log, not told as it happens
} listener_t;

//  What becomes of the entry for the listener.
typedef enum {
    AUDIENCE_NOTHING,
    AUDIENCE_DELIVER, //  its client is told, now or when it catches up
    AUDIENCE_ITEM,    //  a delivery is made for its channel
} audience_way_t;

typedef struct {
    audience_way_t way;
    event_t event; //  that it is shown; 0 with AUDIENCE_NOTHING
} audience_t;

//  Does not know of connections: that a message does not go back to the one it came from is the
//  caller's to see to. A channel gets nothing of what its participant caused itself.
audience_t audience_of (const stored_entry_t *entry, const listener_t *listener);

//  Who reads a log through the API reads what happened, and not what a client is to show: which
//  events a principal of this kind may read, as bits by their numbers, and whether it may read
//  hidden entries, too. Agents and servers read all of it; a visitor, what visitors are shown.
uint64_t audience_events (role_t kind);
bool audience_sees_hidden (role_t kind);

#endif
