//  token — whose word is taken for who somebody is: good tokens of each algorithm, and every attack
//  on them that is known. Tokens are put together by hand here, so that they can be wrong.

#include "auth/token.h"

#include "base/alloc.h"
#include "token_maker.h"

#include <criterion/criterion.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW 1800000000u
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"h\"}"
#define CLAIMS "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"anna\",\"exp\":1800000600}"

static EVP_PKEY *s_rsa, *s_ec;
static char *s_rsa_pem, *s_ec_pem;
static token_keys_t *s_keys;

static void
s_begin (void)
{
    s_rsa = EVP_RSA_gen (2048);
    s_ec = EVP_EC_gen ("P-256");
    s_rsa_pem = token_public_pem (s_rsa);
    s_ec_pem = token_public_pem (s_ec);
    s_keys = token_keys_new ();
    cr_assert_null (token_keys_add (s_keys, TEXT ("h"), TOKEN_HS256, TEXT (SECRET)));
    cr_assert_null (token_keys_add (s_keys, TEXT ("r"), TOKEN_RS256, text_of (s_rsa_pem)));
    cr_assert_null (token_keys_add (s_keys, TEXT ("e"), TOKEN_ES256, text_of (s_ec_pem)));
}

static void
s_end (void)
{
    token_keys_destroy (&s_keys);
    EVP_PKEY_free (s_rsa);
    EVP_PKEY_free (s_ec);
    free (s_rsa_pem);
    free (s_ec_pem);
}

TestSuite (token, .init = s_begin, .fini = s_end);

// ---------------------------------------------------------------------------------------------
//  Checking tokens

static token_t *
s_check (text_t compact, token_fault_t *fault)
{
    //  Just its bytes, so that a sanitizer sees who reads beyond them.
    char *exact = malloc (compact.size ? compact.size : 1);
    memcpy (exact, compact.data, compact.size);
    token_t *token = token_new (
        s_keys, (text_t){exact, compact.size},
        &(token_expected_t){.app = TEXT ("demo"), .audience = TEXT_EMPTY, .now_s = NOW}, fault);
    free (exact);
    cr_assert_eq (token == NULL, *fault != TOKEN_GOOD);
    return token;
}

static const char *
s_fault (text_t compact)
{
    token_fault_t fault;
    token_t *token = s_check (compact, &fault);
    token_destroy (&token);
    return token_fault_code (fault);
}

static const char *
s_fault_of (const made_token_t *made)
{
    return s_fault ((text_t){made->text, made->size});
}

//  The fault of claims that are signed as they should be.
static const char *
s_fault_of_claims (const char *claims)
{
    return s_fault_of (token_with_hmac (HEADER, claims, SECRET));
}

static const char *
s_fault_of_header (const char *header)
{
    return s_fault_of (token_with_hmac (header, CLAIMS, SECRET));
}

// ---------------------------------------------------------------------------------------------

Test (token, says_who_its_bearer_is)
{
    token_fault_t fault;
    const made_token_t *made =
        token_with_hmac (HEADER,
                "{\"app\":\"demo\",\"kind\":\"visitor\",\"sub\":\"v-1\",\"name\":\"J\\u00fcrgen\","
                "\"session\":\"s1\",\"groups\":[\"sales\",\"night\"],\"scopes\":[\"read\"],"
                "\"exp\":1800000001,\"iat\":5,\"theirs\":{\"a\":1}}",
                SECRET);
    token_t *token = s_check ((text_t){made->text, made->size}, &fault);
    const token_claims_t *claims = token_claims (token);
    cr_assert_eq (claims->kind, ROLE_VISITOR);
    cr_assert (text_is (claims->user, TEXT ("v-1")));
    cr_assert (text_is (claims->name, TEXT ("J\303\274rgen")));
    cr_assert (text_is (claims->session, TEXT ("s1")));
    cr_assert (token_keys_has (s_keys, claims->key));
    cr_assert_eq (claims->group_count, 2);
    cr_assert (text_is (claims->groups[1], TEXT ("night")));
    cr_assert_eq (claims->scope_count, 1);
    cr_assert_eq (claims->expires_s, 1800000001);
    token_destroy (&token);
}

Test (token, each_algorithm_is_taken_from_its_key)
{
    const char *rs = "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JWT\"}";
    const char *es = "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"e\"}";
    cr_assert_str_eq (s_fault_of_claims (CLAIMS), "none");
    cr_assert_str_eq (s_fault_of (token_with_key (s_rsa, rs, CLAIMS)), "none");
    cr_assert_str_eq (s_fault_of (token_with_key (s_ec, es, CLAIMS)), "none");
    cr_assert_str_eq (s_fault_of (token_with_key (s_rsa, es, CLAIMS)), "signature");
}

Test (token, without_a_kid_only_a_single_key_is_meant)
{
    const made_token_t *made = token_with_hmac ("{\"alg\":\"HS256\"}", CLAIMS, SECRET);
    cr_assert_str_eq (s_fault_of (made), "key");
    token_keys_destroy (&s_keys);
    s_keys = token_keys_new ();
    cr_assert_null (token_keys_add (s_keys, TEXT ("h"), TOKEN_HS256, TEXT (SECRET)));
    cr_assert_str_eq (s_fault_of (made), "none");
}

// ---------------------------------------------------------------------------------------------
//  Attacks

Test (token, the_algorithm_belongs_to_the_key)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"kid\":\"h\"}",  "{\"alg\":\"None\",\"kid\":\"h\"}",
        "{\"alg\":\"hs256\",\"kid\":\"h\"}", "{\"alg\":\"HS512\",\"kid\":\"h\"}",
        "{\"alg\":\"RS256\",\"kid\":\"h\"}", "{\"alg\":\"HS256\",\"kid\":\"r\"}",
        "{\"alg\":\"HS256\",\"kid\":\"e\"}",
    };
    for (size_t at = 0; at < sizeof headers / sizeof *headers; at++)
        cr_assert_str_eq (s_fault_of_header (headers[at]), "algorithm", "%s", headers[at]);
    //  The public key, which everybody has, as the secret of an HMAC.
    const char *header = "{\"alg\":\"HS256\",\"kid\":\"r\"}";
    cr_assert_str_eq (s_fault_of (token_with_hmac (header, CLAIMS, s_rsa_pem)), "algorithm");
}

Test (token, nothing_unsigned_or_signed_by_others)
{
    made_token_t made;
    token_open (&made, HEADER, CLAIMS);
    token_close (&made, "", 0);
    cr_assert_str_eq (s_fault_of (&made), "signature");
    cr_assert_str_eq (s_fault_of (token_with_hmac (HEADER, CLAIMS, "")), "signature");
    cr_assert_str_eq (s_fault_of (token_with_hmac (HEADER, CLAIMS, SECRET "x")), "signature");
    //  The header of "none", as it was once taken.
    token_open (&made, "{\"alg\":\"none\"}", CLAIMS);
    token_close (&made, "", 0);
    cr_assert_str_eq (s_fault_of (&made), "key");
}

Test (token, the_signature_has_its_exact_size)
{
    for (size_t size = 0; size < 40; size++) {
        made_token_t made = *token_with_hmac (HEADER, CLAIMS, SECRET);
        char zeros[40] = {0};
        made.size = made.signature - 1;
        token_close (&made, zeros, size);
        cr_assert_str_eq (s_fault_of (&made), "signature", "%zu", size);
    }
    const char *es = "{\"alg\":\"ES256\",\"kid\":\"e\"}";
    for (size_t cut = 1; cut < 86; cut++) {
        made_token_t made = *token_with_key (s_ec, es, CLAIMS);
        made.size -= cut;
        cr_assert_str_neq (s_fault_of (&made), "none", "%zu", cut);
    }
    //  Two numbers that are zero (CVE-2022-21449).
    made_token_t made;
    char zeros[64] = {0};
    token_open (&made, es, CLAIMS);
    token_close (&made, zeros, sizeof zeros);
    cr_assert_str_eq (s_fault_of (&made), "signature");
}

Test (token, the_alphabet_is_strict)
{
    made_token_t good = *token_with_hmac (HEADER, CLAIMS, SECRET);
    static const char *const ends[] = {"=", "==", " ", "\n", ".", ".x", "%3D", "\t", "+"};
    for (size_t at = 0; at < sizeof ends / sizeof *ends; at++) {
        made_token_t made = good;
        made.size += (size_t) sprintf (made.text + made.size, "%s", ends[at]);
        cr_assert_str_neq (s_fault_of (&made), "none", "%s", ends[at]);
    }
    //  Bits that are left over: another text for the same signature.
    made_token_t made = good;
    made.text[made.size - 1]++;
    cr_assert_str_neq (s_fault_of (&made), "none");
    //  A blank, a line end, or the other alphabet in the middle.
    static const char bytes[] = " \n+/=\0\377*";
    for (size_t byte = 0; byte < sizeof bytes - 1; byte++)
        for (size_t at = 0; at < good.size; at += 7) {
            made = good;
            made.text[at] = bytes[byte];
            cr_assert_str_neq (s_fault_of (&made), "none");
        }
    //  Any one bit.
    for (size_t at = 0; at < good.size; at++)
        for (int bit = 0; bit < 8; bit++) {
            made = good;
            made.text[at] = (char) (made.text[at] ^ 1 << bit);
            cr_assert_str_neq (s_fault_of (&made), "none", "%zu %d", at, bit);
        }
    //  Cut off anywhere.
    for (size_t size = 0; size < good.size; size++)
        cr_assert_str_neq (s_fault ((text_t){good.text, size}), "none");
}

Test (token, the_header_brings_nothing)
{
    static const char *const members[] = {
        "\"crit\":[\"exp\"]",
        "\"crit\":[]",
        "\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "\"jku\":\"https://example.com/\"",
        "\"x5u\":\"https://example.com/\"",
        "\"x5c\":[\"AAAA\"]",
        "\"x5t\":\"AAAA\"",
        "\"zip\":\"DEF\"",
        "\"cty\":\"JWT\"",
        "\"b64\":false",
        "\"enc\":\"A128GCM\"",
        "\"anything\":1",
        "\"typ\":\"JOSE\"",
        "\"typ\":7",
        "\"alg\":\"HS256\"",
        "\"kid\":\"h\"",
        "\"\\u0061lg\":\"HS256\"",
    };
    char header[200];
    for (size_t at = 0; at < sizeof members / sizeof *members; at++) {
        sprintf (header, "{\"alg\":\"HS256\",\"kid\":\"h\",%s}", members[at]);
        cr_assert_str_eq (s_fault_of_header (header), "header", "%s", header);
    }
    static const char *const wholes[] = {
        "",
        "[]",
        "null",
        "7",
        "\"HS256\"",
        "{}x",
        "{\"alg\":\"HS256\",\"kid\":\"h\"",
        "{\"kid\":7}",
        "{\"alg\":\"HS256\",\"kid\":\"\"}",
        "{\"alg\":\"HS256\",\"kid\":\"h\\u0000\"}",
    };
    for (size_t at = 0; at < sizeof wholes / sizeof *wholes; at++)
        cr_assert_str_eq (s_fault_of_header (wholes[at]), "header", "%s", wholes[at]);
}

Test (token, a_kid_is_only_compared)
{
    static const char *const kids[] = {"../../etc/passwd", "h' OR '1'='1",     "H", "h ", "file:h",
                                       "/dev/null",        "http://127.0.0.1/"};
    char header[12000];
    for (size_t at = 0; at < sizeof kids / sizeof *kids; at++) {
        sprintf (header, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kids[at]);
        cr_assert_str_eq (s_fault_of_header (header), "key", "%s", header);
    }
    memset (header, 'k', sizeof header);
    memcpy (header, "{\"alg\":\"HS256\",\"kid\":\"", 22);
    memcpy (header + 4000, "\"}", 3);
    cr_assert_str_eq (s_fault_of_header (header), "header");
    memset (header + 4000, 'k', 6000);
    memcpy (header + 10000, "\"}", 3);
    cr_assert_str_eq (s_fault_of_header (header), "size");
}

Test (token, no_encryption_and_no_nesting)
{
    const made_token_t *inner = token_with_hmac (HEADER, CLAIMS, SECRET);
    char five[9000];
    sprintf (five, "%.*s.AAAA.AAAA", (int) inner->size, inner->text);
    cr_assert_str_eq (s_fault (text_of (five)), "form");
    cr_assert_str_eq (s_fault (TEXT ("..")), "header");
    cr_assert_str_eq (s_fault (TEXT (".")), "form");
    cr_assert_str_eq (s_fault (TEXT ("")), "size");
    sprintf (five, "%.*s", (int) inner->size, inner->text);
    cr_assert_str_eq (s_fault_of (token_with_hmac (HEADER, five, SECRET)), "claims");
}

// ---------------------------------------------------------------------------------------------
//  Claims

Test (token, claims_have_their_form)
{
    static const char *const all[] = {
        "",
        "{}",
        "[]",
        "null",
        "7",
        "{\"app\":\"demo\"}",
        //  exp: a whole number, and one must be there
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\"}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":null}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":\"1800000600\"}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":1800000600.5}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":1.8e9}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":-1}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":0}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":9007199254740992}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":99999999999999999999}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":[1800000600]}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"exp\":true}",
        //  given twice, also in disguise
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"sub\":\"b\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"s\\u0075b\":\"b\",\"exp\":9}",
        //  who
        "{\"app\":\"demo\",\"kind\":\"admin\",\"sub\":\"a\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"router\",\"sub\":\"a\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"bot\",\"sub\":\"a\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":2,\"sub\":\"a\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":7,\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\\u0000b\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\\nb\",\"exp\":1800000600}",
        "{\"app\":[\"demo\"],\"kind\":\"agent\",\"sub\":\"a\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"session\":5,\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"groups\":\"g\",\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"groups\":[1],\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"groups\":[\"\"],\"exp\":1800000600}",
        "{\"app\":\"demo\",\"kind\":\"agent\",\"sub\":\"a\",\"nbf\":\"1\",\"exp\":1800000600}",
    };
    for (size_t at = 0; at < sizeof all / sizeof *all; at++)
        cr_assert_str_eq (s_fault_of_claims (all[at]), "claims", "%s", all[at]);
}

static const char *
s_fault_with (const char *members)
{
    char claims[400];
    sprintf (claims, "{\"kind\":\"agent\",\"sub\":\"a\",%s}", members);
    return s_fault_of_claims (claims);
}

Test (token, a_token_has_its_time_its_app_and_its_audience)
{
    cr_assert_str_eq (s_fault_with ("\"app\":\"demo\",\"exp\":1799999970"), "expired");
    cr_assert_str_eq (s_fault_with ("\"app\":\"demo\",\"exp\":1799999971"), "none");
    cr_assert_str_eq (s_fault_with ("\"app\":\"demo\",\"exp\":1900000000,\"nbf\":1800000031"),
                      "not_yet");
    cr_assert_str_eq (s_fault_with ("\"app\":\"demo\",\"exp\":1900000000,\"nbf\":1800000030"),
                      "none");
    cr_assert_str_eq (s_fault_with ("\"app\":\"other\",\"exp\":1900000000"), "app");
    cr_assert_str_eq (s_fault_with ("\"app\":\"demo\",\"aud\":\"chat\",\"exp\":1900000000"),
                      "audience");
    static const struct {
        const char *aud, *fault;
    } rows[] = {{"\"aud\":\"chat\",", "none"},         {"\"aud\":[\"a\",\"chat\"],", "none"},
                {"\"aud\":\"mail\",", "audience"},     {"\"aud\":[\"mail\"],", "audience"},
                {"\"aud\":[],", "audience"},           {"\"aud\":7,", "audience"},
                {"\"aud\":[\"chat\",7],", "audience"}, {"", "audience"}};
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char claims[400];
        token_fault_t fault;
        sprintf (claims, "{\"kind\":\"agent\",\"sub\":\"a\",\"app\":\"demo\",%s\"exp\":1900000000}",
                 rows[at].aud);
        const made_token_t *made = token_with_hmac (HEADER, claims, SECRET);
        token_expected_t expected = {TEXT ("demo"), TEXT ("chat"), NOW};
        token_t *token = token_new (s_keys, (text_t){made->text, made->size}, &expected, &fault);
        cr_assert_str_eq (token_fault_code (fault), rows[at].fault, "%s", rows[at].aud);
        token_destroy (&token);
    }
}

// ---------------------------------------------------------------------------------------------
//  Keys

static const char *
s_refused (token_algorithm_t algorithm, const char *key)
{
    token_keys_t *keys = token_keys_new ();
    const char *complaint = token_keys_add (keys, TEXT ("k"), algorithm, text_of (key));
    cr_assert_eq (token_keys_count (keys), complaint ? 0 : 1);
    token_keys_destroy (&keys);
    return complaint ? complaint : "";
}

static char *
s_private_pem (EVP_PKEY *key)
{
    BIO *bio = BIO_new (BIO_s_mem ());
    char *bytes;
    PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL);
    long size = BIO_get_mem_data (bio, &bytes);
    char *pem = alloc_text ((text_t){bytes, (size_t) size});
    BIO_free (bio);
    return pem;
}

Test (token, keys_that_are_none_are_refused)
{
    char *private = s_private_pem (s_rsa);
    EVP_PKEY *small = EVP_RSA_gen (1024), *other = EVP_EC_gen ("P-384");
    char *small_pem = token_public_pem (small), *other_pem = token_public_pem (other);
    cr_assert (strstr (s_refused (TOKEN_HS256, "0123456789abcdef0123456789abcde"), "32 bytes"));
    cr_assert (strstr (s_refused (TOKEN_HS256, s_rsa_pem), "another kind"));
    cr_assert (
        strstr (s_refused (TOKEN_HS256, "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"),
                "another kind"));
    cr_assert (strstr (s_refused (TOKEN_HS256, ""), "bytes"));
    cr_assert (strstr (s_refused (TOKEN_RS256, SECRET), "PEM"));
    cr_assert (strstr (s_refused (TOKEN_RS256, private), "private"));
    cr_assert (strstr (s_refused (TOKEN_RS256, s_ec_pem), "RSA"));
    cr_assert (strstr (s_refused (TOKEN_ES256, s_rsa_pem), "P-256"));
    cr_assert (strstr (s_refused (TOKEN_ES256, other_pem), "P-256"));
    cr_assert (strstr (s_refused (TOKEN_RS256, small_pem), "2048"));
    cr_assert_str_empty (s_refused (TOKEN_RS256, s_rsa_pem));
    cr_assert (strstr (token_keys_add (s_keys, TEXT ("h"), TOKEN_HS256, TEXT (SECRET)), "same"));
    cr_assert_not_null (token_keys_add (s_keys, TEXT_EMPTY, TOKEN_HS256, TEXT (SECRET)));
    free (private);
    free (small_pem);
    free (other_pem);
    EVP_PKEY_free (small);
    EVP_PKEY_free (other);
}

#define SET_SECRET "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"

Test (token, a_set_of_keys_is_read)
{
    static const struct {
        const char *set, *complaint; //  NULL: it is good
    } rows[] = {
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"k\":\"" SET_SECRET "\"}]}",
         NULL},
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"use\":\"enc\",\"k\":"
         "\"" SET_SECRET "\"}]}",
         "signatures"},
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"RS256\",\"kid\":\"a\",\"k\":\"" SET_SECRET "\"}]}",
         "kind"},
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"none\",\"kid\":\"a\",\"k\":\"" SET_SECRET "\"}]}",
         "alg"},
        {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" SET_SECRET "\"}]}", "alg"},
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"" SET_SECRET "\"}]}", "kid"},
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"k\":\"AAAA\"}]}", "32"},
        {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\"}]}", "\"k\""},
        {"{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"kid\":\"a\",\"n\":\"x\",\"d\":\"x\"}]}",
         "private"},
        {"{\"keys\":[7]}", "object"},
        {"{\"keys\":[]}", "no keys"},
        {"{\"keys\":{}}", "array"},
        {"[]", "array"},
        {"x", "array"},
        {"", "array"},
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        token_keys_t *keys = token_keys_new ();
        const char *complaint = token_keys_add_set (keys, text_of (rows[at].set));
        if (rows[at].complaint)
            cr_assert (complaint && strstr (complaint, rows[at].complaint), "%s: %s", rows[at].set,
                       complaint);
        else
            cr_assert_null (complaint, "%s", complaint);
        token_keys_destroy (&keys);
    }
}

//  What is said of a set with just this key; "" when it is good.
static const char *
s_complaint_of_jwk (const char *members)
{
    char set[4000];
    token_keys_t *keys = token_keys_new ();
    snprintf (set, sizeof set, "{\"keys\":[{\"kid\":\"a\",%s}]}", members);
    const char *complaint = token_keys_add_set (keys, text_of (set));
    cr_assert_eq (token_keys_count (keys), complaint ? 0 : 1);
    token_keys_destroy (&keys);
    return complaint ? complaint : "";
}

#define OCT "\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":"
#define EC "\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\","
#define RSA_JWK "\"kty\":\"RSA\",\"alg\":\"RS256\","
//  RFC 7517 A.1, and one byte less.
#define X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define SHORT "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7A"
//  2048 bits.
#define ROW "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri"
#define N "s" ROW ROW ROW ROW ROW ROW ROW "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MA"

Test (token, the_numbers_of_a_jwk_are_read_strictly)
{
    static const struct {
        const char *members, *complaint; //  "": it is good
    } rows[] = {
        { OCT "\"" SET_SECRET "\"", "" },
        { OCT "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3O=lhYmNkZWY\"", "\"k\"" },
        { OCT "\"=" SET_SECRET "\"", "\"k\"" },
        { OCT "\"" SET_SECRET "=\"", "\"k\"" },
        { OCT "\"" SET_SECRET "==\"", "\"k\"" },
        { OCT "\"" SET_SECRET "A\"", "" },
        { OCT "\"" SET_SECRET "AA\"", "\"k\"" }, //  no length that there is
        { OCT "\"" SET_SECRET "AAB\"", "\"k\"" }, //  bits that are left over
        { OCT "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ\"", "\"k\"" },
        { OCT "\"" SET_SECRET " \"", "\"k\"" },
        { OCT "\"" SET_SECRET "\\n\"", "\"k\"" },
        { OCT "\"" SET_SECRET "\\u0000\"", "\"k\"" },
        { OCT "\"+/EyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"", "\"k\"" },
        { OCT "\"\303\244EyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"", "\"k\"" },
        { OCT "\"\"", "\"k\"" },
        { OCT "7", "\"k\"" },
        { OCT "[\"" SET_SECRET "\"]", "\"k\"" },
        { EC "\"x\":\"" X "\",\"y\":\"" Y "\"", "" },
        { EC "\"x\":\"" X "\"", "\"y\"" },
        { EC "\"x\":\"" X "=\",\"y\":\"" Y "\"", "\"x\"" },
        { EC "\"x\":\"" X "\",\"y\":\"=" Y "\"", "\"y\"" },
        { EC "\"x\":\"" SHORT "\",\"y\":\"" Y "\"", "32 bytes" },
        { EC "\"x\":\"" X "\",\"y\":\"" Y "AAA\"", "32 bytes" },
        { EC "\"x\":\"" Y "\",\"y\":\"" X "\"", "no point" },
        { EC "\"x\":\"" X "\",\"y\":\"" Y "\",\"d\":\"=\"", "private" },
        { "\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-384\",\"x\":\"\",\"y\":\"\"", "P-256" },
        { "\"alg\":\"ES256\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"", "kind" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\"", "" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AAEAAQ\"", "" },
        { RSA_JWK "\"n\":\"" N "\"", "\"e\"" },
        { RSA_JWK "\"n\":\"=\",\"e\":\"AQAB\"", "\"n\"" },
        { RSA_JWK "\"n\":\"" N "=\",\"e\":\"AQAB\"", "\"n\"" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"A=AB\"", "\"e\"" },
        { RSA_JWK "\"n\":\"" ROW "\",\"e\":\"AQAB\"", "2048" },
        { RSA_JWK "\"n\":\"" N N "\",\"e\":\"AQAB\"", "" },
        { RSA_JWK "\"n\":\"AAAA" N "\",\"e\":\"AQAB\"", "" },
        { RSA_JWK "\"n\":\"AAAA" ROW "\",\"e\":\"AQAB\"", "2048" },
        { RSA_JWK "\"n\":\"" N N N N "\",\"e\":\"AQAB\"", "8192" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AA\"", "exponent" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQ\"", "exponent" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"BA\"", "exponent" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"" SET_SECRET "\"", "exponent" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"p\":\"=\"", "private" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"q\":\"=\"", "private" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"dp\":\"=\"", "private" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"dq\":\"=\"", "private" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"qi\":\"=\"", "private" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"oth\":[]", "private" },
        { RSA_JWK "\"n\":\"" N "\",\"e\":\"AQAB\",\"k\":\"AAAA\"", "private" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        const char *complaint = s_complaint_of_jwk (rows[at].members);
        if (*rows[at].complaint)
            cr_expect (strstr (complaint, rows[at].complaint), "%s: %s", rows[at].members,
                       complaint);
        else
            cr_expect_str_empty (complaint, "%s: %s", rows[at].members, complaint);
    }
}

Test (token, a_set_signs_as_well_as_a_single_key)
{
    token_fault_t fault;
    token_keys_t *keys = token_keys_new ();
    cr_assert_null (token_keys_add_set (
        keys,
        TEXT ("{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"h\",\"k\":\"" SET_SECRET
              "\"}]}")));
    const made_token_t *made = token_with_hmac (HEADER, CLAIMS, SECRET);
    token_t *token = token_new (keys, (text_t){made->text, made->size},
                                &(token_expected_t){TEXT ("demo"), TEXT_EMPTY, NOW}, &fault);
    cr_assert_eq (fault, TOKEN_GOOD);
    token_keys_destroy (&keys);
    cr_assert_eq (token_claims (token)->user.size, 4);
    token_destroy (&token);
}
