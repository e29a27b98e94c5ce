//  bot_live — an answer in parts while it comes: it is read (bot_parts.h), and shown as far as it
//  has come.
//
//  What is shown is the whole text up to now, so that a piece that is lost is no harm, and a second
//  try begins anew by itself. It is shown four times a second at most, longer texts less often, and
//  no more behind LIVE_SHOWN_MOST: the whole answer follows in any case.

#ifndef BOT_LIVE_H
#define BOT_LIVE_H

#include "bot_parts.h"
#include "worker/worker.h"

#define LIVE_SHOWN_MOST (16 * 1024) //  bytes of a text that is shown
#define LIVE_EVERY_MS 250           //  for each LIVE_PIECE of it, once more
#define LIVE_PIECE (4 * 1024)

typedef struct bot_live bot_live_t;

//  The item is in hand until this is destroyed. An answer of at most so many bytes.
bot_live_t *bot_live_new (uv_loop_t *loop, worker_item_t *item, parts_form_t form, size_t most);
void bot_live_destroy (bot_live_t **self_p);

//  As bot_parts_read. Returns whether a line was read: a sign of life.
bool bot_live_read (bot_live_t *self, text_t body, bool is_end);
const bot_parts_t *bot_live_parts (const bot_live_t *self);

#endif
