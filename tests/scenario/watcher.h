//  watcher — somebody who watches an app's sessions as docs/api.md says: subscribe, query, apply.
//
//  It never blocks for long: watcher_listen takes what has come, and does what the rule says.

#ifndef WATCHER_H
#define WATCHER_H

#include "stack.h"

#include <json-c/json.h>

typedef struct watcher watcher_t;

//  Watches at this edge (from 1), and connects again whenever its connection ends.
watcher_t *watcher_new (router_stack_t *stack, unsigned edge, const char *const *sessions,
                        unsigned count);
void watcher_destroy (watcher_t **self_p);

void watcher_listen (watcher_t *self);

//  Has it been told that it is told everything, and has it asked for all since?
bool watcher_knows_all (const watcher_t *self);
//  The row of the session as it shows it; NULL: it has none. Borrowed.
json_object *watcher_row (const watcher_t *self, unsigned session);
//  How many rows came by the feed; how often it was told to ask again, or had to.
unsigned watcher_rows (const watcher_t *self);
unsigned watcher_queries (const watcher_t *self);

//  The sessions as the API says at this moment, an array of rows; NULL: it does not answer. And one
//  of them, borrowed; NULL: it has none.
json_object *watcher_ask (router_stack_t *stack, unsigned edge);
json_object *watcher_find (json_object *rows, const char *session);
//  NULL when the row says of the session what the API says, else what is different.
const char *watcher_compare (json_object *row, json_object *truth);

#endif
