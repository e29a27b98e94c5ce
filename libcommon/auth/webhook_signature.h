//  webhook_signature — who sent a webhook, by what vendors sign their requests with. Each scheme is
//  an HMAC with a secret that both sides have.
//
//      standard  Standard Webhooks 1.0: SHA-256 over id.timestamp.body, "v1,<base64>"
//      twilio    SHA-1 over the URL and the sorted parameters, base64
//      google    SHA-512 over the body (Business Messages) or over the decoded data (RCS), base64
//      slack     SHA-256 over v0:timestamp:body, "v0=<hexadecimal>"
//      genesys   SHA-256 over the body, "sha256=<base64>" (Meta and GitHub have hexadecimal there)
//
//  Several keys may be right at a time, while one replaces another. How long a check takes does not
//  tell how much of a signature is right. Nothing here logs a key or a signature.

#ifndef WEBHOOK_SIGNATURE_H
#define WEBHOOK_SIGNATURE_H

#include "base/buffer.h"

#include <stdint.h>

//  Clocks differ, and a request is no older than this: both ways.
#define WEBHOOK_TOLERANCE_S 300
#define WEBHOOK_KEYS_MOST 4
#define WEBHOOK_ID_MOST 256
#define WEBHOOK_FIELDS_MOST 1000
//  A request with this header is no webhook, whatever else is in it: it asks whether an edge is
//  here, and is answered with 403 unread. No signature is missing, so nobody is warned of it.
#define WEBHOOK_CHECK_HEADER "Stentor-Check"
//  What the answer has in the same header: anything may answer with 403, only an edge with this.
#define WEBHOOK_CHECK_ANSWER "edge"

typedef enum {
    WEBHOOK_GOOD,
#define WEBHOOK_FAULT(NAME, word, words) WEBHOOK_##NAME,
#include "auth/webhook_faults.def"
#undef WEBHOOK_FAULT
    WEBHOOK_FAULTS
} webhook_fault_t;

const char *webhook_fault_word (webhook_fault_t fault);
const char *webhook_fault_words (webhook_fault_t fault);

//  Keys as the HMAC takes them; an empty one is right for nothing.
typedef struct {
    const text_t *keys;
    size_t count;
} webhook_keys_t;

//  Is it one of the keys itself? (A handshake of Google's has it in it.)
bool webhook_keys_have (webhook_keys_t keys, text_t said);

//  A secret of Standard Webhooks, "whsec_" (which may be absent) and the base64 of 24 to 64 bytes,
//  as a key.
typedef struct {
    char bytes[64];
    size_t size;
} webhook_secret_t;

//  NULL, or what is wrong, for people.
__attribute__ ((warn_unused_result)) const char *webhook_secret_read (text_t text,
                                                                      webhook_secret_t *secret);
static inline text_t
webhook_secret_key (const webhook_secret_t *secret)
{
    return (text_t){ secret->bytes, secret->size };
}

//  One signature, as it stands in a header.
#define WEBHOOK_SIGNATURE_MOST 100
typedef struct {
    char data[WEBHOOK_SIGNATURE_MOST];
    size_t size;
} webhook_signed_t;

//  Standard Webhooks: the headers as they came; what is missing is empty.
typedef struct {
    text_t id;        //  webhook-id
    text_t timestamp; //  webhook-timestamp: seconds since 1970, digits only
    text_t signature; //  webhook-signature: a list
} webhook_headers_t;

webhook_fault_t webhook_standard_verify (webhook_keys_t keys, const webhook_headers_t *headers,
                                         text_t body, uint64_t now_s);
//  Appends the list for webhook-signature, one signature for each key. 0; −1: the buffer is full,
//  the id has a dot or a blank, or is too long, or there is no key.
__attribute__ ((warn_unused_result)) int webhook_standard_sign (webhook_keys_t keys, text_t id,
                                                                uint64_t timestamp_s, text_t body,
                                                                buffer_t *to);

//  A webhook-id that follows from a name, which may have any bytes: "msg_" and 32 hexadecimal
//  digits.
#define WEBHOOK_ID_SIZE 40
void webhook_id_of (text_t name, char id[WEBHOOK_ID_SIZE]);

//  One parameter of a form, decoded.
typedef struct {
    text_t name;
    text_t value;
} webhook_field_t;

//  A request of Twilio's.
typedef struct {
    text_t url; //  the public one: with its query, as it was sent
    text_t signature; //  X-Twilio-Signature
    text_t settings;  //  X-Twilio-Webhooks-Signature-Settings: refused when it is there
    //  Of a form. They are sorted here.
    webhook_field_t *fields;
    size_t field_count;
    text_t body; //  what bodySHA256 of the query, if there is one, must be the hash of
} webhook_twilio_t;

//  Twilio signs the URL with or without its port: as it is, with no port, and with the standard one
//  are tried. A query with bodySHA256 means that the parameters are not signed, but the body is.
webhook_fault_t webhook_twilio_verify (webhook_keys_t keys, webhook_twilio_t *request);
webhook_signed_t webhook_twilio_sign (text_t key, text_t url, webhook_field_t *fields,
                                      size_t field_count);

//  X-Goog-Signature over these bytes.
webhook_fault_t webhook_google_verify (webhook_keys_t keys, text_t bytes, text_t signature);
webhook_signed_t webhook_google_sign (text_t key, text_t bytes);

//  X-Hub-Signature-256 of Genesys Cloud over the body.
webhook_fault_t webhook_genesys_verify (webhook_keys_t keys, text_t body, text_t signature);
webhook_signed_t webhook_genesys_sign (text_t key, text_t body);

//  X-Slack-Request-Timestamp and X-Slack-Signature.
webhook_fault_t webhook_slack_verify (webhook_keys_t keys, text_t timestamp, text_t body,
                                      text_t signature, uint64_t now_s);
webhook_signed_t webhook_slack_sign (text_t key, text_t timestamp, text_t body);

#endif
