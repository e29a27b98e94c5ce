//  delivery — one attempt at an item of a channel, as far as all channels do the same: what the
//  item's memory says, whether it is tried again, what the postoffice is told.
//
//  How often a thing may arrive: a try that ended in a way that may have been a delivery (class
//  LOST), and one that nobody reported, are unsure. The channel asks for their number before it
//  sends. A refused login is tried three times in all, a minute apart; then the destination is
//  disabled, so that nobody locks the account.

#ifndef DELIVERY_H
#define DELIVERY_H

#include "channels/item_memory.h"
#include "http/retry_policy.h"
#include "worker/worker_item.h"

#define DELIVERY_UNSURE_MOST 2 //  tries that may have been deliveries
#define DELIVERY_REFUSED_MOST 3
#define DELIVERY_REFUSED_PAUSE_MS 60000

typedef enum {
    DELIVERY_NOTHING,
    DELIVERY_LOGIN,    //  it is a refused login
    DELIVERY_SUPPRESS, //  the address wants nothing any more
    DELIVERY_PAUSE,    //  the destination rests for as long as the far side says
} delivery_effect_t;

//  A row of a channel's table of failures.
typedef struct {
    const char *label; //  for metrics and logs
    retry_class_t class;
    destination_word_t destination;
    delivery_effect_t effect;
    const char *words; //  what it means, for the delivery log
} delivery_failure_t;

//  In the item's memory. Not to be touched once the item is done.
typedef struct {
    worker_item_t *item;
    const retry_policy_t *policy;
    item_memory_t memory;
    const char *lane;  //  what the lane shall remember; NULL: as it is
    uint64_t pause_ms; //  of the destination, behind this try
    char overdue[ITEM_MEMORY_SIZE];
} delivery_t;

//  The policy is borrowed.
void delivery_begin (delivery_t *self, worker_item_t *item, const retry_policy_t *policy);
//  Tries that may have been deliveries, up to DELIVERY_UNSURE_MOST and more.
unsigned delivery_unsure (const delivery_t *self);
//  It is known now what became of them.
void delivery_is_sure (delivery_t *self);

//  It is overdue (channel.h). `is_unsure`: what is under way may be a delivery.
void delivery_remember (delivery_t *self, bool is_unsure, worker_report_t *report);

//  All of these end the item.

//  Nothing was tried, and nothing would come of it.
void delivery_give_up (delivery_t *self, const char *why);
//  Nothing was tried: it comes back later, and that is no try.
void delivery_send_back (delivery_t *self, uint64_t after_ms, const char *why);
//  The app, or its way out, is not in this process's file (item_memory_waits).
void delivery_lacks (delivery_t *self, const char *what);
void delivery_succeed (delivery_t *self, unsigned status, const char *detail);

//  What the far side answered.
typedef struct {
    unsigned status;
    uint64_t retry_after_ms; //  0: it does not say
    const char *said;        //  its words for the delivery log; "": none
    unsigned *refused;       //  logins in a row that it refused, of all items; is counted on
} delivery_end_t;

#define DELIVERY_DETAIL_SIZE 500
void delivery_fail (delivery_t *self, const delivery_failure_t *failure, const delivery_end_t *end);

//  What is left for a try of the time that it and its wait have together: at least 1 ms, also when
//  the process stood still meanwhile, as 0 would be no limit.
uint64_t delivery_left_ms (uint64_t all_ms, uint64_t passed_ms);

#endif
