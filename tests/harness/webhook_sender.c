#include "webhook_sender.h"

#include "auth/base64.h"
#include "json/json_write.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MOST 100

static http_answer_t
s_post (uint16_t port, const char *path, const char *headers, text_t body)
{
    return http_request (port, "POST", path, headers, body.data, body.size);
}

http_answer_t
send_standard (uint16_t port, const char *path, const char *secret, const char *id, time_t at,
               const char *body)
{
    webhook_secret_t decoded;
    char headers[1000];
    buffer_t signature;
    cr_assert_null (webhook_secret_read (text_of (secret), &decoded));
    text_t key = webhook_secret_key (&decoded);
    buffer_init (&signature, 500);
    cr_assert_eq (webhook_standard_sign ((webhook_keys_t){ &key, 1 }, text_of (id), (uint64_t) at,
                                         text_of (body), &signature),
                  0);
    snprintf (headers, sizeof headers,
              "content-type: application/json\r\nwebhook-id: %s\r\nwebhook-timestamp: %lld\r\n"
              "webhook-signature: %.*s\r\n",
              id, (long long) at, TEXT_ARGS (buffer_text (&signature)));
    buffer_free (&signature);
    return s_post (port, path, headers, text_of (body));
}

// ---------------------------------------------------------------------------------------------
//  Forms

static char
s_byte (const char *hex)
{
    char digits[3] = { hex[0], hex[1], 0 };
    return (char) strtol (digits, NULL, 16);
}

static text_t
s_decode (const char *from, size_t size, char **room)
{
    text_t decoded = { *room, 0 };
    for (size_t at = 0; at < size; at++) {
        bool is_percent =
            from[at] == '%' && at + 2 < size && isxdigit ((unsigned char) from[at + 1]);
        *(*room)++ = is_percent ? s_byte (from + at + 1) : from[at] == '+' ? ' ' : from[at];
        at += is_percent ? 2 : 0;
    }
    decoded.size = (size_t) (*room - decoded.data);
    return decoded;
}

http_answer_t
send_twilio (uint16_t port, const char *path, const char *token, const char *form)
{
    webhook_field_t fields[FIELDS_MOST];
    size_t count = 0;
    char *room = malloc (strlen (form) + 1), *to = room;
    char headers[300], url[2000];
    for (const char *at = form; *at && count < FIELDS_MOST;) {
        size_t size = strcspn (at, "&"), name = strcspn (at, "=&");
        fields[count].name = s_decode (at, name, &to);
        fields[count].value =
            name < size ? s_decode (at + name + 1, size - name - 1, &to) : TEXT_EMPTY;
        count++;
        at += size + (at[size] == '&');
    }
    snprintf (url, sizeof url, "%s%s", SENDER_PUBLIC, path);
    webhook_signed_t made = webhook_twilio_sign (text_of (token), text_of (url), fields, count);
    snprintf (headers, sizeof headers,
              "content-type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: %.*s\r\n",
              (int) made.size, made.data);
    free (room);
    return s_post (port, path, headers, text_of (form));
}

http_answer_t
send_google (uint16_t port, const char *path, const char *key, const char *json, bool in_envelope)
{
    char headers[300];
    buffer_t body;
    webhook_signed_t made = webhook_google_sign (text_of (key), text_of (json));
    buffer_init (&body, 4u << 20);
    int rc = in_envelope ? buffer_put_string (&body, "{\"message\":{\"data\":\"")
                               | base64_put (&body, text_of (json))
                               | buffer_put_string (&body, "\",\"messageId\":\"1\"}}")
                         : buffer_put_string (&body, json);
    cr_assert_eq (rc, 0);
    snprintf (headers, sizeof headers,
              "content-type: application/json\r\nX-Goog-Signature: %.*s\r\n", (int) made.size,
              made.data);
    http_answer_t answer = s_post (port, path, headers, buffer_text (&body));
    buffer_free (&body);
    return answer;
}

// ---------------------------------------------------------------------------------------------

static int
s_status (http_answer_t answer)
{
    int status = answer.status;
    if (status >= 400)
        fprintf (stderr, "webhook: %d %s\n", status, answer.body);
    http_answer_free (&answer);
    return status;
}

int
writes_standard (uint16_t port, const char *path, const char *user, const char *message_id,
                 const char *text)
{
    char id[300];
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, 1u << 20);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_string (&json, "type", "message.created");
    json_open_object (&json, "data");
    json_put_string (&json, "messageId", message_id);
    json_put_string (&json, "userId", user);
    json_put_string (&json, "text", text);
    json_close_object (&json);
    json_close_object (&json);
    cr_assert_eq (json_write_end (&json), 0);
    cr_assert_eq (buffer_put (&body, "", 1), 0);
    snprintf (id, sizeof id, "msg_%s", message_id);
    int status =
        s_status (send_standard (port, path, SENDER_SECRET, id, time (NULL), body.data));
    buffer_free (&body);
    return status;
}

static void
s_encode (const char *text, char *to)
{
    for (; *text; text++)
        if (isalnum ((unsigned char) *text))
            *to++ = *text;
        else
            to += sprintf (to, "%%%02X", (unsigned char) *text);
    *to = 0;
}

int
writes_sms (uint16_t port, const char *path, const char *from, const char *sid, const char *text)
{
    char form[6000], number[100], body[5000];
    s_encode (from, number);
    s_encode (text, body);
    snprintf (form, sizeof form,
              "ToCountry=GB&SmsMessageSid=%s&NumMedia=0&SmsSid=%s&SmsStatus=received&Body=%s&"
              "FromCity=&To=%%2B447700900000&NumSegments=1&MessageSid=%s&From=%s",
              sid, sid, body, sid, number);
    return s_status (send_twilio (port, path, SENDER_TOKEN, form));
}
