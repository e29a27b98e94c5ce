#include "auth/webhook_signature.h"

#include "auth/base64.h"
#include "auth/hex.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#define SECRET_PREFIX "whsec_"
#define SECRET_LEAST 24

static const struct {
    const char *word, *words;
} s_faults[WEBHOOK_FAULTS] = {
    [WEBHOOK_GOOD] = { "good", "it is right" },
#define WEBHOOK_FAULT(NAME, word, words) [WEBHOOK_##NAME] = { word, words },
#include "auth/webhook_faults.def"
#undef WEBHOOK_FAULT
};

const char *
webhook_fault_word (webhook_fault_t fault)
{
    return s_faults[fault].word;
}

const char *
webhook_fault_words (webhook_fault_t fault)
{
    return s_faults[fault].words;
}

const char *
webhook_secret_read (text_t text, webhook_secret_t *secret)
{
    buffer_t bytes;
    size_t prefix = sizeof SECRET_PREFIX - 1;
    if (text.size >= prefix && memcmp (text.data, SECRET_PREFIX, prefix) == 0)
        text = (text_t){ text.data + prefix, text.size - prefix };
    buffer_init (&bytes, sizeof secret->bytes);
    bool is_too_long = BASE64_BYTES (text.size) > sizeof secret->bytes + 2;
    const char *wrong = is_too_long || base64_read (&bytes, text) != 0
                            ? "must be whsec_ and the base64 of 24 to 64 bytes"
                        : bytes.size < SECRET_LEAST ? "is the base64 of less than 24 bytes"
                                                    : NULL;
    if (!wrong) {
        memcpy (secret->bytes, bytes.data, bytes.size);
        secret->size = bytes.size;
    }
    if (bytes.data)
        OPENSSL_cleanse (bytes.data, bytes.size);
    buffer_free (&bytes);
    return wrong;
}

bool
webhook_keys_have (webhook_keys_t keys, text_t said)
{
    bool has = false;
    for (size_t at = 0; at < keys.count && said.size > 0; at++)
        has |= keys.keys[at].size == said.size
               && CRYPTO_memcmp (keys.keys[at].data, said.data, said.size) == 0;
    return has;
}

// ---------------------------------------------------------------------------------------------
//  HMACs

typedef struct {
    EVP_MAC *kind;
    EVP_MAC_CTX *context;
} mac_t;

static void
s_begin (mac_t *mac, const char *digest, text_t key)
{
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_construct_utf8_string (OSSL_MAC_PARAM_DIGEST, (char *) (uintptr_t) digest, 0),
        OSSL_PARAM_construct_end (),
    };
    mac->kind = EVP_MAC_fetch (NULL, "HMAC", NULL);
    mac->context = EVP_MAC_CTX_new (mac->kind);
    int rc = EVP_MAC_init (mac->context, (const unsigned char *) key.data, key.size, parameters);
    //  Only for want of memory, or of the algorithm.
    assert (rc == 1);
    (void) rc;
}

static void
s_put (mac_t *mac, text_t part)
{
    int rc = EVP_MAC_update (mac->context, (const unsigned char *) part.data, part.size);
    assert (rc == 1);
    (void) rc;
}

static text_t
s_end (mac_t *mac, unsigned char room[EVP_MAX_MD_SIZE])
{
    size_t size = 0;
    int rc = EVP_MAC_final (mac->context, room, &size, EVP_MAX_MD_SIZE);
    assert (rc == 1);
    (void) rc;
    EVP_MAC_CTX_free (mac->context);
    EVP_MAC_free (mac->kind);
    return (text_t){ (const char *) room, size };
}

//  As it stands in a header.
static webhook_signed_t
s_as_base64 (const char *prefix, mac_t *mac)
{
    unsigned char room[EVP_MAX_MD_SIZE];
    webhook_signed_t result;
    buffer_t text;
    buffer_init (&text, sizeof result.data);
    int rc = buffer_put_string (&text, prefix) == 0 && base64_put (&text, s_end (mac, room)) == 0
                 ? 0
                 : -1;
    assert (rc == 0);
    (void) rc;
    memcpy (result.data, text.data, text.size);
    result.size = text.size;
    buffer_free (&text);
    return result;
}

static bool
s_is (text_t said, const webhook_signed_t *right)
{
    return said.size == right->size && CRYPTO_memcmp (said.data, right->data, said.size) == 0;
}

// ---------------------------------------------------------------------------------------------
//  Timestamps

//  Digits only, on purpose: vendors' libraries pass over what stands behind them.
static webhook_fault_t
s_check_time (text_t timestamp, uint64_t now_s)
{
    uint64_t time_s = 0;
    if (timestamp.size == 0)
        return WEBHOOK_MISSING;
    if (timestamp.size > 15)
        return WEBHOOK_MALFORMED;
    for (size_t at = 0; at < timestamp.size; at++) {
        if (timestamp.data[at] < '0' || timestamp.data[at] > '9')
            return WEBHOOK_MALFORMED;
        time_s = 10 * time_s + (uint64_t) (timestamp.data[at] - '0');
    }
    return time_s + WEBHOOK_TOLERANCE_S < now_s   ? WEBHOOK_EXPIRED
           : now_s + WEBHOOK_TOLERANCE_S < time_s ? WEBHOOK_AHEAD
                                                  : WEBHOOK_GOOD;
}

// ---------------------------------------------------------------------------------------------
//  Standard Webhooks

//  With a dot in it, two requests could have one signature.
static bool
s_id_is_good (text_t id)
{
    for (size_t at = 0; at < id.size; at++)
        if (id.data[at] <= ' ' || id.data[at] > '~' || id.data[at] == '.')
            return false;
    return id.size <= WEBHOOK_ID_MOST;
}

static webhook_signed_t
s_standard (text_t key, text_t id, text_t timestamp, text_t body)
{
    mac_t mac;
    s_begin (&mac, "SHA256", key);
    s_put (&mac, id);
    s_put (&mac, TEXT ("."));
    s_put (&mac, timestamp);
    s_put (&mac, TEXT ("."));
    s_put (&mac, body);
    return s_as_base64 ("v1,", &mac);
}

//  Is one of the list the right one? Other versions are passed over: they do not look like it.
static bool
s_list_has (text_t list, const webhook_signed_t *right)
{
    bool has = false;
    for (size_t from = 0, at = 0; at <= list.size; at++)
        if (at == list.size || list.data[at] == ' ') {
            has |= s_is ((text_t){ list.data + from, at - from }, right);
            from = at + 1;
        }
    return has;
}

webhook_fault_t
webhook_standard_verify (webhook_keys_t keys, const webhook_headers_t *headers, text_t body,
                         uint64_t now_s)
{
    bool is_right = false;
    if (headers->id.size == 0 || headers->signature.size == 0)
        return WEBHOOK_MISSING;
    webhook_fault_t fault = s_check_time (headers->timestamp, now_s);
    if (fault != WEBHOOK_GOOD)
        return fault;
    if (!s_id_is_good (headers->id))
        return WEBHOOK_MALFORMED;
    for (size_t key = 0; key < keys.count; key++) {
        if (keys.keys[key].size == 0)
            continue;
        webhook_signed_t right
            = s_standard (keys.keys[key], headers->id, headers->timestamp, body);
        is_right |= s_list_has (headers->signature, &right);
    }
    return is_right ? WEBHOOK_GOOD : WEBHOOK_WRONG;
}

int
webhook_standard_sign (webhook_keys_t keys, text_t id, uint64_t timestamp_s, text_t body,
                       buffer_t *to)
{
    size_t before = to->size;
    bool is_full = keys.count == 0 || id.size == 0 || !s_id_is_good (id);
    buffer_t timestamp;
    buffer_init (&timestamp, 32);
    is_full = buffer_put_number (&timestamp, timestamp_s) != 0 || is_full;
    for (size_t key = 0; key < keys.count && !is_full; key++) {
        webhook_signed_t each
            = s_standard (keys.keys[key], id, buffer_text (&timestamp), body);
        is_full = keys.keys[key].size == 0
                  || (key > 0 && buffer_put_string (to, " ") != 0)
                  || buffer_put (to, each.data, each.size) != 0;
    }
    buffer_free (&timestamp);
    if (is_full)
        to->size = before;
    return is_full ? -1 : 0;
}

void
webhook_id_of (text_t name, char id[WEBHOOK_ID_SIZE])
{
    enum { BYTES = 16 };
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256 ((const unsigned char *) name.data, name.size, digest);
    int size = snprintf (id, WEBHOOK_ID_SIZE, "msg_");
    for (int at = 0; at < BYTES; at++)
        size += snprintf (id + size, WEBHOOK_ID_SIZE - (size_t) size, "%02x", digest[at]);
}

// ---------------------------------------------------------------------------------------------
//  Twilio

//  A URL in pieces: what stands before the port, the port with its colon, what stands behind it.
typedef struct {
    text_t before, port, behind;
} url_pieces_t;

static bool
s_take_apart (text_t url, url_pieces_t *pieces)
{
    static const char *const schemes[] = { "https://", "http://" };
    size_t host = 0;
    for (size_t row = 0; row < 2 && host == 0; row++) {
        size_t size = strlen (schemes[row]);
        if (url.size > size && memcmp (url.data, schemes[row], size) == 0)
            host = size;
    }
    size_t end = host, port = 0;
    while (end < url.size && !memchr ("/?#", url.data[end], 3)) {
        if (url.data[end] == ':')
            port = end;
        else if (url.data[end] == ']') //  what came before were colons of an IPv6 address
            port = 0;
        end++;
    }
    if (port == 0)
        port = end;
    *pieces = (url_pieces_t){ .before = { url.data, port },
                              .port = { url.data + port, end - port },
                              .behind = { url.data + end, url.size - end } };
    return host > 0 && end > host;
}

static int
s_by_name_and_value (const void *left, const void *right)
{
    const webhook_field_t *one = left, *other = right;
    int order = text_compare (one->name, other->name);
    return order ? order : text_compare (one->value, other->value);
}

//  The fields are sorted. Of equal ones of one name only one is signed.
static webhook_signed_t
s_twilio (text_t key, const url_pieces_t *url, text_t port, const webhook_field_t *fields,
          size_t count)
{
    mac_t mac;
    s_begin (&mac, "SHA1", key);
    s_put (&mac, url->before);
    s_put (&mac, port);
    s_put (&mac, url->behind);
    for (size_t at = 0; at < count; at++) {
        bool is_again = at > 0 && text_is (fields[at].name, fields[at - 1].name);
        if (is_again && text_is (fields[at].value, fields[at - 1].value))
            continue;
        s_put (&mac, fields[at].name);
        s_put (&mac, fields[at].value);
    }
    return s_as_base64 ("", &mac);
}

//  The value of bodySHA256 in the URL's query; empty: it has none.
static text_t
s_body_hash (text_t behind)
{
    static const char name[] = "bodySHA256=";
    const char *query = behind.size ? memchr (behind.data, '?', behind.size) : NULL;
    const char *end = behind.data + behind.size;
    for (const char *at = query; at && at < end;) {
        const char *next = memchr (at + 1, '&', (size_t) (end - at - 1));
        text_t each = { at + 1, (size_t) ((next ? next : end) - at - 1) };
        if (each.size >= sizeof name - 1 && memcmp (each.data, name, sizeof name - 1) == 0)
            return (text_t){ each.data + sizeof name - 1, each.size - (sizeof name - 1) };
        at = next;
    }
    return TEXT_EMPTY;
}

static bool
s_is_hash_of (text_t hash, text_t body)
{
    unsigned char made[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH];
    SHA256 ((const unsigned char *) body.data, body.size, made);
    hex_write (hex, made, sizeof made);
    return hash.size == sizeof hex && CRYPTO_memcmp (hash.data, hex, sizeof hex) == 0;
}

webhook_fault_t
webhook_twilio_verify (webhook_keys_t keys, webhook_twilio_t *request)
{
    url_pieces_t url;
    bool is_right = false;
    if (request->settings.size > 0)
        return WEBHOOK_SCHEME;
    if (request->signature.size == 0)
        return WEBHOOK_MISSING;
    if (!s_take_apart (request->url, &url))
        return WEBHOOK_MALFORMED;
    text_t hash = s_body_hash (url.behind);
    size_t count = hash.size ? 0 : request->field_count;
    bool is_safe = url.before.size > 5 && url.before.data[4] == 's';
    const text_t ports[] = {
        url.port,
        url.port.size ? TEXT_EMPTY : is_safe ? TEXT (":443") : TEXT (":80"),
    };
    if (count > 1)
        qsort (request->fields, count, sizeof *request->fields, s_by_name_and_value);
    for (size_t key = 0; key < keys.count; key++)
        for (size_t port = 0; port < 2 && keys.keys[key].size > 0; port++) {
            webhook_signed_t right
                = s_twilio (keys.keys[key], &url, ports[port], request->fields, count);
            is_right |= s_is (request->signature, &right);
        }
    return !is_right                                                  ? WEBHOOK_WRONG
           : hash.size > 0 && !s_is_hash_of (hash, request->body) ? WEBHOOK_BODY
                                                                      : WEBHOOK_GOOD;
}

webhook_signed_t
webhook_twilio_sign (text_t key, text_t url, webhook_field_t *fields, size_t field_count)
{
    url_pieces_t pieces = { .before = url, .port = TEXT_EMPTY, .behind = TEXT_EMPTY };
    if (field_count > 1)
        qsort (fields, field_count, sizeof *fields, s_by_name_and_value);
    return s_twilio (key, &pieces, TEXT_EMPTY, fields, field_count);
}

// ---------------------------------------------------------------------------------------------
//  Google

webhook_signed_t
webhook_google_sign (text_t key, text_t bytes)
{
    mac_t mac;
    s_begin (&mac, "SHA512", key);
    s_put (&mac, bytes);
    return s_as_base64 ("", &mac);
}

//  Is it what one of the keys signs?
static webhook_fault_t
s_verify_bytes (webhook_keys_t keys, text_t bytes, text_t signature,
                webhook_signed_t (*sign) (text_t key, text_t bytes))
{
    bool is_right = false;
    if (signature.size == 0)
        return WEBHOOK_MISSING;
    for (size_t key = 0; key < keys.count; key++) {
        if (keys.keys[key].size == 0)
            continue;
        webhook_signed_t right = sign (keys.keys[key], bytes);
        is_right |= s_is (signature, &right);
    }
    return is_right ? WEBHOOK_GOOD : WEBHOOK_WRONG;
}

webhook_fault_t
webhook_google_verify (webhook_keys_t keys, text_t bytes, text_t signature)
{
    return s_verify_bytes (keys, bytes, signature, webhook_google_sign);
}

webhook_signed_t
webhook_genesys_sign (text_t key, text_t body)
{
    mac_t mac;
    s_begin (&mac, "SHA256", key);
    s_put (&mac, body);
    return s_as_base64 ("sha256=", &mac);
}

webhook_fault_t
webhook_genesys_verify (webhook_keys_t keys, text_t body, text_t signature)
{
    return s_verify_bytes (keys, body, signature, webhook_genesys_sign);
}

// ---------------------------------------------------------------------------------------------
//  Slack

webhook_signed_t
webhook_slack_sign (text_t key, text_t timestamp, text_t body)
{
    unsigned char room[EVP_MAX_MD_SIZE];
    webhook_signed_t result = { .data = "v0=", .size = 3 };
    mac_t mac;
    s_begin (&mac, "SHA256", key);
    s_put (&mac, TEXT ("v0:"));
    s_put (&mac, timestamp);
    s_put (&mac, TEXT (":"));
    s_put (&mac, body);
    text_t made = s_end (&mac, room);
    hex_write (result.data + result.size, room, made.size);
    result.size += 2 * made.size;
    return result;
}

webhook_fault_t
webhook_slack_verify (webhook_keys_t keys, text_t timestamp, text_t body, text_t signature,
                      uint64_t now_s)
{
    bool is_right = false;
    if (signature.size == 0)
        return WEBHOOK_MISSING;
    webhook_fault_t fault = s_check_time (timestamp, now_s);
    for (size_t key = 0; key < keys.count && fault == WEBHOOK_GOOD; key++) {
        if (keys.keys[key].size == 0)
            continue;
        webhook_signed_t right = webhook_slack_sign (keys.keys[key], timestamp, body);
        is_right |= s_is (signature, &right);
    }
    return fault != WEBHOOK_GOOD ? fault : is_right ? WEBHOOK_GOOD : WEBHOOK_WRONG;
}
