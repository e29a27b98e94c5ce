//  bus_metrics — what the bus counts (bus_metrics.def) and why streams end (bus_disconnects.def).
//
//  One set for the process: an edge has one bus_client, a postoffice one bus_server.

#ifndef BUS_METRICS_H
#define BUS_METRICS_H

#include "base/metrics.h"

typedef enum {
#define STREAM_END(NAME, word, what) STREAM_END_##NAME,
#include "bus/bus_disconnects.def"
#undef STREAM_END
    STREAM_END_COUNT
} stream_end_t;

//  "gap".
const char *stream_end_word (stream_end_t end);

typedef enum {
#define COUNT(NAME, metric, labels, type, help) BUS_COUNT_##NAME,
#include "bus/bus_metrics.def"
#undef COUNT
    BUS_COUNT_ENDS, //  the first of STREAM_END_COUNT slots
    BUS_COUNT_COUNT = BUS_COUNT_ENDS + STREAM_END_COUNT
} bus_count_t;

extern int64_t bus_counts[BUS_COUNT_COUNT];

//  Makes them visible on /metrics; only the first call has an effect.
void bus_metrics_start (void);

#endif
