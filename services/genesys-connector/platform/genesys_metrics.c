#include "platform/genesys_metrics.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdio.h>

#define LABELS_ROOM 200

typedef struct {
    char *app;
    genesys_metrics_t metrics;
    UT_hash_handle hh;
} row_t;

static row_t *s_rows; //  by app
static row_t *s_others;

static const metric_row_t s_metrics[GENESYS_METRICS] = {
#define METRIC(NAME, name, labels, type, help) { name, labels, type, help },
#include "platform/genesys_metrics.def"
#undef METRIC
};

static const histogram_t s_histograms[GENESYS_HISTOGRAMS] = {
#define HISTOGRAM(NAME, name_, help_) { .name = name_, .help = help_ },
#include "platform/genesys_metrics.def"
#undef HISTOGRAM
};

//  An app's id has no character that a label could not have.
static char *
s_labels (const char *app, const char *labels)
{
    char room[LABELS_ROOM];
    snprintf (room, sizeof room, "app=\"%.100s\"%s%s", app, labels ? "," : "",
              labels ? labels : "");
    return alloc_string (room);
}

static row_t *
s_row_new (text_t app)
{
    row_t *self = alloc_zeroed (sizeof *self);
    metric_row_t *rows = alloc_array (GENESYS_METRICS, sizeof *rows);
    self->app = alloc_text (app);
    for (size_t at = 0; at < GENESYS_METRICS; at++) {
        rows[at] = s_metrics[at];
        rows[at].labels = s_labels (self->app, rows[at].labels);
    }
    metrics_register (rows, self->metrics.counts, GENESYS_METRICS);
    for (size_t at = 0; at < GENESYS_HISTOGRAMS; at++) {
        self->metrics.histograms[at] = s_histograms[at];
        self->metrics.histograms[at].labels = s_labels (self->app, NULL);
        histogram_register (&self->metrics.histograms[at]);
    }
    return self;
}

genesys_metrics_t *
genesys_metrics_of (text_t app)
{
    row_t *row;
    HASH_FIND (hh, s_rows, app.data, app.size, row);
    if (row)
        return &row->metrics;
    if (HASH_COUNT (s_rows) < GENESYS_METRICS_APPS) {
        row = s_row_new (app);
        HASH_ADD_KEYPTR (hh, s_rows, row->app, app.size, row);
        return &row->metrics;
    }
    if (!s_others)
        s_others = s_row_new (TEXT_EMPTY);
    return &s_others->metrics;
}
