//  genesys_metrics — what is counted for each app (genesys_metrics.def), as app_metrics.h has it.

#ifndef GENESYS_METRICS_H
#define GENESYS_METRICS_H

#include "process/app_metrics.h"

typedef enum {
#define METRIC(NAME, name, labels, type, help) GENESYS_##NAME,
#include "platform/genesys_metrics.def"
#undef METRIC
    GENESYS_METRICS
} genesys_metric_t;

typedef enum {
#define HISTOGRAM(NAME, name, help) GENESYS_##NAME,
#include "platform/genesys_metrics.def"
#undef HISTOGRAM
    GENESYS_HISTOGRAMS
} genesys_histogram_t;

//  Slots are named by the two above.
typedef app_counts_t genesys_metrics_t;

//  Lives as long as the process; to be added to.
genesys_metrics_t *genesys_metrics_of (text_t app);

#endif
