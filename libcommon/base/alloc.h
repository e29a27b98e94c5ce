//  alloc — memory, with one policy for when there is none left.
//
//  Every call returns memory. When there is none, one line goes to standard error and the process
//  aborts: it is a cache over the database, and whoever runs it starts it again. No caller tests
//  for NULL. What peers can make grow has a ceiling elsewhere (buffer.h, the limits of queues), so
//  that running out means a machine that is too small, and not a peer.
//
//  All memory is given back with free (). Not for memory whose size a peer chooses freely.

#ifndef ALLOC_H
#define ALLOC_H

#include "base/text.h"

//  `count` elements of `size` bytes, all zeros; count may be 0.
__attribute__ ((warn_unused_result, malloc)) void *alloc_array (size_t count, size_t size);
//  `size` bytes of zeros.
__attribute__ ((warn_unused_result, malloc)) static inline void *
alloc_zeroed (size_t size)
{
    return alloc_array (1, size);
}

//  The memory with another size; its contents are kept. NULL becomes new memory, not zeroed.
__attribute__ ((warn_unused_result)) void *alloc_resized (void *memory, size_t size);
//  A copy of the text, followed by a NUL.
__attribute__ ((warn_unused_result, malloc)) char *alloc_text (text_t text);
//  A copy of the string; of NULL a copy of "".
__attribute__ ((warn_unused_result, malloc)) static inline char *
alloc_string (const char *string)
{
    return alloc_text (text_of (string));
}

//  The same, with its size.
static inline text_t
alloc_copy (text_t text)
{
    return (text_t){ alloc_text (text), text.size };
}

//  A struct of `size` bytes, zeroed, and behind it, in the same piece of memory, copies of the
//  texts, each followed by a NUL. The texts are changed to point at the copies: they live as long
//  as the struct, and one free () gives all of it back.
void *alloc_packed (size_t size, text_t *texts, size_t count);

//  Says that memory is exhausted, and aborts. For libraries that report it to a hook.
__attribute__ ((noreturn)) void alloc_failed (void);

#endif
