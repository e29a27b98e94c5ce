//  keyed_hash — SipHash-2-4 (of libsodium) with a key of 16 bytes: who does not have the key cannot
//  choose inputs that collide, or that all land in one place.

#ifndef KEYED_HASH_H
#define KEYED_HASH_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define HASH_KEY_SIZE 16

typedef struct {
    unsigned char bytes[HASH_KEY_SIZE];
} hash_key_t;

//  The key with these bytes; of anything but 16 bytes the key of zeros, which everybody knows.
hash_key_t hash_key_of (text_t bytes);
//  A key that follows from the secret, and says nothing about it. Of "" the key of zeros.
hash_key_t hash_key_derived (text_t secret);
//  Another one in each process: for tables in memory.
const hash_key_t *hash_key_of_process (void);

uint64_t keyed_hash (const hash_key_t *key, text_t text);

//  128 bits that stand for several texts (SipHash-2-4-128): who does not have the key cannot find
//  two lists of as many texts with the same digest, and by chance there are none. Where one text
//  ends and the next begins counts.
#define KEYED_DIGEST_TEXTS 4 //  at most
typedef struct {
    unsigned char bytes[16];
} keyed_digest_t;

keyed_digest_t keyed_digest (const hash_key_t *key, const text_t *texts, size_t count);

//  128 bits of SHA-256 over the texts, as hexadecimal digits: the same in every process, and known
//  to everybody who knows the texts. Where one text ends and the next begins counts.
#define OPEN_DIGEST_SIZE 32
typedef struct {
    char text[OPEN_DIGEST_SIZE + 1];
} open_digest_t;

open_digest_t open_digest (const text_t *texts, size_t count);

static inline bool
keyed_digest_is (const keyed_digest_t *self, const keyed_digest_t *other)
{
    return memcmp (self->bytes, other->bytes, sizeof self->bytes) == 0;
}

//  Rendezvous hashing: which of several live nodes a key belongs to is the one with the highest
//  weight. Everyone who sees the same nodes comes to the same answer, and a node that comes or goes
//  moves only its keys. The hash key is the node's own: weights compare all the same, as each is
//  evenly spread.
uint64_t rendezvous_weight (const hash_key_t *hash_key, text_t key, text_t node);

//  Borrowed: the bytes of the key.
static inline text_t
hash_key_text (const hash_key_t *key)
{
    return (text_t){ (const char *) key->bytes, HASH_KEY_SIZE };
}

#endif
