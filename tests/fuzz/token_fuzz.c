//  Tokens of every shape: bytes as a whole token; as the header and the claims of one that is
//  signed as it should be, so that what stands behind the signature is reached; as a JWK set.

#include "auth/token.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"h\"}"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static size_t
s_encode (const void *bytes, size_t size, char *to)
{
    size_t count = (size_t) EVP_EncodeBlock ((unsigned char *) to, bytes, (int) size);
    while (count > 0 && to[count - 1] == '=')
        count--;
    for (size_t at = 0; at < count; at++)
        to[at] = to[at] == '+' ? '-' : to[at] == '/' ? '_' : to[at];
    return count;
}

static void
s_check (const token_keys_t *keys, text_t compact)
{
    token_fault_t fault = TOKEN_FAULTS;
    token_t *token = token_new (
        keys, compact,
        &(token_expected_t){.app = TEXT ("demo"), .audience = TEXT_EMPTY, .now_s = 1800000000},
        &fault);
    assert ((token != NULL) == (fault == TOKEN_GOOD) && fault < TOKEN_FAULTS);
    if (token) {
        const token_claims_t *claims = token_claims (token);
        assert (claims->user.size > 0 && claims->user.size <= USER_ID_MAX);
        assert (claims->group_count <= TOKEN_GROUPS_MOST);
        assert (claims->kind == ROLE_VISITOR || claims->kind == ROLE_AGENT ||
                claims->kind == ROLE_API);
    }
    token_destroy (&token);
}

static void
s_sign (const token_keys_t *keys, text_t header, text_t claims)
{
    unsigned char signature[32];
    unsigned signed_size;
    char *text = malloc (2 * (header.size + claims.size) + 200);
    size_t size = s_encode (header.data, header.size, text);
    text[size++] = '.';
    size += s_encode (claims.data, claims.size, text + size);
    HMAC (EVP_sha256 (), SECRET, sizeof SECRET - 1, (const unsigned char *) text, size, signature,
          &signed_size);
    text[size++] = '.';
    size += s_encode (signature, signed_size, text + size);
    s_check (keys, (text_t){text, size});
    free (text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static token_keys_t *keys;
    text_t text = {(const char *) data, size};
    if (!keys) {
        keys = token_keys_new ();
        const char *complaint = token_keys_add (keys, TEXT ("h"), TOKEN_HS256, TEXT (SECRET));
        assert (!complaint);
    }
    if (size > 2 * TOKEN_MOST)
        return 0;
    s_check (keys, text);
    s_sign (keys, text, TEXT ("{}"));
    s_sign (keys, TEXT (HEADER), text);
    token_keys_t *set = token_keys_new ();
    const char *complaint = token_keys_add_set (set, text);
    assert (complaint || token_keys_count (set) > 0);
    token_keys_destroy (&set);
    return 0;
}
