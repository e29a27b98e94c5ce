#include "net/frame.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

frame_t *
frame_new (text_t text)
{
    assert (text.size <= UINT32_MAX);
    frame_t *self = alloc_resized (NULL, sizeof *self + text.size);
    self->references = 1;
    self->size = (uint32_t) text.size;
    memcpy (self->text, text.data, text.size);
    return self;
}

frame_t *
frame_share (frame_t *self)
{
    self->references++;
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
