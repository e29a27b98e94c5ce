//  token_keys — the keys that an app's tokens are signed with, each with the one algorithm that it
//  is for. A token only chooses among them by its `kid`: what it says of its algorithm must be
//  what the key says.
//
//  Formats: an HMAC secret is the text as it stands (RFC 7518 3.2: 32 bytes at least); a public key
//  is PEM ("BEGIN PUBLIC KEY", "BEGIN CERTIFICATE") or a JWK set (RFC 7517) whose keys have "kid"
//  and "alg". RSA keys have 2048 to 8192 bits, elliptic ones are of P-256. A private key is
//  refused: a router that can make tokens is worth stealing from. So is a public key that is given
//  as a secret.
//
//  Made once, when the configuration is read; reading it later changes nothing, so that a set may
//  be made in one thread and used in another.

#ifndef TOKEN_KEYS_H
#define TOKEN_KEYS_H

#include "base/text.h"

#include <stdint.h>

#define TOKEN_KEYS_MOST 32
#define TOKEN_KID_MOST 200
#define TOKEN_SECRET_LEAST 32
#define TOKEN_AUDIENCE_MOST 100
//  Of a key's text, whatever its form.
#define TOKEN_KEY_TEXT_MOST 65536

typedef enum { TOKEN_HS256, TOKEN_RS256, TOKEN_ES256, TOKEN_ALGORITHMS } token_algorithm_t;

extern const char *const token_algorithms[TOKEN_ALGORITHMS];
//  TOKEN_ALGORITHMS when the name is none of ours.
token_algorithm_t token_algorithm_of (text_t name);

typedef struct token_keys token_keys_t;

token_keys_t *token_keys_new (void);
void token_keys_destroy (token_keys_t **self_p);

//  Each returns NULL, or what is wrong, for people. Texts are copied.
__attribute__ ((warn_unused_result)) const char *
token_keys_add (token_keys_t *self, text_t kid, token_algorithm_t algorithm, text_t key);
__attribute__ ((warn_unused_result)) const char *token_keys_add_set (token_keys_t *self,
                                                                     text_t jwk_set);

size_t token_keys_count (const token_keys_t *self);

//  One key; borrowed from the set. The struct is open to token.c.
typedef struct {
    char *kid;
    uint64_t id; //  of kid, algorithm and key, in this process: another key has another one
    token_algorithm_t algorithm;
    size_t signature_size; //  bytes
    struct _cjose_jwk_int *jwk;
} token_key_t;

//  The first HS256 key, which can sign as well as check; NULL: there is none.
const token_key_t *token_keys_signing (const token_keys_t *self);
//  Is the very key still among them, and not another one of the same kid?
bool token_keys_has (const token_keys_t *self, uint64_t id);
//  An empty kid asks for the only key. NULL: there is none, or not just one.
const token_key_t *token_keys_find (const token_keys_t *self, text_t kid);

#endif
