//  list_walk — a function is called for each thing of a long list, a part of them in each turn of
//  the loop, so that nobody waits for the whole list.
//
//  The list is turned meanwhile: a thing that was seen stands at the end. Things may be put in at
//  the end and taken out at any time, also by the function; new ones may be passed over.

#ifndef LIST_WALK_H
#define LIST_WALK_H

#include "base/list.h"

#include <uv.h>

typedef struct list_walk list_walk_t;
typedef void list_walk_fn (list_t *link);

//  Borrows the list, and does nothing before it is started.
list_walk_t *list_walk_new (uv_loop_t *loop, list_t *list, list_walk_fn *fn);
//  The loop must turn once more before it can be closed.
void list_walk_destroy (list_walk_t **self_p);

//  From the beginning, so many in a turn; the first ones at once.
void list_walk_start (list_walk_t *self, size_t each_turn);

#endif
