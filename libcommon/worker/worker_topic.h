//  worker_topic — a topic that this process takes items of, and what is counted about it. A topic
//  lives as long as the process, as its metrics do.

#ifndef WORKER_TOPIC_H
#define WORKER_TOPIC_H

#include "base/text.h"

#include <stdint.h>

//  A process has this many topics at most.
#define WORKER_TOPICS_MOST 16

enum {
    WORKER_TAKEN,
#define OUTCOME(NAME, label, event, delivery, turn, words) WORKER_ENDED_##NAME,
#include "worker/worker_outcomes.def"
#undef OUTCOME
    WORKER_CANCELLED,
    WORKER_REPORTS,
    WORKER_TOPIC_COUNTS
};

typedef struct {
    text_t name;
    int64_t counts[WORKER_TOPIC_COUNTS]; //  for whoever counts
} worker_topic_t;

//  The names are separated by spaces. Called again with a name, it is the same topic.
void worker_topics_start (const char *names);
//  NULL when there is no such topic.
worker_topic_t *worker_topic_find (text_t name);

#endif
