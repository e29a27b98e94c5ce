//  evidence — what chaos can know of its deliveries after a run: the lines of the receiver, the
//  changes of state that the trigger of the orders wrote down, and the faults that disturbed the
//  ways of workers.

#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "delivery_audit.h"
#include "nemesis.h"
#include "orders.h"

typedef struct evidence evidence_t;

//  When the orders are quiet and nothing is left to be done. NULL when it cannot be read, which is
//  said on standard error.
evidence_t *evidence_new (deployment_t *site, const nemesis_t *nemesis, const orders_t *orders);
void evidence_destroy (evidence_t **self_p);

//  Valid as long as the evidence and the orders.
const delivery_evidence_t *evidence_view (const evidence_t *self);

#endif
