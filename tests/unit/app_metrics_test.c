//  app_metrics — each app counts by itself, and no number of apps makes the page too large.

#include "process/app_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PAGE_MOST (4u << 20) //  METRICS_CEILING of operations.c
#define ID_SIZE 64           //  the longest id of an app

enum { LETTERS, RETURNED, ROWS = 12 };

static const metric_row_t s_rows[ROWS] = {
    [LETTERS] = { "letters", NULL, GAUGE, "letters that wait" },
    [RETURNED] = { "ended_total", "result=\"returned\"", COUNTER, "what became of letters" },
};
static const histogram_t s_histogram = { .name = "way_seconds", .help = "how long it was" };
static app_metrics_t s_metrics = {
    .rows = s_rows, .row_count = ROWS, .histograms = &s_histogram, .histogram_count = 1
};

static const char *
s_page (void)
{
    static buffer_t page;
    buffer_free (&page);
    buffer_init (&page, PAGE_MOST);
    cr_assert_eq (metrics_print (&page), 0, "the page is larger than its limit");
    cr_assert_eq (buffer_put (&page, "", 1), 0);
    return page.data;
}

#define EXPECT(page, line) cr_expect (strstr (page, line), "%s", line)

Test (app_metrics, each_app_counts_by_itself)
{
    app_counts_t *demo = app_metrics_of (&s_metrics, TEXT ("demo"));
    app_counts_t *other = app_metrics_of (&s_metrics, TEXT ("other"));
    cr_assert (demo != other && app_metrics_of (&s_metrics, TEXT ("demo")) == demo);
    demo->counts[LETTERS] = 2;
    other->counts[RETURNED]++;
    histogram_add (&other->histograms[0], 100);
    const char *page = s_page ();
    EXPECT (page, "stentor_letters{app=\"demo\"} 2\n");
    EXPECT (page, "stentor_letters{app=\"other\"} 0\n");
    EXPECT (page, "stentor_ended_total{app=\"demo\",result=\"returned\"} 0\n");
    EXPECT (page, "stentor_ended_total{app=\"other\",result=\"returned\"} 1\n");
    EXPECT (page, "stentor_way_seconds_count{app=\"demo\"} 0\n");
    EXPECT (page, "stentor_way_seconds_bucket{app=\"other\",le=\"0.0001\"} 1\n");
}

//  As many rows as any service has (genesys-connector), and the longest ids.
Test (app_metrics, many_apps_fit)
{
    static metric_row_t rows[ROWS];
    static app_metrics_t all = {
        .rows = rows, .row_count = ROWS, .histograms = &s_histogram, .histogram_count = 1
    };
    char id[ID_SIZE + 1], last[200];
    for (unsigned at = 0; at < ROWS; at++)
        rows[at] = (metric_row_t){ "a_name_of_the_usual_length_total", "result=\"forbidden\"",
                                   COUNTER, "what is counted" };
    for (unsigned at = 0; at < APP_METRICS_MOST + 2; at++) {
        snprintf (id, sizeof id, "%0*u", ID_SIZE, at);
        app_metrics_of (&all, text_of (id))->counts[0] = INT64_MAX - at;
        histogram_add (&app_metrics_of (&all, text_of (id))->histograms[0], 1000);
    }
    const char *page = s_page ();
    snprintf (last, sizeof last, "_count{app=\"%0*u\"} 1\n", ID_SIZE, APP_METRICS_MOST - 1);
    EXPECT (page, last);
    snprintf (last, sizeof last, "app=\"%0*u\"", ID_SIZE, APP_METRICS_MOST);
    cr_expect_null (strstr (page, last), "beyond the limit there is one row for all others");
    EXPECT (page, "_count{app=\"\"} 2\n");
}
