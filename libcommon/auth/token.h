//  token — a JSON Web Token (RFC 7519) that is signed (RFC 7515, compact form), checked and read:
//  who its bearer is, as the app's own server says. docs/tokens.md has the claims.
//
//  libcjose checks the signature. It is asked only about tokens of which everything else has been
//  found good: form, alphabet and exact size of each part (a signature that is too short would be
//  read beyond its end), a header with nothing in it but alg, kid and typ, and a key of ours whose
//  algorithm is the token's. Nothing in a token can bring a key, name one to be fetched, be
//  compressed, encrypted, or be a token itself.
//
//  A token is as good as the secret that it is: nothing here logs it.

#ifndef TOKEN_H
#define TOKEN_H

#include "auth/token_keys.h"
#include "base/buffer.h"
#include "model/model.h"

#define TOKEN_MOST 8192
#define TOKEN_GROUPS_MOST 32
#define TOKEN_GROUP_MOST TOKEN_AUDIENCE_MOST
//  Clocks differ.
#define TOKEN_LEEWAY_S 30

typedef enum {
    TOKEN_GOOD,
#define TOKEN_FAULT(NAME, code, words) TOKEN_FAULT_##NAME,
#include "auth/token_faults.def"
#undef TOKEN_FAULT
    TOKEN_FAULTS
} token_fault_t;

const char *token_fault_code (token_fault_t fault);
const char *token_fault_words (token_fault_t fault);

//  What the claims say. Texts and arrays belong to the token.
typedef struct {
    role_t kind;    //  ROLE_VISITOR, ROLE_AGENT or ROLE_API
    text_t user;    //  sub
    text_t name;    //  may be empty
    text_t session; //  the id of the one session that the bearer is bound to; empty: none
    uint64_t key;   //  that signed it (token_keys_has)
    const text_t *groups;
    size_t group_count;
    bool has_scopes; //  the claim is there, be it empty
    const text_t *scopes;
    size_t scope_count;
    uint64_t expires_s; //  since 1970
} token_claims_t;

typedef struct {
    text_t app;      //  the app that the bearer wants to come in to
    text_t audience; //  that the app's tokens are for; empty: a token must name none
    uint64_t now_s;  //  since 1970
} token_expected_t;

typedef struct token token_t;

//  NULL with a fault. The keys need not outlive the token.
token_t *token_new (const token_keys_t *keys, text_t compact, const token_expected_t *expected,
                    token_fault_t *fault);
void token_destroy (token_t **self_p);
const token_claims_t *token_claims (const token_t *self);

//  Appends a token with these claims (a JSON object), signed with a key of token_keys_signing. 0;
//  −1 when it is too long for the buffer.
__attribute__ ((warn_unused_result)) int token_sign (const token_key_t *key, text_t claims,
                                                     buffer_t *to);

#endif
