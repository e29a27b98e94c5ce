//  phases — what clients saw in each part of a rollout: how long they were away, and how long what
//  was said took to the other side. The main thread begins phases, the crowd's fills them; they are
//  read when the crowd has ended.

#ifndef PHASES_H
#define PHASES_H

#include "histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define PHASES_MOST 12

//  A client of the rich dialect, or a widget.
typedef enum { PHASE_RICH, PHASE_WIDGET, PHASE_DIALECTS } phase_dialect_t;

typedef struct {
    const char *name;
    uint64_t from_us, to_us;
    uint64_t ended;                     //  connections
    histogram_t pause[PHASE_DIALECTS];  //  from the end of a connection until it is in again
    histogram_t gap[PHASE_DIALECTS];    //  from said to heard by the other side
    histogram_t ack;                    //  from said to acknowledged
} phase_t;

typedef struct {
    phase_t phases[PHASES_MOST];
    atomic_uint count;
} phases_t;

phases_t *phases_new (void);
void phases_free (phases_t **self_p);
//  The name is borrowed. The one before ends.
void phases_begin (phases_t *self, const char *name, uint64_t now_us);
void phases_end (phases_t *self, uint64_t now_us);
//  One table.
void phases_print (const phases_t *self);

//  NULL before the first one, or without any.
static inline phase_t *
phases_now (phases_t *self)
{
    unsigned count = self ? atomic_load_explicit (&self->count, memory_order_acquire) : 0;
    return count > 0 ? &self->phases[count - 1] : NULL;
}

//  The table's row of something that took so long.
static inline void
phases_add (histogram_t *histogram, uint64_t from_us, uint64_t to_us)
{
    histogram_add (histogram, to_us > from_us ? to_us - from_us : 0);
}

#endif
