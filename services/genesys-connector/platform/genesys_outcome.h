//  genesys_outcome — what an answer of the platform comes to (genesys_calls.h), as a pure function.

#ifndef GENESYS_OUTCOME_H
#define GENESYS_OUTCOME_H

#include "http/http_outcome.h"

typedef enum {
    GENESYS_OK,        //  2xx
    GENESYS_PASSING,   //  no answer, 408, 5xx: again, by the item's own schedule
    GENESYS_REFUSED,   //  this request, for good: every other 4xx, an answer that cannot be taken
    GENESYS_FORBIDDEN, //  403, a wrong login, 401 twice, no such section: for a person to mend
    //  429, no budget, the login cannot be reached, more than a MiB of a look: again after
    //  retry_after_ms.
    GENESYS_LATER,
    GENESYS_CLASSES
} genesys_class_t;

typedef struct {
    genesys_class_t class;
    unsigned status; //  0: there was no answer
    bool is_unsure;  //  it may have been carried out
    bool is_barred;  //  it was not made, as the login failed or its gate is shut
    text_t body;     //  of the answer
    text_t correlation; //  what the platform calls the call, for its support
    //  Of LATER, and of whatever the platform says it with; of FORBIDDEN: until it is tried again
    //  (0: it is known of this call alone).
    uint64_t retry_after_ms;
    const char *words; //  for the operator: why, with the platform's own words
} genesys_outcome_t;

//  In labels of metrics and in logs: "ok".
const char *genesys_class_label (genesys_class_t class);

//  The texts of the outcome are those of the answer and of `room`. Not of a call that had no token.
#define GENESYS_WORDS_ROOM 320
genesys_outcome_t genesys_outcome_of (const http_answer_t *answer, char room[GENESYS_WORDS_ROOM]);

#endif
