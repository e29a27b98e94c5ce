#include "channels/schedule.h"

#include "config/settings.h"

#define JITTER_PERCENT 10
#define JITTER_MOST_MS 600000
#define RETRY_AFTER_MOST_MS 86400000
#define WORD_MOST 20
#define DELAY_MOST_MS (7 * 86400000u)

int
schedule_read (schedule_t *self, const char *list)
{
    *self = (schedule_t){ .delays = 0 };
    for (const char *at = list;; at++) {
        char word[WORD_MOST + 1];
        size_t size = strcspn (at, ",");
        if (size == 0 || size > WORD_MOST || self->delays == SCHEDULE_MOST)
            return -1;
        memcpy (word, at, size);
        word[size] = '\0';
        uint64_t *delay_ms = &self->delays_ms[self->delays++];
        if (settings_read_duration (word, delay_ms) != 0 || *delay_ms > DELAY_MOST_MS)
            return -1;
        at += size;
        if (!*at)
            return 0;
    }
}

retry_policy_t
schedule_policy (const schedule_t *self, unsigned lost_tries)
{
    return (retry_policy_t){ .classes = RETRY_IF_PASSING,
                             .tries = self->delays + 1,
                             .lost_tries = lost_tries,
                             .delays_ms = self->delays_ms,
                             .delays = self->delays,
                             .jitter_percent = JITTER_PERCENT,
                             .jitter_most_ms = JITTER_MOST_MS,
                             .retry_after_most_ms = RETRY_AFTER_MOST_MS };
}
