//  item_memory — what an attempt at a delivery tells the next one, which may be another notifier's:
//  small numbers, as a JSON object ({"unsure":1}). Kept by the postoffice with the item
//  (docs/work-items.md).

#ifndef ITEM_MEMORY_H
#define ITEM_MEMORY_H

#include "base/text.h"

#include <stdint.h>

#define ITEM_MEMORY_SIZE 200 //  bytes of the JSON, with its NUL

typedef struct {
    unsigned unsure;  //  tries that ended in a way that may have been a delivery
    unsigned refused; //  tries that ended with a refused login
    unsigned waited;  //  attempts that were no tries: they waited for their turn, or were made
                      //  before the item was dead and replayed
    unsigned lost;    //  attempts that nobody reported, of before likewise
    unsigned parts;   //  that were accepted of what goes out in several
    unsigned missing; //  attempts whose app, or its way out, was not in the file
} item_memory_t;

//  Of anything that cannot be read: nothing is remembered.
void item_memory_read (item_memory_t *self, text_t json);
//  What it needs is not in the file. The postoffice's has it, and this one may be older: true, it
//  comes back after so long, and that is no try; false, that was so for a day.
bool item_memory_waits (item_memory_t *self, uint64_t *after_ms);
text_t item_memory_write (const item_memory_t *self, char room[ITEM_MEMORY_SIZE]);

#endif
