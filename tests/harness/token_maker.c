#include "token_maker.h"

#include "base/alloc.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

size_t
token_encode (const void *bytes, size_t size, char *to)
{
    size_t count = (size_t) EVP_EncodeBlock ((unsigned char *) to, bytes, (int) size);
    while (count > 0 && to[count - 1] == '=')
        count--;
    for (size_t at = 0; at < count; at++)
        to[at] = to[at] == '+' ? '-' : to[at] == '/' ? '_' : to[at];
    to[count] = '\0';
    return count;
}

void
token_open (made_token_t *self, const char *header, const char *claims)
{
    self->size = token_encode (header, strlen (header), self->text);
    self->text[self->size++] = '.';
    self->size += token_encode (claims, strlen (claims), self->text + self->size);
    self->signature = self->size + 1;
}

void
token_close (made_token_t *self, const void *signature, size_t size)
{
    self->text[self->size++] = '.';
    self->size += token_encode (signature, size, self->text + self->size);
}

made_token_t *
token_with_hmac (const char *header, const char *claims, const char *secret)
{
    static made_token_t made;
    unsigned char signature[32];
    unsigned size = 0;
    token_open (&made, header, claims);
    HMAC (EVP_sha256 (), secret, (int) strlen (secret), (const unsigned char *) made.text,
          made.size, signature, &size);
    token_close (&made, signature, size);
    return &made;
}

//  A signature of RS256 is as it is; one of ES256 is two numbers of 32 bytes.
made_token_t *
token_with_key (EVP_PKEY *key, const char *header, const char *claims)
{
    static made_token_t made;
    unsigned char signature[512];
    size_t size = sizeof signature;
    token_open (&made, header, claims);
    EVP_MD_CTX *context = EVP_MD_CTX_new ();
    EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, key);
    EVP_DigestSign (context, signature, &size, (const unsigned char *) made.text, made.size);
    EVP_MD_CTX_free (context);
    if (EVP_PKEY_get_base_id (key) == EVP_PKEY_EC) {
        const unsigned char *der = signature;
        ECDSA_SIG *pair = d2i_ECDSA_SIG (NULL, &der, (long) size);
        BN_bn2binpad (ECDSA_SIG_get0_r (pair), signature, 32);
        BN_bn2binpad (ECDSA_SIG_get0_s (pair), signature + 32, 32);
        ECDSA_SIG_free (pair);
        size = 64;
    }
    token_close (&made, signature, size);
    return &made;
}

char *
token_public_pem (EVP_PKEY *key)
{
    BIO *bio = BIO_new (BIO_s_mem ());
    char *bytes;
    PEM_write_bio_PUBKEY (bio, key);
    long size = BIO_get_mem_data (bio, &bytes);
    char *pem = alloc_text ((text_t){ bytes, (size_t) size });
    BIO_free (bio);
    return pem;
}
