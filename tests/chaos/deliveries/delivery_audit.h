//  delivery_audit — what was ordered, against what the receiver saw and what the table tells:
//
//  - Each item is finished once, as the receiver said in the end, and not before the receiver had
//    it. Nothing that is finished is touched again, whatever a late report says.
//  - The receiver has each item at least once, with the body as ordered.
//  - An item of a lane comes first when the one before it is over: behind the answer that ended it.
//  - An attempt has one lease.
//  - A duplicate is an attempt behind the answer that ended its item, or one with a number that was
//    there before. Each must be explained by a fault that disturbed the way of one of the two
//    attempts: its worker, its postoffice, or what lies between them and PostgreSQL. What is not
//    explained is trouble.
//
//  Pure: reads no clock, no file, no database.

#ifndef DELIVERY_AUDIT_H
#define DELIVERY_AUDIT_H

#include "delivery.h"
#include "findings.h"

#include <stddef.h>

//  A fault may be felt for so long after its end: links come back with a back-off.
#define DELIVERY_RECOVERY_US 3000000u
#define DELIVERY_CAUSES_MOST 64

//  One line of the receiver; they are in order.
typedef struct {
    uint64_t at_us;
    unsigned worker; //  from 0
    unsigned item;   //  place among the orders
    uint64_t attempt;
    delivery_answer_t answer;
    int lane;
    unsigned number;
} delivery_arrival_t;

#define DELIVERY_NOBODY UINT32_MAX

//  One change of state in the table, in order. States are those of work_item: 0 ready, 1 leased,
//  2 done, 3 dead.
typedef struct {
    uint64_t at_us; //  on the same clock
    unsigned item;
    uint64_t attempt;
    unsigned was, state;
    unsigned postoffice; //  whose lease it is or was, from 0; DELIVERY_NOBODY: not known
} delivery_change_t;

//  Which ways between workers and the database a fault disturbed: a bit for each postoffice.
typedef struct {
    uint32_t of[DELIVERY_WORKERS_MOST];
} delivery_paths_t;

typedef struct {
    unsigned kind; //  of fault, below DELIVERY_CAUSES_MOST
    uint64_t from_us, to_us;
    delivery_paths_t paths;
} delivery_cause_t;

typedef struct {
    const delivery_order_t *orders;
    size_t order_count;
    const delivery_arrival_t *arrivals;
    size_t arrival_count;
    const delivery_change_t *changes;
    size_t change_count;
    const delivery_cause_t *causes;
    size_t cause_count;
} delivery_evidence_t;

typedef struct {
    uint64_t done, dead;  //  items
    uint64_t asked_again; //  by the receiver
    uint64_t leases_lost; //  attempts that became ready again without a report of the receiver's
    uint64_t duplicates;
    uint64_t late; //  of them, those behind the first attempt at the next item of their lane
    uint64_t explained[DELIVERY_CAUSES_MOST]; //  by kind of fault
    uint64_t unexplained;
} delivery_counts_t;

//  Notes all that is wrong, as trouble of WHO_DELIVERIES.
void delivery_audit (const delivery_evidence_t *evidence, delivery_counts_t *counts,
                     findings_t *trouble);

#endif
