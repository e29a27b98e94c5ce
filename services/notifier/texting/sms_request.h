//  sms_request — the requests that Twilio is sent: a message, and which messages there are.

#ifndef SMS_REQUEST_H
#define SMS_REQUEST_H

#include "base/buffer.h"
#include "config/app.h"

#include <stdint.h>

#define SMS_REQUEST_MOST 65536

//  Texts of one request. `form` is empty of a question. All are followed by a NUL.
typedef struct {
    buffer_t url;
    buffer_t form;
    buffer_t login; //  "Authorization: Basic …": a secret
} sms_request_t;

//  One message. `callback` is where Twilio tells what becomes of it ("": nowhere), `valid_s` how
//  long it may take (0: as long as Twilio likes).
typedef struct {
    text_t to;
    text_t text;
    text_t callback;
    uint64_t valid_s;
} sms_message_t;

//  NULL, or what is wrong with the account, for the operator. sms_request_free follows in any case.
const char *sms_request_send (sms_request_t *self, const char *base, const app_sms_t *account,
                              const sms_message_t *message);
//  Which messages went to the number since this day (of UTC)?
const char *sms_request_look (sms_request_t *self, const char *base, const app_sms_t *account,
                              text_t to, uint64_t since_ms);
void sms_request_free (sms_request_t *self);

//  Appends "https://edge/webhooks/app/channel/status?item=…"; nothing without a public URL or a
//  channel, or when its host has an underscore: Twilio refuses that.
void sms_request_put_callback (const char *public_url, text_t app, text_t channel, text_t item,
                               buffer_t *to);

//  A number as E.164 has it: a plus and 7 to 15 digits.
bool sms_is_number (text_t number);

#endif
