#include "platform/genesys_metrics.h"

static const metric_row_t s_rows[GENESYS_METRICS] = {
#define METRIC(NAME, name, labels, type, help) { name, labels, type, help },
#include "platform/genesys_metrics.def"
#undef METRIC
};

static const histogram_t s_histograms[GENESYS_HISTOGRAMS] = {
#define HISTOGRAM(NAME, name_, help_) { .name = name_, .help = help_ },
#include "platform/genesys_metrics.def"
#undef HISTOGRAM
};

static app_metrics_t s_metrics = { .rows = s_rows,
                                   .row_count = GENESYS_METRICS,
                                   .histograms = s_histograms,
                                   .histogram_count = GENESYS_HISTOGRAMS };

genesys_metrics_t *
genesys_metrics_of (text_t app)
{
    return app_metrics_of (&s_metrics, app);
}
