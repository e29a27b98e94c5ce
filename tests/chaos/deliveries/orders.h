//  orders — items for the scripted worker, put into work_item at a steady rate by a thread of their
//  own, as a postoffice would put them: in lanes of a conversation each and in none, due now and
//  later. A statement that fails, or whose outcome is not known, is said again until it is there.

#ifndef ORDERS_H
#define ORDERS_H

#include "chance.h"
#include "delivery.h"
#include "plan.h"

#include "postgres.h"

#include <stddef.h>

#define ORDERS_LANES 60

typedef struct orders orders_t;

//  As many a second as the plan says. NULL when the database does not take what the audit needs: a
//  trigger that writes down each state that an item goes through (evidence.h). The database
//  outlives the orders.
orders_t *orders_new (postgres_t *postgres, const plan_t *plan);
void orders_destroy (orders_t **self_p);

//  Nothing new is ordered; what is under way is brought to its end.
void orders_fall_silent (orders_t *self);
//  Then true once all of it is there, and the list may be read.
bool orders_are_quiet (const orders_t *self);
const delivery_order_t *orders_list (const orders_t *self, size_t *count);

//  Draws the next order; `numbers` are the next ones of the lanes. What it comes to depends on
//  chance alone.
delivery_order_t orders_draw (chance_t *chance, unsigned numbers[ORDERS_LANES], bool may_be_slow);

#endif
