//  postoffice_counters — what the postoffice counts. The rows are in postoffice_counters.def; the
//  answers by verdict come from the table of verdicts.

#ifndef POSTOFFICE_COUNTERS_H
#define POSTOFFICE_COUNTERS_H

#include "service/counters.h"
#include "words/words.h"

typedef enum {
#define COUNT(NAME, metric, labels, type, help) POSTOFFICE_##NAME,
#include "postoffice_counters.def"
#undef COUNT
    POSTOFFICE_COUNTERS
} postoffice_counter_t;

extern int64_t postoffice_counts[POSTOFFICE_COUNTERS];
extern int64_t postoffice_verdicts[VERDICT_COUNT];

static inline void
counter_add (postoffice_counter_t counter, int64_t by)
{
    postoffice_counts[counter] += by;
}

//  From an operation's arrival to its answer.
extern histogram_t postoffice_operation_time;

void postoffice_counters_register (void);

#endif
