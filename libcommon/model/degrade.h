//  degrade — what a bot or a person says becomes plain text, for channels that can show nothing
//  else: SMS, a webhook. Cards and lists become lines; what can be chosen gets a number, and the
//  number, or the words beside it, come back as the choice.
//
//      What are you interested in?
//      Our services
//      1. Repairs - While you wait
//      2. Rental - By the day
//
//  `data` is that of a `new message` (docs/bots.md, docs/client-protocol.md). The numbers follow
//  from it alone: nothing has to be remembered.

#ifndef DEGRADE_H
#define DEGRADE_H

#include "base/buffer.h"

#define DEGRADE_TEXT_MOST (32u << 10) //  bytes; what is longer is cut between characters
#define DEGRADE_CHOICES_MOST 99

//  Appends the text. 0; −1: there is nothing to show in it, or no room.
__attribute__ ((warn_unused_result)) int degrade_text (text_t data, buffer_t *to);

//  Is that one of the choices in `data`: its number ("2", "2.", "2)") or its words, in any case?
//  Then appends what choosing says (JSON object: type, and rawQuery or title and token), as a
//  widget would have sent it.
bool degrade_choice (text_t data, text_t said, buffer_t *to);

#endif
