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
    size_t room;
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

//  Makes the buffer `size` bytes longer and returns the place of the new bytes, for the caller to
//  fill; NULL when that would pass the ceiling. The place is valid until the next call.
__attribute__ ((warn_unused_result)) char *buffer_grow (buffer_t *self, size_t size);

//  These return 0, or −1 when it would pass the ceiling (nothing is appended then).
__attribute__ ((warn_unused_result)) int buffer_put (buffer_t *self, const void *data,
                                                     size_t size);
//  In decimal digits.
__attribute__ ((warn_unused_result)) int buffer_put_number (buffer_t *self, uint64_t number);

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
