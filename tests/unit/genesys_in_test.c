//  genesys_in — a webhook of Genesys Cloud: whose it is, what it says, and how a visitor's client
//  is shown that.

#include "platforms/genesys_in.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define ROWS(table) (sizeof (table) / sizeof *(table))
#define TO                                                                                        \
    "\"channel\":{\"to\":{\"id\":\"e1\",\"idType\":\"Opaque\"},"                                   \
    "\"time\":\"2026-11-22T14:01:00.250Z\"}"
#define TEXT_OF(rest) "{\"id\":\"m1\"," TO ",\"type\":\"Text\"" rest "}"
#define STRUCTURED(rest) "{\"id\":\"q 1\"," TO ",\"type\":\"Structured\"" rest "}"

// ---------------------------------------------------------------------------------------------
//  The signature

//  The vector of the fact sheet.
#define SECRET TEXT ("0123456789abcdef")
#define BODY TEXT ("{\"id\":\"m1\",\"type\":\"Text\",\"text\":\"Hi\"}")
#define SIGNATURE "sha256=6Fev6XsJoQixOyP7Qoi9qKd6gIobPqTPHro99RvyjGs="

Test (genesys_in, the_signature)
{
    static const text_t keys[] = { TEXT ("an older secret!"), SECRET };
    static const struct {
        const char *signature;
        size_t keys;
        webhook_fault_t fault;
    } rows[] = {
        { SIGNATURE, 2, WEBHOOK_GOOD },
        { SIGNATURE, 1, WEBHOOK_WRONG },
        { "", 2, WEBHOOK_MISSING },
        { SIGNATURE "=", 2, WEBHOOK_WRONG },
        { "6Fev6XsJoQixOyP7Qoi9qKd6gIobPqTPHro99RvyjGs=", 2, WEBHOOK_WRONG },
        //  The same digest in hexadecimal, as others sign
        { "sha256=e857afe97b09a108b13b23fb4288bda8a77a808a1b3ea4cf1eba3df51bf28c6b", 2,
          WEBHOOK_WRONG },
    };
    for (size_t at = 0; at < ROWS (rows); at++) {
        genesys_secrets_t secrets = { .keys = { keys, rows[at].keys }, .second = TEXT_EMPTY };
        genesys_headers_t headers = { text_of (rows[at].signature), TEXT_EMPTY };
        cr_expect_eq (genesys_verify (&secrets, &headers, BODY), rows[at].fault, "%s",
                      rows[at].signature);
    }
}

Test (genesys_in, the_second_secret)
{
    static const text_t keys[] = { SECRET };
    genesys_secrets_t secrets = {
        .keys = { keys, 1 }, .has_second = true, .second = TEXT ("open sesame")
    };
    genesys_headers_t headers = { TEXT (SIGNATURE), TEXT ("open sesame") };
    cr_expect_eq (genesys_verify (&secrets, &headers, BODY), WEBHOOK_GOOD);
    headers.second = TEXT ("open sesam");
    cr_expect_eq (genesys_verify (&secrets, &headers, BODY), WEBHOOK_WRONG);
    headers.second = TEXT_EMPTY;
    cr_expect_eq (genesys_verify (&secrets, &headers, BODY), WEBHOOK_MISSING);
    headers.second = TEXT ("open sesame");
    headers.signature = TEXT ("sha256=x");
    cr_expect_eq (genesys_verify (&secrets, &headers, BODY), WEBHOOK_WRONG);
}

// ---------------------------------------------------------------------------------------------
//  What it says

typedef struct {
    const char *body;
    platform_what_t what; //  PLATFORM_SAYS with data NULL: nothing can be shown
    const char *data;
} case_t;

static void
s_expect (const case_t *row)
{
    platform_word_t word = { .what = PLATFORM_NOTHING };
    const char *complaint = genesys_read (&word, text_of (row->body));
    cr_assert_null (complaint, "%s: %s", row->body, complaint);
    cr_expect_eq (word.what, row->what, "%s: %d", row->body, word.what);
    cr_expect (text_is (word.external_id, TEXT ("e1")));
    cr_expect (text_is (buffer_text (&word.data), text_of (row->data ? row->data : "")),
               "%s\n%.*s", row->body, TEXT_ARGS (buffer_text (&word.data)));
    platform_word_free (&word);
}

#define SAYS(words) "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"" words "\"}"
#define SHOWS(words, displays)                                                                    \
    "{\"outputSpeech\":{\"displayText\":\"" words "\"},\"displays\":[" displays "]}"
#define PART(type, member, inner)                                                                 \
    "{\"contentType\":\"" type "\",\"" member "\":{" inner "}}"
#define FILE_OF(media, rest)                                                                      \
    PART ("Attachment", "attachment", "\"mediaType\":\"" media "\",\"url\":\"https://f/1\"" rest)

Test (genesys_in, words_and_files)
{
    static const case_t rows[] = {
        { TEXT_OF (",\"text\":\"Hello, Ann here\""), PLATFORM_SAYS, SAYS ("Hello, Ann here") },
        { TEXT_OF (",\"text\":\"a\\nb\",\"content\":[]"), PLATFORM_SAYS, SAYS ("a\\nb") },
        { TEXT_OF (""), PLATFORM_SAYS, NULL },
        { TEXT_OF (",\"text\":7,\"content\":{\"a\":1}"), PLATFORM_SAYS, NULL },
        { TEXT_OF (",\"text\":\"a\\u0000b\""), PLATFORM_SAYS, NULL },
        { TEXT_OF (",\"content\":[" FILE_OF ("Image", ",\"filename\":\"p.jpg\"") "]"),
          PLATFORM_SAYS,
          SHOWS ("", "{\"type\":\"CARD\",\"title\":\"p.jpg\",\"smallImageUrl\":\"https://f/1\","
                     "\"imageActionUrl\":\"https://f/1\"}") },
        { TEXT_OF (",\"text\":\"See\",\"content\":[" FILE_OF ("File", "") "]"), PLATFORM_SAYS,
          SHOWS ("See", "{\"type\":\"CARD\",\"title\":\"https://f/1\",\"buttons\":[{\"title\":"
                        "\"Open\",\"openUrlAction\":\"https://f/1\"}]}") },
        //  A page would run it
        { TEXT_OF (",\"content\":[{\"contentType\":\"Attachment\",\"attachment\":"
                   "{\"url\":\"javascript:alert(1)\"}}]"),
          PLATFORM_SAYS, NULL },
        { TEXT_OF (",\"text\":\"b\",\"content\":[7,null,{},{\"contentType\":\"Story\"}]"),
          PLATFORM_SAYS, SAYS ("b\\n[Story]") },
        { TEXT_OF (",\"content\":[{\"contentType\":\"Location\"}]"), PLATFORM_SAYS, NULL },
        //  Whatever its type is called, somebody has said it
        { "{\"id\":\"m1\"," TO ",\"type\":\"Hologram\",\"text\":\"a\"}", PLATFORM_SAYS,
          SAYS ("a") },
        { "{\"id\":\"m1\"," TO ",\"text\":\"a\"}", PLATFORM_SAYS, SAYS ("a") },
        { "{\"id\":\"m1\"," TO ",\"type\":7,\"content\":[{}]}", PLATFORM_SAYS, NULL },
    };
    for (size_t at = 0; at < ROWS (rows); at++)
        s_expect (&rows[at]);
}

#define REPLY(text, payload)                                                                      \
    PART ("QuickReply", "quickReply",                                                             \
          "\"text\":\"" text "\",\"payload\":\"" payload "\",\"action\":\"Message\"")
#define LIST_OF(items) "{\"type\":\"LIST\",\"items\":[" items "]}"
#define ITEM(title, token) "{\"title\":\"" title "\",\"token\":\"" token "\"}"
#define LINK(text, url) "{\"type\":\"Link\",\"text\":\"" text "\",\"url\":\"" url "\"}"
#define POSTBACK(text, payload)                                                                   \
    "{\"type\":\"Postback\",\"text\":\"" text "\",\"payload\":\"" payload "\"}"

Test (genesys_in, what_can_be_chosen)
{
    static const case_t rows[] = {
        { STRUCTURED (",\"text\":\"Proceed?\",\"content\":[" REPLY ("Yes", "Y:1") "," REPLY (
              "No", "N") "]"),
          PLATFORM_SAYS,
          SHOWS ("Proceed?", LIST_OF (ITEM ("Yes", "genesys:QuickReply:q%201:Y%3A1") "," ITEM (
                                 "No", "genesys:QuickReply:q%201:N"))) },
        { STRUCTURED (",\"content\":[" PART (
              "Card", "card",
              "\"title\":\"Shop\",\"description\":\"Main street\",\"image\":\"https://i/1\","
              "\"defaultAction\":" LINK ("", "https://s") ",\"actions\":[" LINK (
                  "Map", "https://m") "," POSTBACK ("Call me", "call") "]") "]"),
          PLATFORM_SAYS,
          SHOWS ("", "{\"type\":\"CARD\",\"title\":\"Shop\",\"content\":\"Main street\","
                     "\"smallImageUrl\":\"https://i/1\",\"imageActionUrl\":\"https://s\","
                     "\"buttons\":[{\"title\":\"Map\",\"openUrlAction\":\"https://m\"}]},"
                     "{\"type\":\"LIST\",\"items\":[{\"title\":\"Call me\",\"description\":"
                     "\"Shop\",\"token\":\"genesys:Button:q%201:call\"}]}") },
        { STRUCTURED (",\"content\":[" PART (
              "Carousel", "carousel",
              "\"cards\":[{\"title\":\"A\",\"actions\":[" POSTBACK ("Take", "a") "]},"
              "{\"title\":\"B\",\"image\":\"https://i/2\",\"actions\":[]},{}]") "]"),
          PLATFORM_SAYS,
          SHOWS ("", "{\"type\":\"CAROUSEL\",\"items\":[{\"title\":\"A\",\"buttons\":[]},"
                     "{\"title\":\"B\",\"image\":{\"url\":\"https://i/2\"},\"buttons\":[]}]},"
                     "{\"type\":\"LIST\",\"items\":[{\"title\":\"Take\",\"description\":\"A\","
                     "\"token\":\"genesys:Button:q%201:a\"}]}") },
        { STRUCTURED (",\"content\":[" PART (
              "DatePicker", "datePicker",
              "\"title\":\"When?\",\"subtitle\":\"By day\",\"availableTimes\":[{\"dateTime\":"
              "\"2026-11-28T10:00Z\",\"duration\":900}]") "]"),
          PLATFORM_SAYS,
          SHOWS ("When?\\nBy day",
                 LIST_OF (ITEM ("2026-11-28 10:00 UTC",
                                "genesys:DatePicker:q%201:2026-11-28T10%3A00Z"))) },
        { STRUCTURED (",\"content\":[" PART (
              "Notification", "template",
              "\"header\":{\"type\":\"Text\",\"text\":\"H\"},\"body\":{\"text\":\"B\"},"
              "\"footer\":{\"text\":\"F\"},\"buttons\":[{\"type\":\"QuickReply\",\"text\":\"Ok\"},"
              "{\"type\":\"Url\",\"text\":\"Page\",\"url\":\"https://p\"},"
              "{\"type\":\"PhoneNumber\",\"phoneNumber\":\"+49\"}]") "]"),
          PLATFORM_SAYS,
          SHOWS ("H\\nB\\nF\\nPage\\nhttps://p\\n+49",
                 LIST_OF (ITEM ("Ok", "genesys:QuickReply:q%201:Ok"))) },
    };
    for (size_t at = 0; at < ROWS (rows); at++)
        s_expect (&rows[at]);
}

Test (genesys_in, what_is_no_message)
{
    static const case_t rows[] = {
        { "{" TO ",\"type\":\"Event\",\"events\":[{\"eventType\":\"Typing\",\"typing\":"
          "{\"type\":\"On\",\"duration\":7000}}]}",
          PLATFORM_TYPING, NULL },
        { "{" TO ",\"type\":\"Event\",\"events\":[{\"eventType\":\"Typing\"}]}", PLATFORM_TYPING,
          NULL },
        { "{" TO ",\"type\":\"Event\",\"events\":[{\"eventType\":\"CoBrowse\"},7]}",
          PLATFORM_NOTHING, NULL },
        { "{" TO ",\"type\":\"Event\",\"events\":[{\"eventType\":\"Typing\",\"typing\":"
          "{\"type\":\"Off\"}}]}",
          PLATFORM_NOTHING, NULL },
        { "{\"id\":\"g1\"," TO ",\"type\":\"Receipt\",\"status\":\"Failed\",\"reasons\":"
          "[{\"code\":\"MessageExpired\"}]}",
          PLATFORM_FAILED, NULL },
        { "{\"id\":\"g1\"," TO ",\"type\":\"Receipt\",\"status\":\"Delivered\"}",
          PLATFORM_NOTHING, NULL },
        { "{" TO ",\"type\":\"Receipt\",\"status\":\"Failed\"}", PLATFORM_NOTHING, NULL },
        { "{\"id\":\"x\"," TO ",\"type\":\"Hologram\",\"text\":\"\"}", PLATFORM_NOTHING, NULL },
        { "{\"id\":\"x\"," TO "}", PLATFORM_NOTHING, NULL },
    };
    for (size_t at = 0; at < ROWS (rows); at++)
        s_expect (&rows[at]);
}

Test (genesys_in, ids_times_and_reasons)
{
    platform_word_t word = { .what = PLATFORM_NOTHING };
    cr_assert_null (genesys_read (
        &word, TEXT ("{\"id\":\"g1\"," TO ",\"type\":\"Receipt\",\"status\":\"Failed\","
                     "\"conversationId\":\"c1\",\"reasons\":[{\"code\":\"RateLimited\"}]}")));
    cr_expect_eq (word.time_ms, UINT64_C (1795356060250));
    cr_expect (text_is (word.id, TEXT ("g1")));
    cr_expect (text_is (word.reason, TEXT ("RateLimited")));
    cr_expect (text_is (word.conversation, TEXT ("c1")));
    platform_word_free (&word);

    //  Without an id it has one that follows from its bytes
    text_t first = TEXT ("{" TO ",\"type\":\"Text\",\"text\":\"a\"}");
    platform_word_t again = { .what = PLATFORM_NOTHING };
    cr_assert_null (genesys_read (&word, first));
    cr_assert_null (genesys_read (&again, first));
    cr_expect (word.id.size > 10 && text_is (word.id, again.id));
    platform_word_free (&word);
    platform_word_free (&again);
}

Test (genesys_in, what_cannot_be_led_anywhere)
{
    static const char *const bodies[] = {
        "", "7", "[]", "{", "{}", "{\"channel\":7}", "{\"channel\":{\"to\":{\"id\":7}}}",
        "{\"channel\":{\"to\":{\"id\":\"\"}},\"type\":\"Text\",\"text\":\"a\"}",
        "{\"channel\":{\"to\":{\"id\":\"a\\u0001b\"}},\"type\":\"Text\",\"text\":\"a\"}",
        "{\"channel\":{\"to\":[\"e1\"]},\"type\":\"Text\",\"text\":\"a\"}", "\xff",
    };
    for (size_t at = 0; at < ROWS (bodies); at++) {
        platform_word_t word = { .what = PLATFORM_NOTHING };
        cr_expect (genesys_read (&word, text_of (bodies[at])), "%s", bodies[at]);
        cr_expect_eq (word.what, PLATFORM_NOTHING);
        platform_word_free (&word);
    }
}

//  As much as fits of an endless one.
Test (genesys_in, a_thousand_choices)
{
    buffer_t body;
    buffer_init (&body, GENESYS_BODY_MOST);
    cr_assert_eq (buffer_put_string (&body, "{" TO ",\"type\":\"Structured\",\"content\":["), 0);
    for (unsigned at = 0; at < 1000; at++) {
        char part[200];
        snprintf (part, sizeof part, "%s" REPLY ("choice", "%u"), at ? "," : "", at);
        cr_assert_eq (buffer_put_string (&body, part), 0);
    }
    cr_assert_eq (buffer_put_string (&body, "]}"), 0);
    platform_word_t word = { .what = PLATFORM_NOTHING };
    const char *complaint = genesys_read (&word, buffer_text (&body));
    if (!complaint)
        cr_expect (word.data.size > 100 && word.data.size < 10000, "%zu", word.data.size);
    platform_word_free (&word);
    buffer_free (&body);
}
