#include "http/http_metrics.h"

#include "base/metrics.h"

static int64_t s_counts[HTTP_COUNTS];
static const metric_row_t s_rows[HTTP_COUNTS] = {
    [HTTP_IN_FLIGHT] = { "http_client_calls", NULL, GAUGE,
                         "HTTP calls in flight, with those that wait" },
    [HTTP_QUEUED] = { "http_client_queue", NULL, GAUGE,
                      "HTTP calls that wait for the rate limit of their origin" },
#define OUTCOME(NAME, label, reach, words)                                                         \
    [HTTP_ENDED_FIRST + HTTP_##NAME] = { "http_client_calls_total", "outcome=\"" label "\"",       \
                                         COUNTER, "finished HTTP calls" },
#include "http/http_outcomes.def"
#undef OUTCOME
    [HTTP_RENEWED] = { "http_client_renewals_total", "result=\"ok\"", COUNTER,
                       "renewals of a bearer token" },
    [HTTP_RENEWAL_FAILED] = { "http_client_renewals_total", "result=\"failed\"", COUNTER,
                              "renewals of a bearer token" },
};

void
http_metrics_start (http_metrics_part_t part)
{
    static const unsigned first[HTTP_METRICS_PARTS + 1] = { 0, HTTP_RENEWED, HTTP_COUNTS };
    static bool is_started[HTTP_METRICS_PARTS];
    if (!is_started[part])
        metrics_register (s_rows + first[part], s_counts + first[part],
                          first[part + 1] - first[part]);
    is_started[part] = true;
}

void
http_metrics_count (unsigned which, int64_t more)
{
    s_counts[which] += more;
}
