//  teller — what a rich client keeps in mind that has several numbered messages under way: which
//  are stored, and which it is to say (again) next.
//
//  A `busy` names the message from which on everything is to be said again. It may come before the
//  `ack` of one that was said earlier: the ack waits until its client has heard what stands before
//  it in the log, the refusal for nothing. So a refused one need not be the one that is awaited.

#ifndef TELLER_H
#define TELLER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    unsigned stored; //  acknowledged, from the first one without a hole
    unsigned next;   //  is to be said next
    uint64_t pause;  //  none is said before this, by the clock
} teller_t;

//  May the next one of so many in all be said now?
bool teller_may_speak (const teller_t *self, unsigned count, uint64_t now_ms);
//  The number of the next one, which counts as said.
unsigned teller_speaks (teller_t *self);

//  `busy` for this one: it is said again after a while, and all that follow it.
void teller_is_refused (teller_t *self, unsigned number, uint64_t now_ms);
//  `ack` for this one. False when that cannot be: it has overtaken another one, or is stored twice.
bool teller_is_acknowledged (teller_t *self, unsigned number, bool duplicate);

#endif
