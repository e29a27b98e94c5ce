//  frame — one text frame on its way to clients: made once, shared by all the outboxes it waits in.
//
//  Counted references instead of copies: a message to 1,000 agents is in memory once.

#ifndef FRAME_H
#define FRAME_H

#include "base/text.h"

#include <stdint.h>

typedef struct {
    uint32_t references;
    uint32_t size;
    char text[];
} frame_t;

//  Copies the text. The caller has the only reference.
frame_t *frame_new (text_t text);
//  One reference more.
frame_t *frame_share (frame_t *self);
//  Gives one reference back; the last one frees. Safe on NULL.
void frame_destroy (frame_t **self_p);

#endif
