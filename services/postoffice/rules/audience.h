//  audience — who is shown which entry of the log, and as what. A table; nothing else in the
//  postoffice decides it.

#ifndef AUDIENCE_H
#define AUDIENCE_H

#include "store/store_model.h"

//  For whom an entry is to be shown.
typedef struct {
    uint64_t role;      //  ROLE_VISITOR or ROLE_AGENT
    uint64_t dialect;   //  dialect_t
    text_t user;
    uint64_t may;       //  permissions, as bits: without SESSION_READ nothing is shown
    bool replay;        //  it is caught up from the log, not told as it happens
} listener_t;

//  The event that the listener's client is to be told (event_t); 0 when it is not shown the entry.
//  Does not know of connections: that a message does not go back to the one it came from is the
//  caller's to see to.
uint64_t audience_event (const stored_entry_t *entry, const listener_t *listener);

#endif
