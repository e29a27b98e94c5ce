//  turns — all items of work in hand, by their ids, and what is counted and logged about them.
//
//  Their number has a ceiling, which is that of all postoffices together: an item beyond it is
//  declined, and its postoffice hands it to another connector at once. So it is while draining.

#ifndef TURNS_H
#define TURNS_H

#include "turn.h"

typedef struct turns turns_t;

//  `means` is copied, but for what it points to; its owner and callbacks are set here.
//  `emptied` is called when the last item is settled while draining.
turns_t *turns_new (const turn_means_t *means, uint64_t ceiling, void (*emptied) (void *owner),
                    void *owner);
//  Forgets all items without a word; the loop must turn until their timers are gone.
void turns_destroy (turns_t **self_p);

void turns_work (turns_t *self, unsigned office, const bus_work_t *work);
//  SETTLED or CANCELLED; items that are not in hand are ignored.
void turns_happens (turns_t *self, text_t item, turn_event_t event);
void turns_office_up (turns_t *self, unsigned office);
void turns_office_down (turns_t *self, unsigned office);

//  Takes nothing more. Calls `emptied` at once when nothing is in hand.
void turns_drain (turns_t *self);

#endif
