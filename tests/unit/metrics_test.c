//  metrics — what /metrics shows: one head per name, values in place, distributions that add up.

#include "base/metrics.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN, CLOSED_SLOW, FRAMES, CLOSED_BYE, COUNTS = 6 };

static const metric_row_t s_rows[COUNTS] = {
    [OPEN] = { "edge_open", NULL, GAUGE, "connections now" },
    [CLOSED_SLOW] = { "edge_closed_total", "reason=\"slow\"", COUNTER, "connections closed" },
    [FRAMES] = { "edge_frames_total", NULL, COUNTER, "frames" },
    [CLOSED_BYE] = { "edge_closed_total", "reason=\"bye\"", COUNTER, "connections closed" },
};
static int64_t s_counts[COUNTS];

static const char *
s_page (void)
{
    static buffer_t page;
    buffer_free (&page);
    buffer_init (&page, 100000);
    cr_assert_eq (metrics_print (&page), 0);
    cr_assert_eq (buffer_put (&page, "", 1), 0);
    return page.data;
}

static unsigned
s_times (const char *page, const char *what)
{
    unsigned times = 0;
    for (const char *at = strstr (page, what); at; at = strstr (at + 1, what))
        times++;
    return times;
}

Test (metrics, nothing_registered_is_an_empty_page)
{
    cr_assert_str_eq (s_page (), "");
}

Test (metrics, seconds_are_kept_in_microseconds)
{
    static const metric_row_t row = { "longest_seconds", NULL, SECONDS, "longest one" };
    static int64_t value = 1250000;
    metrics_register (&row, &value, 1);
    cr_assert_str_eq (s_page (), "# HELP stentor_longest_seconds longest one\n"
                                 "# TYPE stentor_longest_seconds gauge\n"
                                 "stentor_longest_seconds 1.250000\n");
}

Test (metrics, rows_of_one_name_stand_under_one_head)
{
    metrics_register (s_rows, s_counts, COUNTS);
    metrics_register (s_rows, s_counts, COUNTS); //  twice is once
    s_counts[OPEN] = -1;
    s_counts[CLOSED_SLOW] = 2;
    s_counts[FRAMES] = INT64_MAX;
    cr_assert_str_eq (s_page (),
                      "# HELP stentor_edge_closed_total connections closed\n"
                      "# TYPE stentor_edge_closed_total counter\n"
                      "stentor_edge_closed_total{reason=\"bye\"} 0\n"
                      "stentor_edge_closed_total{reason=\"slow\"} 2\n"
                      "# HELP stentor_edge_frames_total frames\n"
                      "# TYPE stentor_edge_frames_total counter\n"
                      "stentor_edge_frames_total 9223372036854775807\n"
                      "# HELP stentor_edge_open connections now\n"
                      "# TYPE stentor_edge_open gauge\n"
                      "stentor_edge_open -1\n");
}

Test (metrics, a_histogram_adds_up)
{
    static histogram_t plain = { .name = "took_seconds", .help = "how long it took" };
    static histogram_t other = { .name = "took_seconds", .labels = "of=\"b\"", .help = "how long" };
    histogram_register (&plain);
    histogram_register (&other);
    static const uint64_t times_us[] = { 0, 100, 101, 1000000, 100000000, 100000001 };
    for (size_t at = 0; at < sizeof times_us / sizeof *times_us; at++)
        histogram_add (&plain, times_us[at]);
    const char *page = s_page ();
    cr_assert_eq (s_times (page, "# HELP"), 1);
    cr_assert_eq (s_times (page, "# TYPE stentor_took_seconds histogram\n"), 1);
    static const char *const samples[] = {
        "stentor_took_seconds_bucket{le=\"0.0001\"} 2\n",
        "stentor_took_seconds_bucket{le=\"0.0002\"} 3\n",
        "stentor_took_seconds_bucket{le=\"0.5\"} 3\n",
        "stentor_took_seconds_bucket{le=\"1\"} 4\n",
        "stentor_took_seconds_bucket{le=\"100\"} 5\n",
        "stentor_took_seconds_bucket{le=\"+Inf\"} 6\n",
        "stentor_took_seconds_sum 201.000202\n",
        "stentor_took_seconds_count 6\n",
        "stentor_took_seconds_bucket{of=\"b\",le=\"+Inf\"} 0\n",
        "stentor_took_seconds_sum{of=\"b\"} 0.000000\n",
    };
    for (size_t at = 0; at < sizeof samples / sizeof *samples; at++)
        cr_assert_eq (s_times (page, samples[at]), 1, "%s", samples[at]);
}

Test (metrics, a_page_that_is_too_small_is_told)
{
    metrics_register (s_rows, s_counts, COUNTS);
    buffer_t page;
    for (size_t ceiling = 0; ceiling < 300; ceiling += 10) {
        buffer_init (&page, ceiling);
        cr_assert_eq (metrics_print (&page), -1);
        buffer_free (&page);
    }
}
