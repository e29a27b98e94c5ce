//  packed_alloc — a struct and copies of the texts it refers to, in one piece of memory: one
//  allocation, one free, and no text that outlives or is outlived by its struct.

#ifndef PACKED_ALLOC_H
#define PACKED_ALLOC_H

#include "base/text.h"

//  Memory for a struct of `size` bytes, zeroed, followed by copies of the texts, each with a NUL
//  behind it. The texts are changed to point at the copies. Freed with free(). Aborts when memory
//  is exhausted.
void *packed_new (size_t size, text_t *texts, size_t count);

#endif
