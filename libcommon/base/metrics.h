//  metrics — the numbers that /metrics shows: rows in tables, values in plain memory.
//
//  A part that counts keeps a table of rows and an array of values of the same length, and
//  registers both once; counting is then an addition to an array slot. Both live as long as the
//  process. Several rows may share a name when their labels differ; they stand together then.
//
//      static const metric_row_t s_rows[] = {
//          [FRAMES_IN]   = { "edge_frames_in_total", NULL, COUNTER, "frames that clients sent" },
//          [CLOSED_SLOW] = { "edge_closed_total", "reason=\"slow_reader\"", COUNTER,
//                            "connections closed" },
//      };

#ifndef METRICS_H
#define METRICS_H

#include "base/buffer.h"

#include <stdint.h>

typedef enum {
    COUNTER, //  only rises
    GAUGE,   //  rises and falls
    SECONDS, //  a gauge whose value is kept in microseconds, and shown in seconds
} metric_type_t;

typedef struct {
    const char *name;   //  Prometheus name without the "stentor_" that every one begins with
    const char *labels; //  as written between the braces, or NULL
    metric_type_t type;
    const char *help;
} metric_row_t;

void metrics_register (const metric_row_t *rows, const int64_t *values, size_t count);

//  A delay's distribution, in fixed buckets from 0.1 ms to 100 s.
#define HISTOGRAM_BUCKETS 19
typedef struct {
    const char *name;
    const char *labels;
    const char *help;
    uint64_t buckets[HISTOGRAM_BUCKETS + 1]; //  the last one is "longer than all of them"
    uint64_t count;
    uint64_t sum_us;
} histogram_t;

//  The histogram's memory stays its owner's and must live as long as the process.
void histogram_register (histogram_t *self);
void histogram_add (histogram_t *self, uint64_t microseconds);

//  Everything registered, in Prometheus' text form. Returns 0, or −1 when the buffer is too small.
__attribute__ ((warn_unused_result)) int metrics_print (buffer_t *to);

#endif
