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

#endif
