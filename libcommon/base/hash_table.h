//  hash_table — uthash with a keyed hash and our policy for when there is no memory. Clients choose
//  many of the keys, and must not be able to choose ones that collide. Never include uthash.h.

#ifndef HASH_TABLE_H
#define HASH_TABLE_H

#include "base/alloc.h"
#include "base/keyed_hash.h"

#define HASH_FUNCTION(data, size, hash)                                                          \
    hash = (unsigned) keyed_hash (hash_key_of_process (),                                        \
                                  (text_t){ (const char *) (data), (size_t) (size) })
#define uthash_fatal(message) alloc_failed ()

#include <uthash.h>

//  For keys that are 64-bit numbers of our own making, counted from a random one: nobody chooses
//  them, and mixing them costs a tenth of a keyed hash.
static inline unsigned
hash_of_number (uint64_t number)
{
    number = (number ^ (number >> 32)) * UINT64_C (0x9e3779b97f4a7c15);
    return (unsigned) (number >> 32);
}

#define HASH_ADD_NUMBER(hh, head, member, thing)                                                 \
    HASH_ADD_BYHASHVALUE (hh, head, member, sizeof (uint64_t), hash_of_number ((thing)->member), \
                          thing)
#define HASH_FIND_NUMBER(hh, head, number, thing)                                                \
    HASH_FIND_BYHASHVALUE (hh, head, &(number), sizeof (uint64_t), hash_of_number (number), thing)

#endif
