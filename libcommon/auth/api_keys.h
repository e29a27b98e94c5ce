//  api_keys — the keys of an app's servers. A key is random text that is its bearer's whole proof;
//  the configuration has its name, its SHA-256 and what it allows, so that whoever reads the
//  configuration cannot use it. A fast hash is enough: 256 random bits are not guessed.
//
//  A key is "stk_" and 64 hexadecimal digits: so the door, and tools that look for leaked secrets,
//  tell it from a token. What is of another form is no key, whatever its hash: nobody can choose a
//  weak one by mistake.
//
//  Made once, when the configuration is read; reading it later changes nothing, so that a set may
//  be made in one thread and used in another.

#ifndef API_KEYS_H
#define API_KEYS_H

#include "base/text.h"

#include <stdint.h>

#define API_KEYS_MOST 100
#define API_KEY_NAME_MOST 64
#define API_KEY_PREFIX "stk_"
#define API_KEY_SIZE (sizeof API_KEY_PREFIX - 1 + 64)
#define API_KEY_HASH_PREFIX "sha256:"
#define API_KEY_HASH_SIZE (sizeof API_KEY_HASH_PREFIX - 1 + 64)

typedef struct api_keys api_keys_t;

//  One key; borrowed from the set.
typedef struct {
    text_t name;  //  several may have the same one: while one replaces another
    uint64_t may; //  permissions, as bits
    uint64_t id;  //  of all that is known of it, in this process: another one has another one
} api_key_t;

api_keys_t *api_keys_new (void);
void api_keys_destroy (api_keys_t **self_p);

//  Returns NULL, or what is wrong, for people. `hash` is "sha256:" and hexadecimal digits.
__attribute__ ((warn_unused_result)) const char *api_keys_add (api_keys_t *self, text_t name,
                                                               text_t hash, uint64_t may);
//  The key with this text; NULL: there is none. How long it takes does not tell how much of it is
//  right.
const api_key_t *api_keys_find (const api_keys_t *self, text_t key);
//  Is the very key still among them, with the same name and permissions?
bool api_keys_has (const api_keys_t *self, uint64_t id);

//  Is it meant as a key? It may be a wrong one.
bool api_key_is_meant (text_t text);
bool api_key_is_hash (text_t text);

//  A new key, and its hash, each followed by a NUL.
void api_key_make (char key[API_KEY_SIZE + 1], char hash[API_KEY_HASH_SIZE + 1]);

#endif
