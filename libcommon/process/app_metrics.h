//  app_metrics — the same metrics for each app, with the label `app`.
//
//  An app's numbers are there from the first time that they are asked for, as long as the process
//  lives. Beyond APP_METRICS_MOST apps the others are counted together, as app "", so that the page
//  of all metrics stays within its limit (operations.c).
//
//      static const metric_row_t s_rows[] = { { "letters_total", NULL, COUNTER, "letters" } };
//      static app_metrics_t s_metrics = { .rows = s_rows, .row_count = 1 };
//      …
//      app_metrics_of (&s_metrics, app->id)->counts[0]++;

#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "base/metrics.h"

#define APP_METRICS_MOST 500u

//  Of one app: a slot for each row, a histogram for each of the kind's.
typedef struct {
    int64_t *counts;
    histogram_t *histograms;
} app_counts_t;

//  A static variable; what is not named here begins as zeros. The rows' labels stand behind the
//  app's; histograms have none of their own.
typedef struct {
    const metric_row_t *rows;
    size_t row_count;
    const histogram_t *histograms;
    size_t histogram_count;
    struct app_metrics_row *apps;
    struct app_metrics_row *others;
} app_metrics_t;

//  Whoever asks knows that the app is in the apps file. Lives as long as the process; to be added
//  to.
app_counts_t *app_metrics_of (app_metrics_t *self, text_t app);

#endif
