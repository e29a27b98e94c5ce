//  buffer — bytes that grow up to a ceiling which is given at birth.
//
//  The struct is its owner's (it may stand inside another struct); buffer_free gives the memory
//  back. At the ceiling a buffer refuses and stays as it was: full is an answer.

#ifndef BUFFER_H
#define BUFFER_H

#include "base/text.h"

#include <stdint.h>

typedef struct {
    char *data; //  NULL until something was put in
    size_t size;
    size_t room; //  never above the ceiling
    size_t ceiling;
} buffer_t;

static inline void
buffer_init (buffer_t *self, size_t ceiling)
{
    *self = (buffer_t){ .ceiling = ceiling };
}

//  Safe on a zeroed struct and safe to call twice; the buffer can be filled again.
void buffer_free (buffer_t *self);
//  Forgets the contents and keeps the memory.
static inline void
buffer_clear (buffer_t *self)
{
    self->size = 0;
}

//  buffer_grow when the room may be too small.
__attribute__ ((warn_unused_result)) char *buffer_grow_room (buffer_t *self, size_t size);

//  Makes the buffer `size` bytes longer and returns the place of the new bytes, for the caller to
//  fill; NULL when that would pass the ceiling. The place is valid until the next call.
__attribute__ ((warn_unused_result)) static inline char *
buffer_grow (buffer_t *self, size_t size)
{
    if (self->room - self->size < size || !self->data)
        return buffer_grow_room (self, size);
    char *place = self->data + self->size;
    self->size += size;
    return place;
}

//  These return 0, or −1 when it would pass the ceiling (nothing is appended then).
__attribute__ ((warn_unused_result)) static inline int
buffer_put (buffer_t *self, const void *data, size_t size)
{
    char *place = size ? buffer_grow (self, size) : NULL;
    if (place)
        memcpy (place, data, size);
    return place || size == 0 ? 0 : -1;
}

//  In decimal digits.
__attribute__ ((warn_unused_result)) int buffer_put_number (buffer_t *self, uint64_t number);

//  How many of the text's bytes from here on stand for themselves in a JSON string.
size_t json_plain_run (text_t text, size_t from);

//  Appends the text as a JSON string, with its quotes. The text must be valid UTF-8.
__attribute__ ((warn_unused_result)) int buffer_put_json (buffer_t *self, text_t text);

__attribute__ ((warn_unused_result)) static inline int
buffer_put_text (buffer_t *self, text_t text)
{
    return buffer_put (self, text.data, text.size);
}

__attribute__ ((warn_unused_result)) static inline int
buffer_put_string (buffer_t *self, const char *string)
{
    return buffer_put (self, string, strlen (string));
}

//  What is in it: borrowed until the next call. Not followed by a NUL.
static inline text_t
buffer_text (const buffer_t *self)
{
    return self->data ? (text_t){ self->data, self->size } : TEXT_EMPTY;
}

#endif
