#include "base/keyed_hash.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(HASH_KEY_SIZE == crypto_shorthash_KEYBYTES, "a key of SipHash");
_Static_assert(sizeof (keyed_digest_t) == crypto_shorthash_siphashx24_BYTES,
               "128 bits of SipHash");
_Static_assert(sizeof (uint64_t) == crypto_shorthash_BYTES, "a hash of SipHash");

#define SHORT_MOST 512

hash_key_t
hash_key_of (text_t bytes)
{
    hash_key_t key = { { 0 } };
    if (bytes.size == HASH_KEY_SIZE)
        memcpy (key.bytes, bytes.data, HASH_KEY_SIZE);
    return key;
}

hash_key_t
hash_key_derived (text_t secret)
{
    static const char s_purpose[] = "stentor: weights of sessions";
    hash_key_t key = { { 0 } };
    if (secret.size == 0)
        return key;
    int rc =
        crypto_generichash (key.bytes, sizeof key.bytes, (const unsigned char *) secret.data,
                            secret.size, (const unsigned char *) s_purpose, sizeof s_purpose - 1);
    assert (rc == 0);
    return key;
}

const hash_key_t *
hash_key_of_process (void)
{
    static hash_key_t s_key;
    static bool s_is_made;
    if (!s_is_made) {
        crypto_shorthash_keygen (s_key.bytes);
        s_is_made = true;
    }
    return &s_key;
}

uint64_t
keyed_hash (const hash_key_t *key, text_t text)
{
    uint64_t hash;
    crypto_shorthash ((unsigned char *) &hash, (const unsigned char *) text.data, text.size,
                      key->bytes);
    return hash;
}

//  A digest of the texts' digests: each has one size, so that it is clear where a text ends.
//  Short texts, as nearly all are, stand behind each other, each behind its size: one pass.
static bool
s_digest_short (const hash_key_t *key, const text_t *texts, size_t count, keyed_digest_t *digest)
{
    unsigned char bytes[SHORT_MOST];
    size_t size = 0;
    for (size_t at = 0; at < count; at++) {
        if (texts[at].size > SHORT_MOST - sizeof (uint64_t) - size)
            return false;
        uint64_t text_size = texts[at].size;
        memcpy (bytes + size, &text_size, sizeof text_size);
        memcpy (bytes + size + sizeof text_size, texts[at].data, texts[at].size);
        size += sizeof text_size + texts[at].size;
        if (size > SHORT_MOST - sizeof (uint64_t))
            return false;
    }
    crypto_shorthash_siphashx24 (digest->bytes, bytes, size, key->bytes);
    return true;
}

keyed_digest_t
keyed_digest (const hash_key_t *key, const text_t *texts, size_t count)
{
    keyed_digest_t each[KEYED_DIGEST_TEXTS], digest;
    assert (count <= KEYED_DIGEST_TEXTS);
    if (s_digest_short (key, texts, count, &digest))
        return digest;
    for (size_t at = 0; at < count; at++)
        crypto_shorthash_siphashx24 (each[at].bytes, (const unsigned char *) texts[at].data,
                                     texts[at].size, key->bytes);
    crypto_shorthash_siphashx24 (digest.bytes, each[0].bytes, count * sizeof *each, key->bytes);
    return digest;
}

open_digest_t
open_digest (const text_t *texts, size_t count)
{
    crypto_hash_sha256_state state;
    unsigned char bytes[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init (&state);
    for (size_t at = 0; at < count; at++) {
        uint64_t size = texts[at].size;
        crypto_hash_sha256_update (&state, (const unsigned char *) &size, sizeof size);
        crypto_hash_sha256_update (&state, (const unsigned char *) texts[at].data, size);
    }
    crypto_hash_sha256_final (&state, bytes);
    open_digest_t digest;
    sodium_bin2hex (digest.text, sizeof digest.text, bytes, OPEN_DIGEST_SIZE / 2);
    return digest;
}

//  Every bit of the result depends on every bit of the number, so that weights compare evenly.
static uint64_t
s_mix (uint64_t number)
{
    number = (number ^ (number >> 33)) * UINT64_C (0xff51afd7ed558ccd);
    number = (number ^ (number >> 33)) * UINT64_C (0xc4ceb9fe1a85ec53);
    return number ^ (number >> 33);
}

//  Nodes may have one hash key in common: the hash of the node keeps their weights apart, and the
//  mixing their order from being the same for all keys.
uint64_t
rendezvous_weight (const hash_key_t *hash_key, text_t key, text_t node)
{
    return s_mix (keyed_hash (hash_key, key) + s_mix (keyed_hash (hash_key, node)));
}
