//  findings — see findings.h.

#include "findings.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MOST 12 //  of each kind

struct trouble {
    pthread_mutex_t mutex;
    uint64_t counts[TROUBLE_KINDS][WHO_KINDS];
};

findings_t *
findings_new (void)
{
    findings_t *self = calloc (1, sizeof *self);
    assert (self);
    pthread_mutex_init (&self->mutex, NULL);
    return self;
}

void
findings_destroy (findings_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

const char *
findings_word (findings_kind_t kind)
{
    static const char *const s_words[] = {
#define TROUBLE_WORD(name, word) word,
        TROUBLES (TROUBLE_WORD)
#undef TROUBLE_WORD
    };
    return s_words[kind];
}

const char *
who_word (who_t who)
{
    static const char *const s_words[] = { "visitor and agent", "visitor and bot", "widget",
                                           "deliveries", "service" };
    return s_words[who];
}

void
findings_note (findings_t *self, findings_kind_t kind, who_t who, const char *transcript,
               const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    pthread_mutex_lock (&self->mutex);
    if (++self->counts[kind][who] <= SHOWN_MOST)
        fprintf (stderr, "chaos: %s, %s: %s\n%s", findings_word (kind), who_word (who), text,
                 transcript ? transcript : "");
    pthread_mutex_unlock (&self->mutex);
}

uint64_t
findings_count (findings_t *self, findings_kind_t kind, who_t who)
{
    pthread_mutex_lock (&self->mutex);
    uint64_t count = self->counts[kind][who];
    pthread_mutex_unlock (&self->mutex);
    return count;
}

uint64_t
findings_sum (findings_t *self)
{
    uint64_t sum = 0;
    for (findings_kind_t kind = 0; kind < TROUBLE_KINDS; kind++)
        for (who_t who = 0; who < WHO_KINDS; who++)
            sum += findings_count (self, kind, who);
    return sum;
}
