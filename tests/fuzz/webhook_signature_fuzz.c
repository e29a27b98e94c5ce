//  Headers, a URL and a body of a webhook, as anybody may write them: none of them is right by
//  itself; what is signed with a key is right. Lines: id, timestamp, signature, URL; the rest is
//  the body.

#include "auth/base64.h"
#include "auth/webhook_signature.h"

#include <stdlib.h>

#define KEY TEXT ("0123456789abcdef0123456789abcdef")

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static text_t
s_line (text_t *rest)
{
    const char *end = rest->size ? memchr (rest->data, '\n', rest->size) : NULL;
    size_t size = end ? (size_t) (end - rest->data) : rest->size;
    text_t line = { rest->data, size };
    rest->data += size + (end != NULL);
    rest->size -= size + (end != NULL);
    return line;
}

static void
s_check (bool is_as_it_must_be)
{
    if (!is_as_it_must_be)
        abort ();
}

static void
s_base64 (text_t text)
{
    buffer_t bytes, again;
    buffer_init (&bytes, 1 << 20);
    buffer_init (&again, 1 << 20);
    if (base64_read (&bytes, text) == 0)
        s_check (base64_put (&again, buffer_text (&bytes)) == 0
                 && text_is (buffer_text (&again), text));
    buffer_free (&bytes);
    buffer_free (&again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    text_t rest = { (const char *) data, size };
    const text_t key = KEY;
    webhook_keys_t keys = { &key, 1 };
    webhook_secret_t secret;
    webhook_headers_t headers = { .id = s_line (&rest) };
    headers.timestamp = s_line (&rest);
    headers.signature = s_line (&rest);
    text_t url = s_line (&rest), said = headers.signature;
    webhook_field_t fields[] = { { rest, headers.id }, { headers.id, rest }, { rest, rest } };
    webhook_twilio_t twilio
        = { .url = url, .signature = said, .fields = fields, .field_count = 3, .body = rest };
    s_check (webhook_standard_verify (keys, &headers, rest, 1000) != WEBHOOK_GOOD);
    s_check (webhook_twilio_verify (keys, &twilio) != WEBHOOK_GOOD);
    s_check (webhook_google_verify (keys, rest, said) != WEBHOOK_GOOD);
    s_check (webhook_slack_verify (keys, headers.timestamp, rest, said, 1000) != WEBHOOK_GOOD);
    if (webhook_secret_read (headers.id, &secret) == NULL)
        s_check (secret.size >= 24 && secret.size <= 64);
    s_base64 (said);
    buffer_t made;
    buffer_init (&made, 1000);
    if (webhook_standard_sign (keys, headers.id, 1000, rest, &made) == 0) {
        webhook_headers_t ours = { headers.id, TEXT ("1000"), buffer_text (&made) };
        s_check (webhook_standard_verify (keys, &ours, rest, 1000) == WEBHOOK_GOOD);
    }
    buffer_free (&made);
    webhook_signed_t google = webhook_google_sign (key, rest);
    s_check (webhook_google_verify (keys, rest, (text_t){ google.data, google.size })
             == WEBHOOK_GOOD);
    return 0;
}
