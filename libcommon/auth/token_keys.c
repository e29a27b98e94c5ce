#include "auth/token_keys.h"

#include "auth/base64url.h"
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
#define RSA_EXPONENT_MOST 8 //  bytes
#define HMAC_SIZE 32
//  A number of P-256, two of them, and a point in its uncompressed form.
#define P256_SIZE 32
#define ES256_SIZE 64
#define POINT_SIZE 65
//  The members of a JWK that hold its key, at most.
#define JWK_NUMBERS_MOST 2

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
//  Public keys of their numbers

//  Of big-endian numbers without leading zeros; NULL with a complaint. An exponent of 1 would let
//  everybody sign.
static cjose_jwk_t *
s_make_rsa (text_t modulus, text_t exponent, const char **complaint)
{
    cjose_jwk_rsa_keyspec spec = { .n = (uint8_t *) modulus.data,
                                   .nlen = modulus.size,
                                   .e = (uint8_t *) exponent.data,
                                   .elen = exponent.size };
    *complaint = "the exponent of an RSA key must be odd, at least 3, and of at most 8 bytes";
    if (exponent.size == 0 || exponent.size > RSA_EXPONENT_MOST
        || exponent.data[exponent.size - 1] % 2 == 0
        || (exponent.size == 1 && *exponent.data == 1))
        return NULL;
    *complaint = "an RSA key must have 2048 to 8192 bits";
    return cjose_jwk_create_RSA_spec (&spec, NULL);
}

//  Of P256_SIZE bytes each; NULL with a complaint.
static cjose_jwk_t *
s_make_ec (const char *x, const char *y, const char **complaint)
{
    cjose_jwk_ec_keyspec spec = { .crv = CJOSE_JWK_EC_P_256,
                                  .x = (uint8_t *) x,
                                  .xlen = P256_SIZE,
                                  .y = (uint8_t *) y,
                                  .ylen = P256_SIZE };
    *complaint = "a key for ES256 is no point of the curve P-256";
    cjose_jwk_t *jwk = cjose_jwk_create_EC_spec (&spec, NULL);
    ERR_clear_error ();
    return jwk;
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
static char *
s_number_of (const EVP_PKEY *key, const char *name, text_t *bytes)
{
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param (key, name, &number) != 1)
        return NULL;
    size_t size = (size_t) BN_num_bytes (number);
    char *room = alloc_zeroed (size + 1);
    BN_bn2bin (number, (uint8_t *) room);
    BN_free (number);
    *bytes = (text_t){ room, size };
    return room;
}

static cjose_jwk_t *
s_rsa_of (const EVP_PKEY *key, const char **complaint)
{
    text_t modulus, exponent;
    char *n = s_number_of (key, OSSL_PKEY_PARAM_RSA_N, &modulus);
    char *e = s_number_of (key, OSSL_PKEY_PARAM_RSA_E, &exponent);
    cjose_jwk_t *jwk = n && e ? s_make_rsa (modulus, exponent, complaint) : NULL;
    free (n);
    free (e);
    return jwk;
}

static cjose_jwk_t *
s_ec_of (const EVP_PKEY *key, const char **complaint)
{
    char point[POINT_SIZE], curve[40];
    size_t size = 0;
    if (EVP_PKEY_get_utf8_string_param (key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                        NULL) != 1
        || strcmp (curve, SN_X9_62_prime256v1) != 0
        || EVP_PKEY_get_octet_string_param (key, OSSL_PKEY_PARAM_PUB_KEY, (uint8_t *) point,
                                            sizeof point, &size) != 1
        || size != POINT_SIZE)
        return NULL;
    return s_make_ec (point + 1, point + 1 + P256_SIZE, complaint);
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
    *complaint = algorithm == TOKEN_RS256 ? "RS256 needs an RSA key"
                                          : "ES256 needs a key of the curve P-256";
    if (algorithm == TOKEN_RS256 && is_rsa)
        jwk = s_rsa_of (key, complaint);
    else if (algorithm == TOKEN_ES256 && is_ec)
        jwk = s_ec_of (key, complaint);
    EVP_PKEY_free (key);
    ERR_clear_error ();
    return jwk;
}

// ---------------------------------------------------------------------------------------------
//  JWK (RFC 7517, 7518 6). It is read here and not by cjose: that decodes whatever it meets, and
//  ends the process at a '=' in the middle.

typedef struct {
    const char *name;
    size_t least, most; //  bytes
    bool is_number;     //  leading zeros mean nothing
    const char *of_form, *of_size;
} jwk_member_t;

#define JWK_MEMBER(name, least, most, is_number, size)                                           \
    { name, least, most, is_number,                                                                \
      "a key of a JWK set needs \"" name "\" in base64url without padding", size }

static const struct {
    const char *type, *curve; //  NULL: it has none
    jwk_member_t members[JWK_NUMBERS_MOST];
} s_jwk_kinds[TOKEN_ALGORITHMS] = {
    [TOKEN_HS256] = { "oct", NULL,
                      { JWK_MEMBER ("k", TOKEN_SECRET_LEAST, TOKEN_KEY_TEXT_MOST, false,
                                    "an HS256 secret must have at least 32 bytes") } },
    [TOKEN_RS256] = { "RSA", NULL,
                      { JWK_MEMBER ("n", RSA_BITS_LEAST / 8, RSA_BITS_MOST / 8, true,
                                    "an RSA key must have 2048 to 8192 bits"),
                        JWK_MEMBER ("e", 1, RSA_EXPONENT_MOST, true,
                                    "the exponent of an RSA key must have 1 to 8 bytes") } },
    [TOKEN_ES256] = { "EC", "P-256",
                      { JWK_MEMBER ("x", P256_SIZE, P256_SIZE, false,
                                    "\"x\" of a key of P-256 must have 32 bytes"),
                        JWK_MEMBER ("y", P256_SIZE, P256_SIZE, false,
                                    "\"y\" of a key of P-256 must have 32 bytes") } },
};

//  A member that is a string; empty when there is none.
static text_t
s_member (struct json_object *object, const char *name)
{
    text_t text;
    (void) json_member_text (object, name, &text);
    return text;
}

//  Has it what only the owner of the key may know? A secret that both sides share is none of it.
static bool
s_is_private (struct json_object *key, token_algorithm_t algorithm)
{
    static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
    size_t count = sizeof names / sizeof *names - (algorithm == TOKEN_HS256 ? 1 : 0);
    for (size_t at = 0; at < count; at++)
        if (json_object_object_get_ex (key, names[at], NULL))
            return true;
    return false;
}

//  Decodes into memory to be freed; NULL with a complaint.
static char *
s_read_jwk_member (struct json_object *key, const jwk_member_t *member, text_t *bytes,
                   const char **complaint)
{
    text_t text = s_member (key, member->name);
    size_t most = BASE64URL_BYTES (text.size);
    char *room = alloc_zeroed (most);
    size_t size = base64url_read (text, room, most);
    *bytes = (text_t){ room, size };
    *complaint = text.size == 0 || size == SIZE_MAX ? member->of_form : NULL;
    for (; !*complaint && member->is_number && bytes->size > 0 && !*bytes->data; bytes->size--)
        bytes->data++;
    if (!*complaint && (bytes->size < member->least || bytes->size > member->most))
        *complaint = member->of_size;
    if (!*complaint)
        return room;
    free (room);
    return NULL;
}

static cjose_jwk_t *
s_jwk_of_json (struct json_object *key, token_algorithm_t algorithm, const char **complaint)
{
    const jwk_member_t *members = s_jwk_kinds[algorithm].members;
    const char *curve = s_jwk_kinds[algorithm].curve;
    char *rooms[JWK_NUMBERS_MOST] = { NULL };
    text_t bytes[JWK_NUMBERS_MOST];
    cjose_jwk_t *jwk = NULL;
    *complaint = NULL;
    if (!text_is (s_member (key, "kty"), text_of (s_jwk_kinds[algorithm].type)))
        *complaint = "the key is not of the kind that its algorithm needs";
    else if (s_is_private (key, algorithm))
        *complaint = "a private key has no place here: only its public half";
    else if (curve && !text_is (s_member (key, "crv"), text_of (curve)))
        *complaint = "ES256 needs a key of the curve P-256";
    for (size_t at = 0; at < JWK_NUMBERS_MOST && members[at].name && !*complaint; at++)
        rooms[at] = s_read_jwk_member (key, &members[at], &bytes[at], complaint);
    if (!*complaint && algorithm == TOKEN_HS256)
        jwk = cjose_jwk_create_oct_spec ((const uint8_t *) bytes[0].data, bytes[0].size, NULL);
    else if (!*complaint)
        jwk = algorithm == TOKEN_RS256 ? s_make_rsa (bytes[0], bytes[1], complaint)
                                       : s_make_ec (bytes[0].data, bytes[1].data, complaint);
    for (size_t at = 0; at < JWK_NUMBERS_MOST; at++)
        free (rooms[at]);
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

static const char *
s_add_jwk (token_keys_t *self, struct json_object *key)
{
    if (!json_object_is_type (key, json_type_object))
        return "a key of a JWK set must be an object";
    token_algorithm_t algorithm = token_algorithm_of (s_member (key, "alg"));
    if (algorithm == TOKEN_ALGORITHMS)
        return "a key of a JWK set needs an \"alg\": HS256, RS256 or ES256";
    text_t use = s_member (key, "use");
    if (use.size > 0 && !text_is (use, TEXT ("sig")))
        return "a key of a JWK set is not for signatures";
    const char *complaint;
    cjose_jwk_t *jwk = s_jwk_of_json (key, algorithm, &complaint);
    return jwk         ? s_put (self, s_member (key, "kid"), algorithm, json_print (key), jwk)
           : complaint ? complaint
                       : "the key cannot be used";
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
