#include "auth/signed_url.h"

#include "auth/base64url.h"
#include "auth/hex.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define SIGNATURE 32
#define SHORT_SIGNATURE 16
#define PURPOSE_MAX 100

bool
signed_base_is_good (const char *base)
{
    bool is_http = strncmp (base, "http://", 7) == 0 || strncmp (base, "https://", 8) == 0;
    const char *host = is_http ? strstr (base, "://") + 3 : "";
    for (const char *byte = base; *byte; byte++)
        if (*byte <= ' ' || *byte > '~')
            return false;
    return *host && *host != '/' && !strpbrk (host, "?#@\"<>\\") && strlen (base) < 1000;
}

static void
s_sign (const signed_url_kind_t *kind, text_t key, text_t claim,
        unsigned char signature[SIGNATURE])
{
    unsigned char input[PURPOSE_MAX + SIGNED_CLAIM_MAX];
    unsigned size = 0;
    size_t purpose = strlen (kind->purpose);
    assert (purpose <= PURPOSE_MAX && claim.size <= SIGNED_CLAIM_MAX && key.size <= 100000);
    memcpy (input, kind->purpose, purpose);
    memcpy (input + purpose, claim.data, claim.size);
    const unsigned char *made = HMAC (EVP_sha256 (), key.data, (int) key.size, input,
                                      purpose + claim.size, signature, &size);
    assert (made && size == SIGNATURE);
    (void) made;
}

static int
s_put_hex (buffer_t *to, const unsigned char *bytes, size_t size)
{
    char *place = buffer_grow (to, 2 * size);
    if (place)
        hex_write (place, bytes, size);
    return place ? 0 : -1;
}

static int
s_put_bytes (const signed_url_kind_t *kind, buffer_t *to, const void *bytes, size_t size)
{
    return kind->is_short ? base64url_put (to, (text_t){ bytes, size })
                          : s_put_hex (to, bytes, size);
}

static size_t
s_signature_size (const signed_url_kind_t *kind)
{
    return kind->is_short ? SHORT_SIGNATURE : SIGNATURE;
}

int
signed_url_write (const signed_url_kind_t *kind, text_t key, const char *base,
                  const signed_claim_t *claim, buffer_t *to)
{
    char room[SIGNED_CLAIM_MAX];
    unsigned char signature[SIGNATURE];
    size_t before = to->size, base_size = strlen (base);
    int size = snprintf (room, sizeof room, "%llu %.*s", (unsigned long long) claim->expires_s,
                         TEXT_ARGS (claim->words));
    if (size <= 0 || (size_t) size >= sizeof room)
        return -1;
    text_t whole = { room, (size_t) size };
    s_sign (kind, key, whole, signature);
    while (base_size > 0 && base[base_size - 1] == '/')
        base_size--;
    int rc = buffer_put (to, base, base_size) == 0 && buffer_put_string (to, kind->path) == 0
                     && s_put_bytes (kind, to, room, whole.size) == 0
                     && buffer_put_string (to, ".") == 0
                     && s_put_bytes (kind, to, signature, s_signature_size (kind)) == 0
                 ? 0
                 : -1;
    return rc == 0 && to->size - before <= SIGNED_URL_MAX ? 0 : -1;
}

// ---------------------------------------------------------------------------------------------

//  SIZE_MAX: it is none, or too long.
static size_t
s_read_hex (text_t hex, char *to, size_t most)
{
    size_t size = hex.size / 2;
    return size <= most && hex_read (hex, (unsigned char *) to, size) ? size : SIZE_MAX;
}

static size_t
s_read_bytes (const signed_url_kind_t *kind, text_t text, char *to, size_t most)
{
    return kind->is_short ? base64url_read (text, to, most) : s_read_hex (text, to, most);
}

//  The signature was right: it is of our own making.
static bool
s_read_claim (text_t whole, signed_claim_t *claim)
{
    const char *blank = memchr (whole.data, ' ', whole.size);
    size_t digits = blank ? (size_t) (blank - whole.data) : 0;
    if (digits == 0 || digits > 18)
        return false;
    claim->expires_s = 0;
    for (size_t at = 0; at < digits; at++) {
        if (whole.data[at] < '0' || whole.data[at] > '9')
            return false;
        claim->expires_s = 10 * claim->expires_s + (uint64_t) (whole.data[at] - '0');
    }
    claim->words = (text_t){ blank + 1, whole.size - digits - 1 };
    return true;
}

signed_verdict_t
signed_url_read (const signed_url_kind_t *kind, text_t key, text_t token, uint64_t now_s,
                 signed_claim_t *claim, char room[SIGNED_CLAIM_MAX])
{
    char said[SIGNATURE];
    unsigned char signature[SIGNATURE];
    const char *dot = token.size ? memchr (token.data, '.', token.size) : NULL;
    size_t size = dot ? (size_t) (dot - token.data) : 0;
    text_t behind = { dot ? dot + 1 : "", dot ? token.size - size - 1 : 0 };
    text_t whole = { room, s_read_bytes (kind, (text_t){ token.data, size }, room,
                                         SIGNED_CLAIM_MAX) };
    if (key.size < SIGNED_KEY_LEAST || whole.size == SIZE_MAX
        || s_read_bytes (kind, behind, said, SIGNATURE) != s_signature_size (kind))
        return SIGNED_BAD;
    s_sign (kind, key, whole, signature);
    if (CRYPTO_memcmp (said, signature, s_signature_size (kind)) != 0
        || !s_read_claim (whole, claim))
        return SIGNED_BAD;
    return now_s < claim->expires_s ? SIGNED_GOOD : SIGNED_EXPIRED;
}
