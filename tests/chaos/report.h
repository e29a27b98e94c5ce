//  report — what came of it all, as one page on standard output.

#ifndef REPORT_H
#define REPORT_H

#include "audit.h"
#include "nemesis.h"

#include "deliveries/evidence.h"

typedef struct {
    const plan_t *plan;
    deployment_t *site;
    nemesis_t *nemesis;
    crowd_t *crowd;
    orders_t *orders;
    tail_loss_t *loss; //  NULL: none
    audit_t audit;
    delivery_counts_t deliveries;
    uint64_t began_us;
    uint64_t talked_us;  //  from the first word to the last
    uint64_t settled_us; //  from then until nobody waited
} report_t;

void report_print (const report_t *self);

#endif
