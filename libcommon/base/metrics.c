#include "base/metrics.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

//  What is registered is as much as there are parts in a process and apps that are counted, each
//  once; so many are added at a time.
#define ROOM_STEP 64

typedef struct {
    const metric_row_t *rows;
    const int64_t *values;
    size_t count;
} table_t;

static table_t *s_tables;
static size_t s_table_count;
static histogram_t **s_histograms;
static size_t s_histogram_count;

//  Upper ends of the buckets: in microseconds for counting, in seconds as Prometheus has them.
static const struct {
    uint64_t us;
    const char *seconds;
} s_ends[HISTOGRAM_BUCKETS] = {
    { 100, "0.0001" },   { 200, "0.0002" },   { 500, "0.0005" },   { 1000, "0.001" },
    { 2000, "0.002" },   { 5000, "0.005" },   { 10000, "0.01" },   { 20000, "0.02" },
    { 50000, "0.05" },   { 100000, "0.1" },   { 200000, "0.2" },   { 500000, "0.5" },
    { 1000000, "1" },    { 2000000, "2" },    { 5000000, "5" },    { 10000000, "10" },
    { 20000000, "20" },  { 50000000, "50" },  { 100000000, "100" },
};

//  Room for one more behind `count` of them.
static void *
s_with_room (void *things, size_t count, size_t size)
{
    return count % ROOM_STEP == 0 ? alloc_resized (things, (count + ROOM_STEP) * size) : things;
}

void
metrics_register (const metric_row_t *rows, const int64_t *values, size_t count)
{
    for (size_t at = 0; at < s_table_count; at++)
        if (s_tables[at].values == values)
            return;
    s_tables = s_with_room (s_tables, s_table_count, sizeof *s_tables);
    s_tables[s_table_count++] = (table_t){ rows, values, count };
}

void
histogram_register (histogram_t *self)
{
    for (size_t at = 0; at < s_histogram_count; at++)
        if (s_histograms[at] == self)
            return;
    s_histograms = s_with_room (s_histograms, s_histogram_count, sizeof (histogram_t *));
    s_histograms[s_histogram_count++] = self;
}

void
histogram_add (histogram_t *self, uint64_t microseconds)
{
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS && microseconds > s_ends[bucket].us)
        bucket++;
    self->buckets[bucket]++;
    self->count++;
    self->sum_us += microseconds;
}

static int
s_put_head (buffer_t *to, const char *name, const char *type, const char *help)
{
    const char *pieces[] = { "# HELP stentor_", name, " ", help, "\n# TYPE stentor_",
                             name,              " ",  type, "\n" };
    int rc = 0;
    for (size_t at = 0; at < sizeof pieces / sizeof *pieces && rc == 0; at++)
        rc = buffer_put_string (to, pieces[at]);
    return rc;
}

//  One sample; the labels and the `more` label may both be absent.
static int
s_put_sample (buffer_t *to, const char *name, const char *suffix, const char *labels,
              const char *more, const char *value)
{
    const char *comma = labels && more ? "," : "";
    const char *pieces[] = { "stentor_", name, suffix, labels || more ? "{" : "",
                             labels ? labels : "", comma, more ? more : "",
                             labels || more ? "} " : " ", value, "\n" };
    int rc = 0;
    for (size_t at = 0; at < sizeof pieces / sizeof *pieces && rc == 0; at++)
        rc = buffer_put_string (to, pieces[at]);
    return rc;
}

typedef struct {
    const metric_row_t *row;
    int64_t value;
} sample_t;

//  By name, so that rows of one name stand together; then by labels.
static int
s_compare (const void *left, const void *right)
{
    const sample_t *a = left, *b = right;
    int names = strcmp (a->row->name, b->row->name);
    if (names != 0)
        return names;
    return strcmp (a->row->labels ? a->row->labels : "", b->row->labels ? b->row->labels : "");
}

static int
s_print_samples (const sample_t *samples, size_t count, buffer_t *to)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [SECONDS] = "gauge"
    };
    int rc = 0;
    for (size_t at = 0; at < count && rc == 0; at++) {
        const metric_row_t *row = samples[at].row;
        if (at == 0 || strcmp (samples[at - 1].row->name, row->name) != 0)
            rc = s_put_head (to, row->name, types[row->type], row->help);
        char value[32];
        if (row->type == SECONDS)
            snprintf (value, sizeof value, "%.6f", (double) samples[at].value / 1e6);
        else
            snprintf (value, sizeof value, "%lld", (long long) samples[at].value);
        if (rc == 0)
            rc = s_put_sample (to, row->name, "", row->labels, NULL, value);
    }
    return rc;
}

static int
s_print_tables (buffer_t *to)
{
    size_t count = 0;
    for (size_t at = 0; at < s_table_count; at++)
        count += s_tables[at].count;
    sample_t *samples = alloc_array (count, sizeof *samples);
    size_t filled = 0;
    for (size_t at = 0; at < s_table_count; at++)
        for (size_t row = 0; row < s_tables[at].count; row++)
            if (s_tables[at].rows[row].name) //  a hole in a table that is indexed by an enum
                samples[filled++] = (sample_t){ &s_tables[at].rows[row], s_tables[at].values[row] };
    qsort (samples, filled, sizeof *samples, s_compare);
    int rc = s_print_samples (samples, filled, to);
    free (samples);
    return rc;
}

static int
s_print_histogram (const histogram_t *self, buffer_t *to)
{
    char value[40], end[32];
    uint64_t below = 0;
    int rc = 0;
    for (size_t at = 0; at <= HISTOGRAM_BUCKETS && rc == 0; at++) {
        below += self->buckets[at];
        const char *seconds = at < HISTOGRAM_BUCKETS ? s_ends[at].seconds : "+Inf";
        snprintf (end, sizeof end, "le=\"%s\"", seconds);
        snprintf (value, sizeof value, "%llu", (unsigned long long) below);
        rc = s_put_sample (to, self->name, "_bucket", self->labels, end, value);
    }
    snprintf (value, sizeof value, "%llu.%06u", (unsigned long long) (self->sum_us / 1000000),
              (unsigned) (self->sum_us % 1000000));
    if (rc == 0)
        rc = s_put_sample (to, self->name, "_sum", self->labels, NULL, value);
    snprintf (value, sizeof value, "%llu", (unsigned long long) self->count);
    if (rc == 0)
        rc = s_put_sample (to, self->name, "_count", self->labels, NULL, value);
    return rc;
}

//  A histogram that has an earlier one's name was printed under that.
int
metrics_print (buffer_t *to)
{
    int rc = s_print_tables (to);
    for (size_t at = 0; at < s_histogram_count && rc == 0; at++) {
        const histogram_t *first = s_histograms[at];
        size_t other = 0;
        while (strcmp (s_histograms[other]->name, first->name) != 0)
            other++;
        if (other < at)
            continue;
        rc = s_put_head (to, first->name, "histogram", first->help);
        for (; other < s_histogram_count && rc == 0; other++)
            if (strcmp (s_histograms[other]->name, first->name) == 0)
                rc = s_print_histogram (s_histograms[other], to);
    }
    return rc;
}
