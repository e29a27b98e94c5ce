//  edge_counters — the edge's numbers: plain slots, one for each row of edge_counters.def, and one
//  for each close reason, frame fault and verdict.

#ifndef EDGE_COUNTERS_H
#define EDGE_COUNTERS_H

#include "client_frame.h"
#include "close_reason.h"
#include "net/http_fault.h"
#include "service/counters.h"

typedef enum {
#define EDGE_COUNTER(NAME, name, labels, type, help) EDGE_##NAME,
#include "edge_counters.def"
#undef EDGE_COUNTER
    EDGE_COUNTER_COUNT
} edge_counter_t;

extern int64_t edge_counters[EDGE_COUNTER_COUNT];
extern int64_t edge_closed[CLOSE_REASON_COUNT];
extern int64_t edge_refused[FAULT_COUNT];
extern int64_t edge_requests_refused[HTTP_FAULT_COUNT]; //  of HTTP
extern int64_t edge_answered[VERDICT_COUNT + 1]; //  what became of posts
extern int64_t edge_synced[VERDICT_COUNT + 1];   //  what became of SYNCs
extern histogram_t edge_post_time;           //  from a client's frame to the office's answer

//  Once, at the start of the process.
void edge_counters_start (void);

static inline void
edge_count (edge_counter_t counter, int64_t change)
{
    edge_counters[counter] += change;
}

//  A verdict of a later version counts in the slot behind those we know.
void edge_count_verdict (int64_t *slots, uint64_t verdict);

#endif
