//  bot_calls — all items of work in hand, by their ids, and what is counted and logged about them.
//
//  Their number has a ceiling, which is that of all postoffices together: an item beyond it is
//  declined, and its postoffice hands it to another connector at once. So it is while draining.

#ifndef BOT_CALLS_H
#define BOT_CALLS_H

#include "bot_call.h"

typedef struct bot_calls bot_calls_t;

//  `context` is copied, but for what it points to; its owner and callbacks are set here.
//  `emptied` is called when the last item is settled while draining.
bot_calls_t *bot_calls_new (const bot_call_context_t *context, uint64_t ceiling,
                            void (*emptied) (void *owner), void *owner);
//  Forgets all items without a word; the loop must turn until their timers are gone.
void bot_calls_destroy (bot_calls_t **self_p);

void bot_calls_work (bot_calls_t *self, unsigned postoffice, const bus_work_t *work);
//  SETTLED or CANCELLED, says this postoffice; items that are not in hand are ignored.
void bot_calls_ended (bot_calls_t *self, unsigned postoffice, text_t item,
                      bot_call_event_t event);
void bot_calls_postoffice_changed (bot_calls_t *self, unsigned postoffice, bool is_up);

//  Takes nothing more. Calls `emptied` at once when nothing is in hand.
void bot_calls_drain (bot_calls_t *self);

#endif
