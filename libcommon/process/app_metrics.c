#include "process/app_metrics.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdio.h>

#define LABELS_ROOM 200

typedef struct app_metrics_row {
    char *app;
    app_counts_t counts;
    UT_hash_handle hh;
} row_t;

//  An app's id has no character that a label could not have.
static char *
s_labels (const char *app, const char *labels)
{
    char room[LABELS_ROOM];
    snprintf (room, sizeof room, "app=\"%.100s\"%s%s", app, labels ? "," : "",
              labels ? labels : "");
    return alloc_string (room);
}

static void
s_add_rows (const app_metrics_t *self, row_t *row)
{
    metric_row_t *rows = alloc_array (self->row_count, sizeof *rows);
    row->counts.counts = alloc_array (self->row_count, sizeof *row->counts.counts);
    for (size_t at = 0; at < self->row_count; at++) {
        rows[at] = self->rows[at];
        rows[at].labels = s_labels (row->app, rows[at].labels);
    }
    metrics_register (rows, row->counts.counts, self->row_count);
}

static void
s_add_histograms (const app_metrics_t *self, row_t *row)
{
    histogram_t *histograms = alloc_array (self->histogram_count, sizeof *histograms);
    row->counts.histograms = histograms;
    for (size_t at = 0; at < self->histogram_count; at++) {
        histograms[at] = self->histograms[at];
        histograms[at].labels = s_labels (row->app, NULL);
        histogram_register (&histograms[at]);
    }
}

static row_t *
s_row_new (const app_metrics_t *self, text_t app)
{
    row_t *row = alloc_zeroed (sizeof *row);
    row->app = alloc_text (app);
    if (self->row_count > 0)
        s_add_rows (self, row);
    s_add_histograms (self, row);
    return row;
}

app_counts_t *
app_metrics_of (app_metrics_t *self, text_t app)
{
    row_t *row;
    HASH_FIND (hh, self->apps, app.data, app.size, row);
    if (row)
        return &row->counts;
    if (HASH_COUNT (self->apps) < APP_METRICS_MOST) {
        row = s_row_new (self, app);
        HASH_ADD_KEYPTR (hh, self->apps, row->app, app.size, row);
        return &row->counts;
    }
    if (!self->others)
        self->others = s_row_new (self, TEXT_EMPTY);
    return &self->others->counts;
}
