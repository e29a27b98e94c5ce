//  opening_text — what an agent reads first of a visitor, and what the flow there can route by.
//
//  All of it comes from the item of the offer, which is frozen, and from the log up to it: each try
//  writes the same.

#ifndef OPENING_TEXT_H
#define OPENING_TEXT_H

#include "translation/genesys_item.h"
#include "translation/transcript.h"

#define OPENING_TEXT_MOST (TRANSCRIPT_MOST + 80000u)
#define OPENING_ATTRIBUTES_MOST 100000u

//  Appends who the visitor is and why somebody is asked, and then the lines; without any, what
//  the visitor waits with. The buffer has room for OPENING_TEXT_MOST.
void opening_text_put (const genesys_item_t *item, const transcript_t *transcript, buffer_t *to);

//  Appends a JSON object of strings: what is known of the visitor, and what a server has said of
//  them (`info`) in texts, numbers and flags. `userId` is only there when it is proven: that of an
//  anonymous visitor is all that it takes to be taken for them. The buffer has room for
//  OPENING_ATTRIBUTES_MOST.
void opening_attributes_put (const genesys_item_t *item, buffer_t *to);

//  The visitor's name, if one is known: Genesys shows it beside each message.
text_t opening_name (const genesys_item_t *item);

#endif
