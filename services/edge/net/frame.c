#include "net/frame.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

#define CONTROL_MAX 125

frame_t *
frame_new (text_t text)
{
    assert (text.size <= UINT32_MAX);
    frame_t *self = alloc_resized (NULL, sizeof *self + text.size);
    self->references = 1;
    self->size = (uint32_t) text.size;
    self->position = LOG_POSITION_UNKNOWN;
    memcpy (self->text, text.data, text.size);
    return self;
}

void
frame_destroy (frame_t **self_p)
{
    frame_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->references > 0);
    if (--self->references == 0)
        free (self);
}

int
ws_frame_put (buffer_t *to, ws_frame_t opcode, text_t payload)
{
    size_t head_size = payload.size <= CONTROL_MAX ? 2 : payload.size <= UINT16_MAX ? 4 : 10;
    unsigned char *head = (unsigned char *) buffer_grow (to, head_size + payload.size);
    if (!head)
        return -1;
    head[0] = (unsigned char) (0x80 | opcode); //  final
    head[1] = head_size == 2 ? (unsigned char) payload.size : head_size == 4 ? 126 : 127;
    for (size_t at = head_size, left = payload.size; at > 2; left >>= 8)
        head[--at] = (unsigned char) left;
    if (payload.size)
        memcpy (head + head_size, payload.data, payload.size);
    return 0;
}

int
ws_frame_put_close (buffer_t *to, unsigned code, text_t words)
{
    char payload[CONTROL_MAX];
    assert (words.size + 2 <= sizeof payload);
    if (code == 0)
        return ws_frame_put (to, WS_FRAME_CLOSE, TEXT_EMPTY);
    payload[0] = (char) (code >> 8);
    payload[1] = (char) code;
    memcpy (payload + 2, words.data, words.size);
    return ws_frame_put (to, WS_FRAME_CLOSE, (text_t){ payload, words.size + 2 });
}
