//  webhook_signature — vendors' own vectors are right, and whatever is changed in them is not.

#include "auth/webhook_signature.h"

#include "auth/base64.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ROWS(table) (sizeof (table) / sizeof *(table))
//  Of one key.
#define KEYS(key) ((webhook_keys_t){ (const text_t[]){ key }, 1 })

// ---------------------------------------------------------------------------------------------
//  base64

Test (base64, there_and_back)
{
    static const struct {
        text_t bytes, text;
    } rows[] = {
        { TEXT (""), TEXT ("") },         { TEXT ("f"), TEXT ("Zg==") },
        { TEXT ("fo"), TEXT ("Zm8=") },   { TEXT ("foo"), TEXT ("Zm9v") },
        { TEXT ("foob"), TEXT ("Zm9vYg==") },
        { TEXT ("\xff\xfe\0\x3e"), TEXT ("//4APg==") },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        buffer_t made, read;
        buffer_init (&made, 100);
        buffer_init (&read, 100);
        cr_assert_eq (base64_put (&made, rows[row].bytes), 0);
        cr_expect (text_is (buffer_text (&made), rows[row].text), "%zu", row);
        cr_assert_eq (base64_read (&read, rows[row].text), 0);
        cr_expect (text_is (buffer_text (&read), rows[row].bytes), "%zu", row);
        buffer_free (&made);
        buffer_free (&read);
    }
}

Test (base64, what_is_none)
{
    static const char *const none[] = { "Z",    "Zg",   "Zg=",      "Zh==",    "Zm9=",  "====",
                                        "Zg== ", "Z===", "Zg==Zg==", "Zm9v\n",  "Zm-v", "Zm_v",
                                        "=Zg=",  "Zm9vZg=", " Zg==",  "Zg\0==" };
    for (size_t row = 0; row < ROWS (none); row++) {
        buffer_t read;
        buffer_init (&read, 100);
        cr_assert_eq (buffer_put_string (&read, "x"), 0);
        cr_expect_eq (base64_read (&read, text_of (none[row])), -1, "%s", none[row]);
        cr_expect_eq (read.size, 1);
        buffer_free (&read);
    }
}

Test (base64, a_full_buffer)
{
    buffer_t small;
    buffer_init (&small, 4);
    cr_expect_eq (base64_put (&small, TEXT ("foob")), -1);
    cr_expect_eq (base64_put (&small, TEXT ("foo")), 0);
    cr_expect_eq (base64_read (&small, TEXT ("Zg==")), -1);
    buffer_free (&small);
}

// ---------------------------------------------------------------------------------------------
//  Standard Webhooks

static const struct {
    text_t secret, id, timestamp, body, signature;
    uint64_t time_s;
} s_standard[] = {
    { TEXT ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), TEXT ("msg_p5jXN8AQM9LWM0D4loKWxJek"),
      TEXT ("1614265330"), TEXT ("{\"test\": 2432232314}"),
      TEXT ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), 1614265330 },
    { TEXT ("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), TEXT ("msg_0001"),
      TEXT ("1795356000"),
      TEXT ("{\"type\":\"session.handoff\",\"timestamp\":\"2026-11-22T14:00:00Z\",\"data\":{"
            "\"sessionId\":\"s-1\"}}"),
      TEXT ("v1,iGqeKoDnfQKAlCIzA5O6zyGdpWl2ar4CC3R7nFBbZZE="), 1795356000 },
};

static webhook_headers_t
s_headers (size_t row)
{
    return (webhook_headers_t){ .id = s_standard[row].id,
                                .timestamp = s_standard[row].timestamp,
                                .signature = s_standard[row].signature };
}

static text_t
s_secret (size_t row, webhook_secret_t *secret)
{
    cr_assert_null (webhook_secret_read (s_standard[row].secret, secret));
    return webhook_secret_key (secret);
}

Test (standard, vectors)
{
    for (size_t row = 0; row < ROWS (s_standard); row++) {
        webhook_secret_t secret;
        webhook_headers_t headers = s_headers (row);
        webhook_keys_t keys = KEYS (s_secret (row, &secret));
        cr_expect_eq (webhook_standard_verify (keys, &headers, s_standard[row].body,
                                               s_standard[row].time_s),
                      WEBHOOK_GOOD);
        buffer_t made;
        buffer_init (&made, 1000);
        cr_assert_eq (webhook_standard_sign (keys, headers.id, s_standard[row].time_s,
                                             s_standard[row].body, &made),
                      0);
        cr_expect (text_is (buffer_text (&made), headers.signature), "%zu", row);
        buffer_free (&made);
    }
}

Test (standard, five_minutes_both_ways)
{
    webhook_secret_t secret;
    webhook_headers_t headers = s_headers (0);
    webhook_keys_t keys = KEYS (s_secret (0, &secret));
    static const struct {
        long off;
        webhook_fault_t fault;
    } rows[] = { { 300, WEBHOOK_GOOD },
                 { -300, WEBHOOK_GOOD },
                 { 301, WEBHOOK_EXPIRED },
                 { -301, WEBHOOK_AHEAD },
                 { -1614265330, WEBHOOK_AHEAD } };
    for (size_t row = 0; row < ROWS (rows); row++)
        cr_expect_eq (webhook_standard_verify (keys, &headers, s_standard[0].body,
                                               (uint64_t) (1614265330 + rows[row].off)),
                      rows[row].fault, "%zu", row);
}

Test (standard, headers_of_every_wrong_shape)
{
    webhook_secret_t secret;
    webhook_keys_t keys = KEYS (s_secret (0, &secret));
    static char long_id[WEBHOOK_ID_MOST + 2];
    memset (long_id, 'i', sizeof long_id - 1);
    const struct {
        webhook_headers_t headers;
        webhook_fault_t fault;
    } rows[] = {
        { { TEXT_EMPTY, s_standard[0].timestamp, s_standard[0].signature }, WEBHOOK_MISSING },
        { { s_standard[0].id, TEXT_EMPTY, s_standard[0].signature }, WEBHOOK_MISSING },
        { { s_standard[0].id, s_standard[0].timestamp, TEXT_EMPTY }, WEBHOOK_MISSING },
        { { s_standard[0].id, TEXT ("1614265330abc"), s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { s_standard[0].id, TEXT (" 1614265330"), s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { s_standard[0].id, TEXT ("-1614265330"), s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { s_standard[0].id, TEXT ("1614265330.5"), s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { s_standard[0].id, TEXT ("99999999999999999999999"), s_standard[0].signature },
          WEBHOOK_MALFORMED },
        //  Signed as they stand.
        { { s_standard[0].id, TEXT ("01614265330"), s_standard[0].signature }, WEBHOOK_WRONG },
        { { TEXT ("msg_1.2"), s_standard[0].timestamp, s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { TEXT ("msg 1"), s_standard[0].timestamp, s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { text_of (long_id), s_standard[0].timestamp, s_standard[0].signature },
          WEBHOOK_MALFORMED },
        { { s_standard[0].id, s_standard[0].timestamp, TEXT ("v1") }, WEBHOOK_WRONG },
        { { s_standard[0].id, s_standard[0].timestamp, TEXT ("v1,") }, WEBHOOK_WRONG },
        { { s_standard[0].id, s_standard[0].timestamp, TEXT (" ") }, WEBHOOK_WRONG },
        { { s_standard[0].id, s_standard[0].timestamp,
            TEXT ("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") },
          WEBHOOK_WRONG },
        { { s_standard[0].id, s_standard[0].timestamp,
            TEXT ("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") },
          WEBHOOK_WRONG },
        //  The same bytes in base64url.
        { { s_standard[0].id, s_standard[0].timestamp,
            TEXT ("v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=") },
          WEBHOOK_WRONG },
        { { s_standard[0].id, s_standard[0].timestamp,
            TEXT ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE") },
          WEBHOOK_WRONG },
        { { s_standard[0].id, s_standard[0].timestamp,
            TEXT ("v1,AAAA v1a,BBBB v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,CC") },
          WEBHOOK_GOOD },
    };
    for (size_t row = 0; row < ROWS (rows); row++)
        cr_expect_eq (webhook_standard_verify (keys, &rows[row].headers, s_standard[0].body,
                                               1614265330),
                      rows[row].fault, "%zu", row);
}

Test (standard, each_byte_counts)
{
    webhook_secret_t secret;
    webhook_headers_t headers = s_headers (0);
    webhook_keys_t keys = KEYS (s_secret (0, &secret));
    text_t body = s_standard[0].body, signature = headers.signature;
    char copy[100];
    for (size_t at = 0; at < body.size; at++) {
        memcpy (copy, body.data, body.size);
        copy[at] ^= 1;
        cr_expect_eq (webhook_standard_verify (keys, &headers, (text_t){ copy, body.size },
                                               1614265330),
                      WEBHOOK_WRONG);
    }
    for (size_t at = 0; at < signature.size; at++) {
        memcpy (copy, signature.data, signature.size);
        copy[at] ^= 1;
        headers.signature = (text_t){ copy, signature.size };
        cr_expect_eq (webhook_standard_verify (keys, &headers, body, 1614265330), WEBHOOK_WRONG);
        headers.signature = (text_t){ signature.data, at };
        cr_expect_neq (webhook_standard_verify (keys, &headers, body, 1614265330), WEBHOOK_GOOD);
    }
    //  A moved border between id, time and body is another request.
    headers = s_headers (0);
    headers.signature = signature;
    headers.id = TEXT ("msg_p5jXN8AQM9LWM0D4loKWxJe");
    cr_expect_eq (webhook_standard_verify (keys, &headers, body, 1614265330), WEBHOOK_WRONG);
}

Test (standard, while_one_key_replaces_another)
{
    webhook_secret_t old, fresh;
    const text_t both[] = { s_secret (0, &old), s_secret (1, &fresh) };
    webhook_keys_t two = { both, 2 };
    for (size_t row = 0; row < ROWS (s_standard); row++) {
        webhook_headers_t headers = s_headers (row);
        cr_expect_eq (webhook_standard_verify (two, &headers, s_standard[row].body,
                                               s_standard[row].time_s),
                      WEBHOOK_GOOD);
    }
    //  What we sign with both is right for each.
    buffer_t made;
    buffer_init (&made, 1000);
    cr_assert_eq (webhook_standard_sign (two, TEXT ("msg_1"), 1000, TEXT ("{}"), &made), 0);
    webhook_headers_t headers = { TEXT ("msg_1"), TEXT ("1000"), buffer_text (&made) };
    for (size_t key = 0; key < 2; key++)
        cr_expect_eq (webhook_standard_verify (KEYS (both[key]), &headers, TEXT ("{}"), 1000),
                      WEBHOOK_GOOD);
    buffer_free (&made);
}

Test (standard, without_a_key_nothing_is_right)
{
    webhook_headers_t headers = s_headers (0);
    webhook_keys_t none = { NULL, 0 };
    cr_expect_eq (webhook_standard_verify (none, &headers, s_standard[0].body, 1614265330),
                  WEBHOOK_WRONG);
    cr_expect_eq (webhook_standard_verify (KEYS (TEXT_EMPTY), &headers, s_standard[0].body,
                                           1614265330),
                  WEBHOOK_WRONG);
    cr_expect_eq (webhook_google_verify (KEYS (TEXT_EMPTY), TEXT ("x"), TEXT ("x")),
                  WEBHOOK_WRONG);
    cr_expect_eq (webhook_slack_verify (none, TEXT ("1"), TEXT ("x"), TEXT ("x"), 1),
                  WEBHOOK_WRONG);
    webhook_twilio_t twilio = { .url = TEXT ("https://h/"), .signature = TEXT ("x") };
    cr_expect_eq (webhook_twilio_verify (KEYS (TEXT_EMPTY), &twilio), WEBHOOK_WRONG);
    buffer_t made;
    buffer_init (&made, 1000);
    cr_expect_eq (webhook_standard_sign (none, TEXT ("msg_1"), 1, TEXT ("{}"), &made), -1);
    cr_expect_eq (webhook_standard_sign (KEYS (TEXT_EMPTY), TEXT ("m"), 1, TEXT ("{}"), &made),
                  -1);
    cr_expect_eq (webhook_standard_sign (KEYS (TEXT ("k")), TEXT ("m.1"), 1, TEXT (""), &made),
                  -1);
    cr_expect_eq (made.size, 0);
    buffer_free (&made);
}

Test (standard, secrets)
{
    static const struct {
        const char *text;
        size_t size; //  0: refused
    } rows[] = {
        { "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", 24 },
        { "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", 24 },
        { "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY=", 0 }, //  23
        { "whsec_", 0 },
        { "", 0 },
        { "whsec_whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", 0 },
        { "a password, as people type it", 0 },
        { "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n", 0 },
    };
    webhook_secret_t secret;
    for (size_t row = 0; row < ROWS (rows); row++) {
        const char *wrong = webhook_secret_read (text_of (rows[row].text), &secret);
        cr_expect_eq (!wrong, rows[row].size > 0, "%s", rows[row].text);
        if (!wrong)
            cr_expect_eq (secret.size, rows[row].size);
    }
    //  64 bytes are the most.
    for (size_t size = 60; size < 70; size++) {
        buffer_t text;
        char bytes[70];
        memset (bytes, 'k', sizeof bytes);
        buffer_init (&text, 200);
        cr_assert_eq (base64_put (&text, (text_t){ bytes, size }), 0);
        cr_expect_eq (!webhook_secret_read (buffer_text (&text), &secret), size <= 64, "%zu",
                      size);
        buffer_free (&text);
    }
}

// ---------------------------------------------------------------------------------------------
//  Twilio

#define EDGE "https://edge.example.com/hooks/twilio"
#define SHA "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"

typedef struct {
    const char *token, *url, *signature;
    webhook_field_t fields[8];
    size_t field_count;
    text_t body;
} twilio_row_t;

static const webhook_field_t s_sms[] = {
    { TEXT ("ToCountry"), TEXT ("US") },
    { TEXT ("MessageSid"), TEXT ("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") },
    { TEXT ("Body"), TEXT ("Hi there & bye") },
    { TEXT ("From"), TEXT ("+15555550111") },
    { TEXT ("To"), TEXT ("+15555550122") },
    { TEXT ("NumMedia"), TEXT ("0") },
    { TEXT ("AccountSid"), TEXT ("AC00000000000000000000000000000000") },
};
#define SMS                                                                                       \
    { s_sms[0], s_sms[1], s_sms[2], s_sms[3], s_sms[4], s_sms[5], s_sms[6] }, 7

static twilio_row_t *
s_twilio (size_t *count)
{
    static twilio_row_t rows[5];
    rows[0] = (twilio_row_t){ "12345",
                              "https://example.com/myapp.php?foo=1&bar=2",
                              "vNe7KK2kJwCsxc9K3OLkkKB3qqI=",
                              { { TEXT ("CallSid"), TEXT ("CA1234567890ABCDE") },
                                { TEXT ("Caller"), TEXT ("+12349013030") },
                                { TEXT ("Digits"), TEXT ("1234") },
                                { TEXT ("From"), TEXT ("+12349013030") },
                                { TEXT ("To"), TEXT ("+18005551212") } },
                              5,
                              TEXT_EMPTY };
    rows[1] = (twilio_row_t){ "test-auth-token", EDGE, "ama52krROY83oYKVvT25ZrZvFhQ=", SMS,
                              TEXT_EMPTY };
    rows[2] = (twilio_row_t){ "test-auth-token", "https://edge.example.com:443/hooks/twilio",
                              "YMkKGGVEtJ4xWfVQr3vxeq4Oi9M=", SMS, TEXT_EMPTY };
    rows[3] = (twilio_row_t){ "test-auth-token",
                              EDGE,
                              "3Au1undYLxHmNbT8Ip93qJzVoeM=",
                              { { TEXT ("MediaUrl"), TEXT ("b") },
                                { TEXT ("MediaUrl"), TEXT ("a") },
                                { TEXT ("MediaUrl"), TEXT ("a") },
                                { TEXT ("From"), TEXT ("x") } },
                              4,
                              TEXT_EMPTY };
    rows[4] = (twilio_row_t){ .token = "test-auth-token",
                              .url = EDGE "?bodySHA256=" SHA,
                              .signature = "Y/JkK6+7W9XR2z7WW3pEpY0c4oE=",
                              .body = TEXT ("{\"a\":1}") };
    *count = ROWS (rows);
    return rows;
}

static webhook_fault_t
s_verify (twilio_row_t *row, const char *url, const char *signature)
{
    webhook_twilio_t request = { .url = text_of (url),
                                 .signature = text_of (signature),
                                 .fields = row->fields,
                                 .field_count = row->field_count,
                                 .body = row->body };
    return webhook_twilio_verify (KEYS (text_of (row->token)), &request);
}

Test (twilio, vectors)
{
    size_t count;
    twilio_row_t *rows = s_twilio (&count);
    for (size_t row = 0; row < count; row++) {
        cr_expect_eq (s_verify (&rows[row], rows[row].url, rows[row].signature), WEBHOOK_GOOD,
                      "%zu", row);
        webhook_signed_t made = webhook_twilio_sign (text_of (rows[row].token),
                                                     text_of (rows[row].url), rows[row].fields,
                                                     rows[row].field_count);
        cr_expect (text_is ((text_t){ made.data, made.size }, text_of (rows[row].signature)));
    }
}

//  The signature of the URL with the port is right for the one without, and the other way round.
Test (twilio, with_and_without_the_port)
{
    size_t count;
    twilio_row_t *rows = s_twilio (&count);
    cr_expect_eq (s_verify (&rows[1], rows[2].url, rows[1].signature), WEBHOOK_GOOD);
    cr_expect_eq (s_verify (&rows[1], rows[1].url, rows[2].signature), WEBHOOK_GOOD);
    cr_expect_eq (s_verify (&rows[1], "https://edge.example.com:8443/hooks/twilio",
                            rows[1].signature),
                  WEBHOOK_GOOD);
    cr_expect_eq (s_verify (&rows[1], "https://edge.example.com:8443/hooks/twilio",
                            rows[2].signature),
                  WEBHOOK_WRONG);
    static const struct {
        const char *configured, *signed_as;
        webhook_fault_t fault;
    } ports[] = {
        { "http://h/p", "http://h:80/p", WEBHOOK_GOOD },
        { "http://h/p", "http://h:443/p", WEBHOOK_WRONG },
        { "https://h/p", "https://h:80/p", WEBHOOK_WRONG },
        { "https://h:8443/p?a=b:1", "https://h:8443/p?a=b:1", WEBHOOK_GOOD },
        { "https://[::1]:8443/p", "https://[::1]/p", WEBHOOK_GOOD },
        { "https://[::1]/p", "https://[::1]:443/p", WEBHOOK_GOOD },
        { "https://h", "https://h:443", WEBHOOK_GOOD },
        { "https://h?a", "https://h:443?a", WEBHOOK_GOOD },
        { "https://h/p", "https://h/p/", WEBHOOK_WRONG },
        { "ftp://h/p", "ftp://h/p", WEBHOOK_MALFORMED },
        { "https:///p", "https:///p", WEBHOOK_MALFORMED },
        { "", "", WEBHOOK_MALFORMED },
    };
    for (size_t row = 0; row < ROWS (ports); row++) {
        twilio_row_t each = { .token = "t" };
        webhook_signed_t made
            = webhook_twilio_sign (TEXT ("t"), text_of (ports[row].signed_as), NULL, 0);
        made.data[made.size] = 0;
        cr_expect_eq (s_verify (&each, ports[row].configured, made.data), ports[row].fault, "%s",
                      ports[row].configured);
    }
}

Test (twilio, what_is_not_right)
{
    size_t count;
    twilio_row_t *rows = s_twilio (&count);
    cr_expect_eq (s_verify (&rows[1], rows[1].url, ""), WEBHOOK_MISSING);
    cr_expect_eq (s_verify (&rows[1], rows[1].url, "ama52krROY83oYKVvT25ZrZvFhQ"),
                  WEBHOOK_WRONG);
    cr_expect_eq (s_verify (&rows[1], EDGE "?x", rows[1].signature), WEBHOOK_WRONG);
    //  A body that is not the one whose hash is signed; and a hash that is not signed.
    rows[4].body = TEXT ("{\"a\":2}");
    cr_expect_eq (s_verify (&rows[4], rows[4].url, rows[4].signature), WEBHOOK_BODY);
    cr_expect_eq (s_verify (&rows[4], EDGE "?bodySHA256=00", rows[4].signature), WEBHOOK_WRONG);
    //  A parameter more, one less, another value, a blank cut off.
    rows[1].fields[7] = (webhook_field_t){ TEXT ("A"), TEXT ("") };
    rows[1].field_count = 8;
    cr_expect_eq (s_verify (&rows[1], rows[1].url, rows[1].signature), WEBHOOK_WRONG);
    rows = s_twilio (&count);
    rows[1].field_count = 6;
    cr_expect_eq (s_verify (&rows[1], rows[1].url, rows[1].signature), WEBHOOK_WRONG);
    rows = s_twilio (&count);
    rows[1].fields[2].value = TEXT ("Hi there & bye ");
    cr_expect_eq (s_verify (&rows[1], rows[1].url, rows[1].signature), WEBHOOK_WRONG);
    //  Signed with a key that we have not: the header says so.
    rows = s_twilio (&count);
    webhook_twilio_t request = { .url = text_of (rows[1].url),
                                 .signature = text_of (rows[1].signature),
                                 .settings = TEXT ("key=k,algorithm=HMAC_SHA256"),
                                 .fields = rows[1].fields,
                                 .field_count = rows[1].field_count };
    cr_expect_eq (webhook_twilio_verify (KEYS (TEXT ("test-auth-token")), &request),
                  WEBHOOK_SCHEME);
}

// ---------------------------------------------------------------------------------------------
//  Google, Slack

Test (google, vectors)
{
    static const struct {
        const char *key, *bytes, *signature;
    } rows[] = {
        { "partner-key", "{\"message\":{\"text\":\"hi\"}}",
          "cQVV7p1FKEVKMvmT8ZCNuSp7PzWaH1ihslsilXxq+BbeljvYyF9kjUVKsw/"
          "EnmDYC/MVriPQ5K/kBpAsd5XTZg==" },
        { "client-token",
          "{\"senderPhoneNumber\":\"+15555550111\",\"messageId\":\"m-1\",\"text\":\"hi\"}",
          "FP1ARWalCplaXMhejN+CSiMMaS73+MtAsFg5oEjHl6pKMY/mDpa66HVVjWU9d7aOwxK2+"
          "lH+TCgxPvsHkX3Xtg==" },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        text_t bytes = text_of (rows[row].bytes), signature = text_of (rows[row].signature);
        const text_t keys[] = { TEXT ("another"), text_of (rows[row].key) };
        cr_expect_eq (webhook_google_verify ((webhook_keys_t){ keys, 2 }, bytes, signature),
                      WEBHOOK_GOOD);
        cr_expect_eq (webhook_google_verify ((webhook_keys_t){ keys, 1 }, bytes, signature),
                      WEBHOOK_WRONG);
        cr_expect_eq (webhook_google_verify ((webhook_keys_t){ keys, 2 }, bytes, TEXT_EMPTY),
                      WEBHOOK_MISSING);
        bytes.size--;
        cr_expect_eq (webhook_google_verify ((webhook_keys_t){ keys, 2 }, bytes, signature),
                      WEBHOOK_WRONG);
    }
}

Test (slack, vectors)
{
    static const struct {
        const char *key, *timestamp, *body, *signature;
        uint64_t time_s;
    } rows[] = {
        { "8f742231b10e8888abcd99yyyzzz85a5", "1531420618",
          "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
          "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook"
          "-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F3977"
          "00885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d1"
          "0d2c447fce8b6703c",
          "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", 1531420618 },
        { "test-signing-secret", "1700000000", "{\"type\":\"block_actions\"}",
          "v0=2936e8c8e3a6ad6b34a442b01a8625fed58296a5e21956e8c14cc5fba2f65027", 1700000000 },
    };
    for (size_t row = 0; row < ROWS (rows); row++) {
        webhook_keys_t keys = KEYS (text_of (rows[row].key));
        text_t body = text_of (rows[row].body), timestamp = text_of (rows[row].timestamp),
               signature = text_of (rows[row].signature);
        uint64_t now_s = rows[row].time_s;
        cr_expect_eq (webhook_slack_verify (keys, timestamp, body, signature, now_s + 300),
                      WEBHOOK_GOOD);
        cr_expect_eq (webhook_slack_verify (keys, timestamp, body, signature, now_s + 301),
                      WEBHOOK_EXPIRED);
        cr_expect_eq (webhook_slack_verify (keys, timestamp, body, signature, now_s - 301),
                      WEBHOOK_AHEAD);
        cr_expect_eq (webhook_slack_verify (keys, TEXT_EMPTY, body, signature, now_s),
                      WEBHOOK_MISSING);
        cr_expect_eq (webhook_slack_verify (keys, timestamp, body, TEXT_EMPTY, now_s),
                      WEBHOOK_MISSING);
        signature.size--;
        cr_expect_eq (webhook_slack_verify (keys, timestamp, body, signature, now_s),
                      WEBHOOK_WRONG);
    }
}

Test (faults, have_words)
{
    for (int fault = 0; fault < WEBHOOK_FAULTS; fault++) {
        cr_expect (strlen (webhook_fault_word ((webhook_fault_t) fault)) > 0);
        cr_expect (strlen (webhook_fault_words ((webhook_fault_t) fault)) > 0);
    }
}
