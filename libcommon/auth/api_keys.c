#include "auth/api_keys.h"

#include "auth/hex.h"
#include "base/alloc.h"
#include "base/keyed_hash.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define BYTES 32 //  of a key, and of its hash

typedef struct {
    api_key_t key;
    unsigned char hash[BYTES];
} row_t;

struct api_keys {
    row_t rows[API_KEYS_MOST];
    size_t count;
};

//  The bytes behind the prefix. False: it is not of that form.
static bool
s_read_hex (text_t text, const char *prefix, unsigned char bytes[BYTES])
{
    size_t before = strlen (prefix);
    return text.size > before && memcmp (text.data, prefix, before) == 0
           && hex_read ((text_t){ text.data + before, text.size - before }, bytes, BYTES);
}

static void
s_hash (text_t key, unsigned char hash[BYTES])
{
    unsigned size = 0;
    int rc = EVP_Digest (key.data, key.size, hash, &size, EVP_sha256 (), NULL);
    assert (rc == 1 && size == BYTES);
}

// ---------------------------------------------------------------------------------------------

api_keys_t *
api_keys_new (void)
{
    return alloc_zeroed (sizeof (api_keys_t));
}

void
api_keys_destroy (api_keys_t **self_p)
{
    api_keys_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->count; at++)
        free ((char *) (uintptr_t) self->rows[at].key.name.data);
    free (self);
}

const char *
api_keys_add (api_keys_t *self, text_t name, text_t hash, uint64_t may)
{
    row_t row = { .key = { .may = may } };
    if (name.size == 0 || name.size > API_KEY_NAME_MOST)
        return "a key needs a \"name\" of at most 64 bytes";
    if (!s_read_hex (hash, API_KEY_HASH_PREFIX, row.hash))
        return "a key's \"hash\" is \"sha256:\" and 64 hexadecimal digits";
    for (size_t at = 0; at < self->count; at++)
        if (memcmp (self->rows[at].hash, row.hash, BYTES) == 0)
            return "two keys have the same \"hash\"";
    if (self->count == API_KEYS_MOST)
        return "there are more than 100 keys";
    text_t texts[] = { name, hash, { (const char *) &may, sizeof may } };
    keyed_digest_t digest = keyed_digest (hash_key_of_process (), texts, 3);
    memcpy (&row.key.id, digest.bytes, sizeof row.key.id);
    row.key.name = alloc_copy (name);
    self->rows[self->count++] = row;
    return NULL;
}

//  All are compared, and each as a whole.
const api_key_t *
api_keys_find (const api_keys_t *self, text_t key)
{
    unsigned char bytes[BYTES], hash[BYTES];
    const api_key_t *found = NULL;
    if (!s_read_hex (key, API_KEY_PREFIX, bytes))
        return NULL;
    s_hash (key, hash);
    for (size_t at = 0; at < self->count; at++)
        if (CRYPTO_memcmp (self->rows[at].hash, hash, BYTES) == 0)
            found = &self->rows[at].key;
    return found;
}

bool
api_keys_has (const api_keys_t *self, uint64_t id)
{
    for (size_t at = 0; at < self->count; at++)
        if (self->rows[at].key.id == id)
            return true;
    return false;
}

bool
api_key_is_meant (text_t text)
{
    size_t size = sizeof API_KEY_PREFIX - 1;
    return text.size >= size && memcmp (text.data, API_KEY_PREFIX, size) == 0;
}

bool
api_key_is_hash (text_t text)
{
    unsigned char bytes[BYTES];
    return s_read_hex (text, API_KEY_HASH_PREFIX, bytes);
}

void
api_key_make (char key[API_KEY_SIZE + 1], char hash[API_KEY_HASH_SIZE + 1])
{
    unsigned char bytes[BYTES];
    int rc = RAND_priv_bytes (bytes, BYTES);
    assert (rc == 1);
    memcpy (key, API_KEY_PREFIX, sizeof API_KEY_PREFIX);
    hex_write (key + sizeof API_KEY_PREFIX - 1, bytes, BYTES);
    key[API_KEY_SIZE] = '\0';
    s_hash (text_of (key), bytes);
    memcpy (hash, API_KEY_HASH_PREFIX, sizeof API_KEY_HASH_PREFIX);
    hex_write (hash + sizeof API_KEY_HASH_PREFIX - 1, bytes, BYTES);
    hash[API_KEY_HASH_SIZE] = '\0';
}
