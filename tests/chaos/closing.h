//  closing — what a session's log may say of its being closed: once when all have left it, so long
//  after whatever happened last, and never while somebody is there. What happens in a closed
//  session opens it again first.
//
//  Pure: fed with the entries of one session in order.

#ifndef CLOSING_H
#define CLOSING_H

#include "model/model.h"

//  CLOSING_FAULT (NAME, "what is wrong with the entry")
#define CLOSING_FAULTS(CLOSING_FAULT)                                                              \
    CLOSING_FAULT (TWICE, "closed, and is closed already")                                         \
    CLOSING_FAULT (IN_COMPANY, "closed, and somebody is there")                                    \
    CLOSING_FAULT (EARLY, "closed too soon behind what happened last")                             \
    CLOSING_FAULT (OPEN, "reopened, and is open")                                                  \
    CLOSING_FAULT (GOES_ON, "goes on, and is closed")

typedef enum {
    CLOSING_GOOD,
#define CLOSING_VALUE(name, words) CLOSING_##name,
    CLOSING_FAULTS (CLOSING_VALUE)
#undef CLOSING_VALUE
} closing_fault_t;

//  A zeroed struct is a session without entries.
typedef struct {
    bool is_closed;
    bool is_present[2];      //  the visitor, the agent
    uint64_t last_us;        //  of the last transaction, by the database's clock
    uint64_t before_us;      //  and of the one before
    unsigned closed, reopened; //  so often
} closing_t;

//  The next entry; stored_us is the time of its transaction.
closing_fault_t closing_pass (closing_t *self, event_t event, unsigned role, uint64_t stored_us,
                              uint64_t close_after_us);
const char *closing_words (closing_fault_t fault);

#endif
