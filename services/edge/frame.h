//  frame — one text frame on its way to clients: made once, shared by all the outboxes it waits in.
//
//  Counted references instead of copies: a message to 1,000 agents is in memory once. Before the
//  text there is room for the WebSocket header, which the socket library writes in place (the same
//  bytes for every client, as servers do not mask).

#ifndef FRAME_H
#define FRAME_H

#include "words/text.h"

#include <stdint.h>

#define FRAME_HEADROOM 16

typedef struct {
    uint32_t references;
    uint32_t size;
    char headroom[FRAME_HEADROOM];
    char text[];
} frame_t;

//  Copies the text. The caller has the only reference. NULL when there is no memory.
frame_t *frame_new (text_t text);
//  One reference more.
frame_t *frame_share (frame_t *self);
//  Gives one reference back; the last one frees. Safe on NULL.
void frame_destroy (frame_t **self_p);

#endif
