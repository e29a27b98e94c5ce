#include "bus/bus_metrics.h"

#include <stdbool.h>

int64_t bus_counts[BUS_COUNT_COUNT];

static const metric_row_t s_rows[] = {
#define COUNT(NAME, metric, labels, type, help) { metric, labels, type, help },
#include "bus/bus_metrics.def"
#undef COUNT
#define STREAM_END(NAME, word, what)                                                               \
    { "bus_streams_ended_total", "reason=\"" word "\"", COUNTER, "streams that ended, by reason" },
#include "bus/bus_disconnects.def"
#undef STREAM_END
};

_Static_assert (sizeof s_rows / sizeof *s_rows == BUS_COUNT_COUNT, "a row for every count");

void
bus_metrics_start (void)
{
    static bool s_started;
    if (!s_started)
        metrics_register (s_rows, bus_counts, BUS_COUNT_COUNT);
    s_started = true;
}

const char *
stream_end_word (stream_end_t end)
{
    static const char *const s_words[] = {
#define STREAM_END(NAME, word, what) word,
#include "bus/bus_disconnects.def"
#undef STREAM_END
    };
    return s_words[end];
}
