//  gaps — of a run in which a tail of the log is lost: numbers that a listener did not hear in
//  their place, or heard twice. Judged when it is known what was lost: a number that was left out,
//  or came again, must have been lost where it stood. Whether all that is there was told is seen
//  from the log.

#ifndef GAPS_H
#define GAPS_H

#include "tail_loss.h"

typedef struct {
    void *listener;
    uint32_t talk;
    bool is_agent;     //  the numbers are the agent's, else the visitor's
    bool is_again;     //  `from` came again; else from … to - 1 did not come
    uint32_t from, to;
} gap_t;

//  A zeroed struct has none.
typedef struct {
    gap_t *gaps;
    size_t count;
    size_t room;
} gaps_t;

void gaps_add (gaps_t *self, const gap_t *gap);
void gaps_free (gaps_t *self);
bool gap_is_explained (const gap_t *self, const tail_loss_t *loss);

#endif
