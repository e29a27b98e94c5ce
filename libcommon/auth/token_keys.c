#include "auth/token_keys.h"

#include "base/alloc.h"
#include "base/keyed_hash.h"
#include "json/json_read.h"

#include <assert.h>
#include <cjose/cjose.h>
#include <json-c/json.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST 8192
#define HMAC_SIZE 32
//  Two numbers of P-256, and a point in its uncompressed form.
#define ES256_SIZE 64
#define POINT_SIZE 65

const char *const token_algorithms[TOKEN_ALGORITHMS] = {"HS256", "RS256", "ES256"};

struct token_keys {
    token_key_t keys[TOKEN_KEYS_MOST];
    size_t count;
};

token_algorithm_t
token_algorithm_of (text_t name)
{
    size_t at = 0;
    while (at < TOKEN_ALGORITHMS && !text_is (name, text_of (token_algorithms[at])))
        at++;
    return (token_algorithm_t) at;
}

token_keys_t *
token_keys_new (void)
{
    return alloc_zeroed (sizeof (token_keys_t));
}

void
token_keys_destroy (token_keys_t **self_p)
{
    token_keys_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->count; at++) {
        free (self->keys[at].kid);
        cjose_jwk_release (self->keys[at].jwk);
    }
    free (self);
}

size_t
token_keys_count (const token_keys_t *self)
{
    return self->count;
}

bool
token_keys_has (const token_keys_t *self, uint64_t id)
{
    for (size_t at = 0; at < self->count; at++)
        if (self->keys[at].id == id)
            return true;
    return false;
}

const token_key_t *
token_keys_signing (const token_keys_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        if (self->keys[at].algorithm == TOKEN_HS256)
            return &self->keys[at];
    return NULL;
}

const token_key_t *
token_keys_find (const token_keys_t *self, text_t kid)
{
    if (kid.size == 0)
        return self->count == 1 ? &self->keys[0] : NULL;
    for (size_t at = 0; at < self->count; at++)
        if (text_is (kid, text_of (self->keys[at].kid)))
            return &self->keys[at];
    return NULL;
}

// ---------------------------------------------------------------------------------------------
//  PEM

//  The key of a PEM text; NULL with a complaint.
static EVP_PKEY *
s_read_pem (text_t pem, const char **complaint)
{
    BIO *bio = BIO_new_mem_buf (pem.data, (int) pem.size);
    EVP_PKEY *key = NULL;
    *complaint = "a key must be PEM: \"-----BEGIN PUBLIC KEY-----\" or a certificate";
    if (!bio)
        alloc_failed ();
    if (memmem (pem.data, pem.size, "PRIVATE KEY-----", 16))
        *complaint = "a private key has no place here: only its public half";
    else if (memmem (pem.data, pem.size, "-----BEGIN CERTIFICATE-----", 27)) {
        X509 *certificate = PEM_read_bio_X509 (bio, NULL, NULL, NULL);
        key = certificate ? X509_get_pubkey (certificate) : NULL;
        X509_free (certificate);
    } else
        key = PEM_read_bio_PUBKEY (bio, NULL, NULL, NULL);
    BIO_free (bio);
    ERR_clear_error ();
    return key;
}

//  The big-endian bytes of a number of the key, to be freed; NULL when there is none.
static uint8_t *
s_number_of (const EVP_PKEY *key, const char *name, size_t *size)
{
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param (key, name, &number) != 1)
        return NULL;
    *size = (size_t) BN_num_bytes (number);
    uint8_t *bytes = alloc_zeroed (*size + 1);
    BN_bn2bin (number, bytes);
    BN_free (number);
    return bytes;
}

static cjose_jwk_t *
s_rsa_of (const EVP_PKEY *key)
{
    cjose_jwk_rsa_keyspec spec = {0};
    cjose_jwk_t *jwk = NULL;
    spec.n = s_number_of (key, OSSL_PKEY_PARAM_RSA_N, &spec.nlen);
    spec.e = s_number_of (key, OSSL_PKEY_PARAM_RSA_E, &spec.elen);
    if (spec.n && spec.e)
        jwk = cjose_jwk_create_RSA_spec (&spec, NULL);
    free (spec.n);
    free (spec.e);
    return jwk;
}

static cjose_jwk_t *
s_ec_of (const EVP_PKEY *key)
{
    uint8_t point[POINT_SIZE];
    char curve[40];
    size_t size = 0;
    if (EVP_PKEY_get_utf8_string_param (key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                        NULL) != 1
        || strcmp (curve, SN_X9_62_prime256v1) != 0
        || EVP_PKEY_get_octet_string_param (key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                         &size) != 1
        || size != POINT_SIZE)
        return NULL;
    cjose_jwk_ec_keyspec spec = {
        .crv = CJOSE_JWK_EC_P_256, .x = point + 1, .xlen = 32, .y = point + 33, .ylen = 32};
    return cjose_jwk_create_EC_spec (&spec, NULL);
}

static cjose_jwk_t *
s_jwk_of_pem (token_algorithm_t algorithm, text_t pem, const char **complaint)
{
    EVP_PKEY *key = s_read_pem (pem, complaint);
    if (!key)
        return NULL;
    bool is_rsa = EVP_PKEY_get_base_id (key) == EVP_PKEY_RSA;
    bool is_ec = EVP_PKEY_get_base_id (key) == EVP_PKEY_EC;
    cjose_jwk_t *jwk = NULL;
    if (algorithm == TOKEN_RS256 && is_rsa)
        jwk = s_rsa_of (key);
    else if (algorithm == TOKEN_ES256 && is_ec)
        jwk = s_ec_of (key);
    *complaint = algorithm == TOKEN_RS256 ? "RS256 needs an RSA key"
                                          : "ES256 needs a key of the curve P-256";
    EVP_PKEY_free (key);
    ERR_clear_error ();
    return jwk;
}

// ---------------------------------------------------------------------------------------------
//  Adding

//  A secret that everybody can read is none: a public key, in whatever form it stands.
static const char *
s_check_secret (text_t secret)
{
    if (secret.size < TOKEN_SECRET_LEAST)
        return "an HS256 secret must have at least 32 bytes";
    if (memmem (secret.data, secret.size, "-----BEGIN ", 11) || memchr ("{[", *secret.data, 2))
        return "an HS256 secret must be random text: this is a key of another kind";
    return NULL;
}

//  Is the key of the kind and size that its algorithm needs? Takes the key in any case.
static const char *
s_put (token_keys_t *self, text_t kid, token_algorithm_t algorithm, text_t key, cjose_jwk_t *jwk)
{
    static const cjose_jwk_kty_t kinds[] = { [TOKEN_HS256] = CJOSE_JWK_KTY_OCT,
                                             [TOKEN_RS256] = CJOSE_JWK_KTY_RSA,
                                             [TOKEN_ES256] = CJOSE_JWK_KTY_EC };
    const char *complaint = NULL;
    size_t bits = cjose_jwk_get_keysize (jwk, NULL);
    if (cjose_jwk_get_kty (jwk, NULL) != kinds[algorithm])
        complaint = "the key is not of the kind that its algorithm needs";
    else if (algorithm == TOKEN_HS256 && bits < 8 * TOKEN_SECRET_LEAST)
        complaint = "an HS256 secret must have at least 32 bytes";
    else if (algorithm == TOKEN_RS256 && (bits < RSA_BITS_LEAST || bits > RSA_BITS_MOST))
        complaint = "an RSA key must have 2048 to 8192 bits";
    else if (algorithm == TOKEN_ES256 && cjose_jwk_EC_get_curve (jwk, NULL) != CJOSE_JWK_EC_P_256)
        complaint = "ES256 needs a key of the curve P-256";
    else if (kid.size == 0 || kid.size > TOKEN_KID_MOST || memchr (kid.data, 0, kid.size))
        complaint = "a key needs a \"kid\" of at most 200 bytes";
    else if (token_keys_find (self, kid))
        complaint = "two keys have the same \"kid\"";
    else if (self->count == TOKEN_KEYS_MOST)
        complaint = "there are more than 32 keys";
    if (complaint) {
        cjose_jwk_release (jwk);
        return complaint;
    }
    size_t size = algorithm == TOKEN_HS256   ? HMAC_SIZE
                  : algorithm == TOKEN_RS256 ? (bits + 7) / 8
                                             : ES256_SIZE;
    text_t texts[] = { kid, text_of (token_algorithms[algorithm]), key };
    keyed_digest_t digest = keyed_digest (hash_key_of_process (), texts, 3);
    token_key_t *made = &self->keys[self->count++];
    *made = (token_key_t){ .kid = alloc_text (kid),
                           .algorithm = algorithm,
                           .signature_size = size,
                           .jwk = jwk };
    memcpy (&made->id, digest.bytes, sizeof made->id);
    return NULL;
}

const char *
token_keys_add (token_keys_t *self, text_t kid, token_algorithm_t algorithm, text_t key)
{
    const char *complaint = NULL;
    cjose_jwk_t *jwk = NULL;
    if (key.size == 0 || key.size > TOKEN_KEY_TEXT_MOST)
        return "a key must have 1 to 65536 bytes";
    if (algorithm == TOKEN_HS256) {
        complaint = s_check_secret (key);
        if (!complaint)
            jwk = cjose_jwk_create_oct_spec ((const uint8_t *) key.data, key.size, NULL);
    } else
        jwk = s_jwk_of_pem (algorithm, key, &complaint);
    if (jwk)
        return s_put (self, kid, algorithm, key, jwk);
    return complaint ? complaint : "the key cannot be used";
}

//  A member that is a string; empty when there is none.
static text_t
s_member (struct json_object *object, const char *name)
{
    text_t text;
    (void) json_member_text (object, name, &text);
    return text;
}

static const char *
s_add_jwk (token_keys_t *self, struct json_object *key)
{
    if (!json_object_is_type (key, json_type_object))
        return "a key of a JWK set must be an object";
    token_algorithm_t algorithm = token_algorithm_of (s_member (key, "alg"));
    if (algorithm == TOKEN_ALGORITHMS)
        return "a key of a JWK set needs an \"alg\": HS256, RS256 or ES256";
    if (json_object_object_get_ex (key, "d", NULL))
        return "a private key has no place here: only its public half";
    text_t use = s_member (key, "use");
    if (use.size > 0 && !text_is (use, TEXT ("sig")))
        return "a key of a JWK set is not for signatures";
    text_t json = json_print (key);
    cjose_jwk_t *jwk = cjose_jwk_import (json.data, json.size, NULL);
    return jwk ? s_put (self, s_member (key, "kid"), algorithm, json, jwk)
               : "a key of a JWK set cannot be read";
}

const char *
token_keys_add_set (token_keys_t *self, text_t jwk_set)
{
    json_reading_t reading;
    struct json_object *keys = NULL;
    if (jwk_set.size > TOKEN_KEY_TEXT_MOST)
        return "a JWK set must have at most 65536 bytes";
    struct json_object *set =
        json_read (jwk_set, &(json_limits_t){ .depth_most = 8, .values_most = 1000 }, &reading);
    const char *complaint = "a JWK set is an object with an array \"keys\"";
    if (json_object_is_type (set, json_type_object)
        && json_object_object_get_ex (set, "keys", &keys)
        && json_object_is_type (keys, json_type_array)) {
        complaint = json_object_array_length (keys) == 0 ? "a JWK set has no keys" : NULL;
        for (size_t at = 0; at < json_object_array_length (keys) && !complaint; at++)
            complaint = s_add_jwk (self, json_object_array_get_idx (keys, at));
    }
    json_object_put (set);
    return complaint;
}
