//  edge_metrics — the edge's metrics: plain slots, one for each row of edge_metrics.def, and one
//  for each close reason, frame fault and verdict.

#ifndef EDGE_METRICS_H
#define EDGE_METRICS_H

#include "auth/token.h"
#include "base/metrics.h"
#include "model/model.h"
#include "tables/limit_rows.h"
#include "tables/reasons.h"

typedef enum {
#define EDGE_METRIC(NAME, name, labels, type, help) EDGE_##NAME,
#include "tables/edge_metrics.def"
#undef EDGE_METRIC
    EDGE_METRIC_COUNT
} edge_metric_t;

//  What became of a handshake of TLS.
typedef enum {
#define TLS_RESULT(NAME, metric, words) TLS_RESULT_##NAME,
#include "tables/tls_results.def"
#undef TLS_RESULT
    TLS_RESULTS
} tls_result_t;

extern int64_t edge_metrics[EDGE_METRIC_COUNT];
extern int64_t edge_closed[CLOSE_REASON_COUNT];
extern int64_t edge_refused[FAULT_COUNT];
extern int64_t edge_tokens[TOKEN_FAULTS]; //  what was found of tokens
extern int64_t edge_limited[LIMIT_ROWS]; //  what went too fast
extern int64_t edge_requests_refused[HTTP_FAULT_COUNT]; //  why HTTP requests were refused
extern int64_t edge_tls_handshakes[TLS_RESULTS];
extern int64_t edge_answered[VERDICT_COUNT + 1]; //  what became of posts
extern int64_t edge_attached[VERDICT_COUNT + 1]; //  what became of ATTACH records
extern histogram_t edge_post_time; //  from a client's frame to the postoffice's answer

//  Once, at the start of the process.
void edge_metrics_start (void);

static inline void
edge_count (edge_metric_t counter, int64_t change)
{
    edge_metrics[counter] += change;
}

//  A verdict of a later version counts in the slot behind those we know.
void edge_count_verdict (int64_t *slots, uint64_t verdict);

#endif
