#include "translation/memory_frame.h"

#include <assert.h>

json_writer_t *
memory_begin (memory_frame_t *self, size_t most)
{
    buffer_init (&self->buffer, most);
    json_write_begin (&self->json, &self->buffer);
    json_open_object (&self->json, NULL);
    return &self->json;
}

text_t
memory_end (memory_frame_t *self, char *room)
{
    json_close_object (&self->json);
    int rc = json_write_end (&self->json);
    assert (rc == 0); //  numbers, ids and names, which have limits
    text_t text = { room, self->buffer.size };
    memcpy (room, self->buffer.data, self->buffer.size);
    buffer_free (&self->buffer);
    return text;
}
