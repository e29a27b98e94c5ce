//  open_conversations — those that this process looks after, by app: for the metrics, and so that
//  all of them together are looked at within the budget.
//
//  A watcher says with each look that its conversation is open, and until when it will be looked at
//  again. One that is not looked at here any more, as another process has it, is forgotten with a
//  sweep.

#ifndef OPEN_CONVERSATIONS_H
#define OPEN_CONVERSATIONS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct open_conversations open_conversations_t;

open_conversations_t *open_conversations_new (void);
void open_conversations_destroy (open_conversations_t **self_p);

void open_conversations_note (open_conversations_t *self, text_t app, text_t session,
                              bool is_waiting, uint64_t now_ms, uint64_t pause_ms);
void open_conversations_forget (open_conversations_t *self, text_t app, text_t session);
//  Forgets those whose time is over, for so long that their look is not only late.
void open_conversations_sweep (open_conversations_t *self, uint64_t now_ms);
//  How many of the app there are.
uint64_t open_conversations_count (const open_conversations_t *self, text_t app);

#endif
