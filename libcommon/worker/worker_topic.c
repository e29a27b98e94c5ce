#include "worker/worker_topic.h"

#include "base/alloc.h"
#include "base/metrics.h"

#include <assert.h>
#include <stdio.h>

#define LABELS_MAX 200 //  bytes of one row's labels; a longer name is cut there

static const metric_row_t s_rows[WORKER_TOPIC_COUNTS] = {
    [WORKER_TAKEN] = { "worker_taken_total", NULL, COUNTER, "items that were accepted" },
#define OUTCOME(NAME, label, event, delivery, turn, words)                                       \
    [WORKER_ENDED_##NAME] = { "worker_outcomes_total", label, COUNTER,                           \
                              "attempts by what they came to, and cancelled items" },
#include "worker/worker_outcomes.def"
#undef OUTCOME
    [WORKER_CANCELLED] = { "worker_outcomes_total", "cancelled", COUNTER,
                           "attempts by what they came to, and cancelled items" },
    [WORKER_REPORTS] = { "worker_reports_total", NULL, COUNTER,
                         "outcomes that were sent, repeats included" },
};

static worker_topic_t *s_topics[WORKER_TOPICS_MOST];
static size_t s_count;

worker_topic_t *
worker_topic_find (text_t name)
{
    for (size_t at = 0; at < s_count; at++)
        if (text_is (s_topics[at]->name, name))
            return s_topics[at];
    return NULL;
}

static void
s_add (text_t name)
{
    assert (s_count < WORKER_TOPICS_MOST);
    worker_topic_t *self = alloc_packed (sizeof *self, &name, 1);
    self->name = name;
    s_topics[s_count++] = self;
    metric_row_t *rows = alloc_array (WORKER_TOPIC_COUNTS, sizeof *rows);
    for (size_t at = 0; at < WORKER_TOPIC_COUNTS; at++) {
        char labels[LABELS_MAX];
        const char *outcome = s_rows[at].labels;
        snprintf (labels, sizeof labels, "%s%s%stopic=\"%.100s\"", outcome ? "outcome=\"" : "",
                  outcome ? outcome : "", outcome ? "\"," : "", name.data);
        rows[at] = s_rows[at];
        rows[at].labels = alloc_string (labels);
    }
    metrics_register (rows, self->counts, WORKER_TOPIC_COUNTS);
}

void
worker_topics_start (const char *names)
{
    for (const char *at = names + strspn (names, " "); *at; at += strspn (at, " ")) {
        text_t name = { at, strcspn (at, " ") };
        if (!worker_topic_find (name))
            s_add (name);
        at += name.size;
    }
}
