#include "tables/edge_metrics.h"

int64_t edge_metrics[EDGE_METRIC_COUNT];
int64_t edge_closed[CLOSE_REASON_COUNT];
int64_t edge_refused[FAULT_COUNT];
int64_t edge_tokens[TOKEN_FAULTS];
int64_t edge_limited[LIMIT_ROWS];
int64_t edge_requests_refused[HTTP_FAULT_COUNT];
int64_t edge_tls_handshakes[TLS_RESULTS];
int64_t edge_answered[VERDICT_COUNT + 1];
int64_t edge_attached[VERDICT_COUNT + 1];
histogram_t edge_post_time = { .name = "edge_post_seconds",
                               .help = "from a client's frame to its postoffice's answer" };

static const metric_row_t s_rows[] = {
#define EDGE_METRIC(NAME, name, labels, type, help) { name, labels, type, help },
#include "tables/edge_metrics.def"
#undef EDGE_METRIC
};

static const metric_row_t s_closed_rows[] = {
#define REASON(NAME, metric, ws_code, our_fault, words)                                            \
    { "edge_closed_total", "reason=\"" metric "\"", COUNTER, "connections that ended, and why" },
#include "tables/close_reasons.def"
#undef REASON
};

static const metric_row_t s_refused_rows[] = {
#define FAULT(NAME, metric, code, words)                                                           \
    { "edge_frames_refused_total", "fault=\"" metric "\"", COUNTER, "frames refused, and why" },
#include "tables/frame_faults.def"
#undef FAULT
};

//  In the order of token_fault_t.
static const metric_row_t s_token_rows[] = {
    { "edge_tokens_total", "result=\"ok\"", COUNTER, "tokens that were checked" },
#define TOKEN_FAULT(NAME, code, words)                                                           \
    { "edge_tokens_total", "result=\"" code "\"", COUNTER, "tokens that were checked" },
#include "auth/token_faults.def"
#undef TOKEN_FAULT
};

static const metric_row_t s_limited_rows[] = {
#define LIMIT(SCOPE, ACT, metric, setting, fallback, words)                                      \
    { "edge_limit_refused_total", "limit=\"" metric "\"", COUNTER,                               \
      "connections, joins, messages and requests refused because they came too fast" },
#include "tables/limits.def"
#undef LIMIT
};

//  Not of HTTP_NO_FAULT, the first.
static const metric_row_t s_requests_refused_rows[] = {
#define HTTP_FAULT(NAME, status, metric, problem, words)                                         \
    { "edge_requests_refused_total", "reason=\"" metric "\"", COUNTER,                             \
      "HTTP requests refused, and why" },
#include "tables/http_faults.def"
#undef HTTP_FAULT
};

static const metric_row_t s_tls_rows[] = {
#define TLS_RESULT(NAME, metric, words)                                                          \
    { "edge_tls_handshakes_total", "result=\"" metric "\"", COUNTER, "what became of handshakes" },
#include "tables/tls_results.def"
#undef TLS_RESULT
};

static const metric_row_t s_answered_rows[] = {
#define VERDICT(number, NAME, code, again, words)                                                \
    { "edge_posts_answered_total", "verdict=\"" code "\"", COUNTER,                              \
      "what postoffices answered to posts" },
#include "model/verdicts.def"
#undef VERDICT
    { "edge_posts_answered_total", "verdict=\"unknown\"", COUNTER,
      "what postoffices answered to posts" },
};

static const metric_row_t s_attached_rows[] = {
#define VERDICT(number, NAME, code, again, words)                                                \
    { "edge_attaches_answered_total", "verdict=\"" code "\"", COUNTER,                           \
      "what postoffices answered to ATTACH records" },
#include "model/verdicts.def"
#undef VERDICT
    { "edge_attaches_answered_total", "verdict=\"unknown\"", COUNTER,
      "what postoffices answered to ATTACH records" },
};

void
edge_metrics_start (void)
{
    metrics_register (s_rows, edge_metrics, EDGE_METRIC_COUNT);
    metrics_register (s_closed_rows, edge_closed, CLOSE_REASON_COUNT);
    metrics_register (s_refused_rows, edge_refused, FAULT_COUNT);
    metrics_register (s_token_rows, edge_tokens, TOKEN_FAULTS);
    metrics_register (s_limited_rows, edge_limited, LIMIT_ROWS);
    metrics_register (s_requests_refused_rows, edge_requests_refused + 1, HTTP_FAULT_COUNT - 1);
    metrics_register (s_tls_rows, edge_tls_handshakes, TLS_RESULTS);
    metrics_register (s_answered_rows, edge_answered, VERDICT_COUNT + 1);
    metrics_register (s_attached_rows, edge_attached, VERDICT_COUNT + 1);
    histogram_register (&edge_post_time);
}

void
edge_count_verdict (int64_t *slots, uint64_t verdict)
{
    slots[verdict < VERDICT_COUNT ? verdict : VERDICT_COUNT]++;
}
