//  genesys_metrics — what is counted for each app (genesys_metrics.def), with the label `app`. An
//  app's numbers are there from its first call on, as long as the process lives; beyond
//  GENESYS_METRICS_APPS of them the others are counted together, as app "".

#ifndef GENESYS_METRICS_H
#define GENESYS_METRICS_H

#include "base/metrics.h"

#define GENESYS_METRICS_APPS 1000u

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

typedef struct {
    int64_t counts[GENESYS_METRICS];
    histogram_t histograms[GENESYS_HISTOGRAMS];
} genesys_metrics_t;

//  Lives as long as the process; to be added to.
genesys_metrics_t *genesys_metrics_of (text_t app);

#endif
