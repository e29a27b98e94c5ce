//  genesys_item — the body of an item of topic platform.genesys (docs/work-items.md).

#ifndef GENESYS_ITEM_H
#define GENESYS_ITEM_H

#include "base/text.h"

#include <stdint.h>

struct json_object;

#define GENESYS_ITEM_MOST (8u << 20) //  bytes of a body

//  What a body does not have is empty or 0.
typedef struct {
    text_t event;
    text_t app, session;
    text_t external_id; //  what Genesys calls the visitor of this session: channel.from.id
    text_t role, user;  //  who caused the entry
    text_t name;        //  that it is shown with
    uint64_t seq, time_ms;
    struct json_object *data; //  NULL: there is none
    struct json_object *tree; //  that the texts stand in
} genesys_item_t;

//  Returns 0, and the texts live until genesys_item_free; −1 when the body is no JSON object, or a
//  member is of another kind than it should be.
__attribute__ ((warn_unused_result)) int genesys_item_read (genesys_item_t *self, text_t body);
//  Safe behind a read that failed, and twice.
void genesys_item_free (genesys_item_t *self);

//  A text of the body, or of its data; empty when there is none.
text_t genesys_item_text (const genesys_item_t *self, const char *name);
text_t genesys_item_data_text (const genesys_item_t *self, const char *name);

#endif
