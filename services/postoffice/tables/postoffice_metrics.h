//  postoffice_metrics — what the postoffice counts. The rows are in postoffice_metrics.def; the
//  answers by verdict come from the table of verdicts.

#ifndef POSTOFFICE_METRICS_H
#define POSTOFFICE_METRICS_H

#include "base/metrics.h"
#include "model/model.h"

typedef enum {
#define COUNT(NAME, metric, labels, type, help) POSTOFFICE_##NAME,
#include "tables/postoffice_metrics.def"
#undef COUNT
    POSTOFFICE_METRICS
} postoffice_metric_t;

extern int64_t postoffice_counts[POSTOFFICE_METRICS];
extern int64_t postoffice_verdicts[VERDICT_COUNT];

static inline void
metric_add (postoffice_metric_t counter, int64_t by)
{
    postoffice_counts[counter] += by;
}

//  From an operation's arrival to its answer.
extern histogram_t postoffice_operation_time;

void postoffice_metrics_register (void);

#endif
