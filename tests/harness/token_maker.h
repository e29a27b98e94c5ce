//  token_maker — tokens put together by hand, so that they can be wrong in every way.

#ifndef TOKEN_MAKER_H
#define TOKEN_MAKER_H

#include <openssl/evp.h>
#include <stddef.h>

typedef struct {
    char text[40000]; //  followed by a NUL when it is whole
    size_t size;
    size_t signature; //  where it begins
} made_token_t;

//  base64url without padding, and a NUL; returns how many characters.
size_t token_encode (const void *bytes, size_t size, char *to);
//  "header.claims", to be signed.
void token_open (made_token_t *self, const char *header, const char *claims);
//  ".signature", of bytes that may be none.
void token_close (made_token_t *self, const void *signature, size_t size);

//  Whole ones, borrowed until the next of the same kind. HS256:
made_token_t *token_with_hmac (const char *header, const char *claims, const char *secret);
//  RS256 or ES256, as the private key is.
made_token_t *token_with_key (EVP_PKEY *key, const char *header, const char *claims);

//  PEM of the public key; the caller frees it.
char *token_public_pem (EVP_PKEY *key);

#endif
