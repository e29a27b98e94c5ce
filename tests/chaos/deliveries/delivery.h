//  delivery — what chaos orders, and what the scripted worker (chaos_worker.c) tells the scripted
//  receiver of it.
//
//  The receiver is a file that all workers append to: one line for each attempt, written at once
//  when the attempt begins. Behind that line the receiver has the item, whatever becomes of the
//  worker before it can report. The body of an item says how the receiver answers.

#ifndef DELIVERY_H
#define DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#define DELIVERY_TOPIC "chaos.echo"
//  An item's name is this and its place among the orders, from 0.
#define DELIVERY_ITEM "chaos-"
//  WORK_LEASE of the router under test.
#define DELIVERY_LEASE_MS 20000

//  Of which there may be so many; their numbers are bits and indexes.
#define DELIVERY_WORKERS_MOST 8
#define DELIVERY_POSTOFFICES_MOST 32

#define DELIVERY_NO_LANE (-1)

typedef struct {
    int lane;          //  DELIVERY_NO_LANE: none
    unsigned number;   //  in its lane, from 0
    unsigned retries;  //  the receiver wants so many attempts more
    bool is_dead;      //  the receiver refuses it for good, in the end
    unsigned takes_ms; //  the first attempt lasts so long; the others no time
} delivery_order_t;

//  How the receiver answers an attempt.
typedef enum { RECEIVER_HAS_IT, RECEIVER_ASKS_AGAIN, RECEIVER_REFUSES } delivery_answer_t;

static inline delivery_answer_t
delivery_answer (const delivery_order_t *order, uint64_t attempt)
{
    return attempt <= order->retries ? RECEIVER_ASKS_AGAIN
           : order->is_dead          ? RECEIVER_REFUSES
                                     : RECEIVER_HAS_IT;
}

//  The body of an item, for printf and scanf: lane, number, retries, is_dead, takes_ms.
#define DELIVERY_BODY "{\"lane\":%d,\"number\":%u,\"retries\":%u,\"dead\":%u,\"takes\":%u}"

//  A line of the receiver: µs of the monotonic clock, worker from 1, item, attempt, answer, and
//  lane and number as the body had them.
#define DELIVERY_LINE_PRINT "%" PRIu64 " %u %u %" PRIu64 " %u %d %u"
#define DELIVERY_LINE_SCAN "%" SCNu64 " %u %u %" SCNu64 " %u %d %u\n"

#endif
