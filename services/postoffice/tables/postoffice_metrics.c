#include "tables/postoffice_metrics.h"

#include "tables/handover_counts.h"

int64_t postoffice_counts[POSTOFFICE_METRICS];
int64_t postoffice_verdicts[VERDICT_COUNT];

histogram_t postoffice_operation_time = {
    .name = "postoffice_operation_seconds",
    .help = "from the arrival of an operation to its answer, the commit included",
};

static const metric_row_t s_rows[] = {
#define COUNT(NAME, metric, labels, type, help) { metric, labels, type, help },
#include "tables/postoffice_metrics.def"
#undef COUNT
};

static const metric_row_t s_verdict_rows[] = {
#define VERDICT(number, NAME, code, again, words)                                                  \
    { "postoffice_verdicts_total", "verdict=\"" code "\"", COUNTER,                               \
      "answers to edges, by verdict" },
#include "model/verdicts.def"
#undef VERDICT
};

void
postoffice_metrics_register (void)
{
    metrics_register (s_rows, postoffice_counts, POSTOFFICE_METRICS);
    metrics_register (s_verdict_rows, postoffice_verdicts, VERDICT_COUNT);
    histogram_register (&postoffice_operation_time);
    handover_counts_register ();
}
