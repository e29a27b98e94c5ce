//  request_info — what headers and an address tell of a visitor: what is taken, cut and left out;
//  and the JSON that it becomes.

#include "client/request_info.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

static http_head_t s_head;
static char s_bytes[HTTP_HEAD_MAX + 1];
static visitor_info_t s_info;

static bool
s_ask (const char *target, const char *lines, const char *address)
{
    static char room[REQUEST_INFO_PAGE_MOST];
    size_t size;
    int length = snprintf (s_bytes, sizeof s_bytes, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", target,
                           lines);
    cr_assert (length > 0 && (size_t) length < sizeof s_bytes);
    text_t bytes = { s_bytes, (size_t) length };
    if (http_head_read (&s_head, bytes, &size) != HTTP_NO_FAULT || size == 0)
        return false;
    client_address_t from = { .is_forwarded = false };
    cr_assert_eq (ip_address_read (&from.ip, text_of (address)), 0);
    address_guard_t *ranges = address_guard_new ("");
    request_info_read (&s_info, &s_head, &from, ranges, room);
    address_guard_destroy (&ranges);
    return true;
}

//  The lines are behind those that every request has. False: no head has them.
static bool
s_read (const char *lines, const char *address)
{
    return s_ask ("/", lines, address);
}

static void
s_expect (text_t text, const char *expected, const char *lines)
{
    cr_expect (text_is (text, text_of (expected)), "%s: %.*s, not %s", lines, TEXT_ARGS (text),
               expected);
}

// ---------------------------------------------------------------------------------------------

typedef struct {
    char lines[400];
    char expected[120];
} line_case_t;

ParameterizedTestParameters (request_info, page)
{
    static line_case_t cases[] = {
        { "Referer: https://shop.example/a/b%20c\r\n", "https://shop.example/a/b%20c" },
        { "Referer: HTTP://shop.example:8080/\r\n", "HTTP://shop.example:8080/" },
        { "Referer: http://[2001:db8::1]/x\r\n", "http://[2001:db8::1]/x" },
        { "Origin: https://shop.example\r\n", "https://shop.example" },
        //  Referer says more; Origin is what WebSockets have.
        { "Origin: https://a.example\r\nReferer: https://b.example/x\r\n", "https://b.example/x" },
        { "Origin: https://a.example\r\nReferer: about:blank\r\n", "https://a.example" },
        //  Secrets stand behind these.
        { "Referer: https://a.example/reset?token=secret\r\n", "https://a.example/reset" },
        { "Referer: https://a.example/reset#token=secret\r\n", "https://a.example/reset" },
        { "Referer: https://a.example?token=secret\r\n", "https://a.example" },
        { "Referer: https://a.example#secret\r\n", "https://a.example" },
        { "Referer: https://a.example/x;jsessionid=secret\r\n", "https://a.example/x" },
        { "Referer: https://ann:secret@a.example/\r\n", "" },
        { "Referer: https://a.example/@ann\r\n", "https://a.example/@ann" },
        //  No pages of the web.
        { "Origin: null\r\n", "" },
        { "Referer: javascript:alert(1)\r\n", "" },
        { "Referer: file:///etc/passwd\r\n", "" },
        { "Referer: chrome-extension://abc/x\r\n", "" },
        { "Referer: https:/a.example\r\n", "" },
        { "Referer: https://\r\n", "" },
        { "Referer: https:///x\r\n", "" },
        { "Referer: https://?x\r\n", "" },
        { "Referer: /x\r\n", "" },
        { "Referer:\r\n", "" },
        //  Nothing that no URL has.
        { "Referer: https://a.example/<script>\r\n", "" },
        { "Referer: https://a.example/\"x\r\n", "" },
        { "Referer: https://a.example/\\x\r\n", "" },
        { "Referer: https://a.example/a b\r\n", "" },
        { "Referer: https://a.example/\xc3\xa4\r\n", "" },
        { "Referer: https://a.example/\xff\r\n", "" },
        { "Referer: https://a.example/\xe2\x80\xae\r\n", "" },
        //  Twice is not at all.
        { "Referer: https://a.example/\r\nReferer: https://b.example/\r\n", "" },
    };
    return cr_make_param_array (line_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (line_case_t *param, request_info, page)
{
    cr_assert (s_read (param->lines, "127.0.0.1"));
    s_expect (s_info.page, param->expected, param->lines);
}

//  A client says its page in the query; headers count where it says none.
Test (request_info, page_of_the_query)
{
    static const struct {
        const char *target, *expected;
    } cases[] = {
        { "/?appId=a&page=https%3A%2F%2Fshop.example%2Fcart%2F1&userId=u",
          "https://shop.example/cart/1" },
        { "/?page=http://shop.example/a", "http://shop.example/a" },
        { "/?page=https%3A%2F%2Fshop.example%2Fcart%3Ftoken%3Dsecret%23x",
          "https://shop.example/cart" },
        { "/?page=https%3A%2F%2Fann%3Asecret%40shop.example%2F", "https://origin.example" },
        { "/?page=2", "https://origin.example" },
        { "/?page=", "https://origin.example" },
        { "/?page", "https://origin.example" },
        { "/?Page=https%3A%2F%2Fshop.example%2F", "https://origin.example" },
        { "/?apage=https%3A%2F%2Fshop.example%2F", "https://origin.example" },
        { "/?page=https%3A%2F%2Fshop.example%2F%0d%0aX", "https://origin.example" },
        { "/?page=https%3A%2F%2Fshop.example%2F%00", "https://origin.example" },
        { "/?page=https%3A%2F%2Fshop.example%2F%zz", "https://origin.example" },
        { "/?page=https%3A%2F%2Fshop.example%2F+x", "https://origin.example" },
        { "/?page=https://a.example/&page=https://b.example/", "https://origin.example" },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        cr_assert (s_ask (cases[at].target, "Origin: https://origin.example\r\n", "127.0.0.1"));
        s_expect (s_info.page, cases[at].expected, cases[at].target);
    }
}

//  One that is too long to be shown is cut down to its origin; a longer one is none.
Test (request_info, a_long_page_of_the_query)
{
    static char target[4000];
    for (int rounds = 0; rounds < 2; rounds++) {
        size_t size = rounds ? 3000 : 600;
        size_t begin = (size_t) snprintf (target, sizeof target, "/?page=https://shop.example/");
        memset (target + begin, 'a', size);
        target[begin + size] = '\0';
        cr_assert (s_ask (target, "Origin: https://origin.example\r\n", "127.0.0.1"));
        s_expect (s_info.page, rounds ? "https://origin.example" : "https://shop.example", target);
    }
}

ParameterizedTestParameters (request_info, language)
{
    static line_case_t cases[] = {
        { "Accept-Language: de-CH, de;q=0.9, *;q=0.5\r\n", "de-CH" },
        { "Accept-Language: en\r\n", "en" },
        { "Accept-Language: fr;q=1\r\n", "fr" },
        { "Accept-Language: zh-Hant-TW,en\r\n", "zh-Hant-TW" },
        { "Accept-Language: es-419\r\nAccept-Language: en\r\n", "es-419" },
        { "Accept-Language: de-DE-u-co-phonebk-x-a1-b2-c3-d4\r\n",
          "de-DE-u-co-phonebk-x-a1-b2-c3-d4" },
        { "Accept-Language: de-DE-u-co-phonebk-x-a1-b2-c3-d4-e5\r\n",
          "de-DE-u-co-phonebk-x-a1-b2-c3-d4-e5" },
        { "Accept-Language: de-DE-u-co-phonebk-x-a1-b2-c3-d4-e5f\r\n", "" },
        { "Accept-Language: *\r\n", "" },
        { "Accept-Language: \r\n", "" },
        { "Accept-Language: ,de\r\n", "" },
        { "Accept-Language: -de\r\n", "" },
        { "Accept-Language: de-\r\n", "" },
        { "Accept-Language: de--CH\r\n", "" },
        { "Accept-Language: de_CH\r\n", "" },
        { "Accept-Language: 1de\r\n", "" },
        { "Accept-Language: abcdefghi\r\n", "" },
        { "Accept-Language: de-abcdefghi\r\n", "" },
        { "Accept-Language: d\xc3\xa9\r\n", "" },
        { "Accept-Language: <b>\r\n", "" },
        { "", "" },
    };
    return cr_make_param_array (line_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (line_case_t *param, request_info, language)
{
    cr_assert (s_read (param->lines, "127.0.0.1"));
    s_expect (s_info.language, param->expected, param->lines);
}

ParameterizedTestParameters (request_info, agent)
{
    static line_case_t cases[] = {
        { "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n", "Mozilla/5.0 (X11; Linux x86_64)" },
        { "User-Agent: \"quoted\\ and </b>\r\n", "\"quoted\\ and </b>" },
        { "User-Agent: B\xc3\xb6se/1\r\n", "B\xc3\xb6se/1" },
        { "User-Agent: a\tb\r\n", "" },
        { "User-Agent: a\xffz\r\n", "" },
        { "User-Agent: a\xc3\r\n", "" },
        { "User-Agent: a\xc2\x85z\r\n", "" },
        { "User-Agent: a\xe2\x80\xaez\r\n", "" },
        { "User-Agent: a\r\nUser-Agent: b\r\n", "" },
        { "User-Agent:\r\n", "" },
    };
    return cr_make_param_array (line_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (line_case_t *param, request_info, agent)
{
    cr_assert (s_read (param->lines, "127.0.0.1"));
    s_expect (s_info.agent, param->expected, param->lines);
}

//  The door refuses these before anybody looks at them.
Test (request_info, control_characters_do_not_come_so_far)
{
    cr_expect_not (s_read ("User-Agent: a\x01z\r\n", "127.0.0.1"));
    cr_expect_not (s_read ("User-Agent: a\x7fz\r\n", "127.0.0.1"));
    cr_expect_not (s_read ("User-Agent: a\r b\r\n", "127.0.0.1"));
    cr_expect_not (s_read ("User-Agent: a\n b\r\n", "127.0.0.1"));
}

// ---------------------------------------------------------------------------------------------

//  Every length up to what a head can have; of characters of two bytes none is cut in half.
Test (request_info, lengths)
{
    static const size_t sizes[] = { 1, 254, 255, 256, 257, 258, 511, 512, 513, 514, 4000, 15900 };
    static char lines[HTTP_HEAD_MAX];
    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        size_t size = sizes[at];
        char *value = malloc (size + 1);
        for (size_t byte = 0; byte < size; byte++)
            value[byte] = "\xc3\xa4"[byte & 1];
        value[size] = 0;
        snprintf (lines, sizeof lines, "User-Agent: %s\r\n", value);
        cr_assert (s_read (lines, "127.0.0.1"));
        size_t expected = size < VISITOR_AGENT_MAX ? size : VISITOR_AGENT_MAX;
        cr_expect_eq (s_info.agent.size, size & 1 ? 0 : expected, "%zu", size);

        memset (value, 'a', size);
        snprintf (lines, sizeof lines, "Referer: https://h/%s?x\r\n", value);
        cr_assert (s_read (lines, "127.0.0.1"));
        expected = 10 + size <= VISITOR_PAGE_MAX ? 10 + size : 9; //  no path, then
        cr_expect_eq (s_info.page.size, expected, "%zu", size);

        snprintf (lines, sizeof lines, "Referer: https://%s/\r\n", value);
        cr_assert (s_read (lines, "127.0.0.1"));
        size_t origin = 8 + size;
        expected = origin < VISITOR_PAGE_MAX ? origin + 1 : origin == VISITOR_PAGE_MAX ? origin : 0;
        cr_expect_eq (s_info.page.size, expected, "%zu", size);

        snprintf (lines, sizeof lines, "Accept-Language: %s\r\n", value);
        cr_assert (s_read (lines, "127.0.0.1"));
        cr_expect_eq (s_info.language.size, size <= 8 ? size : 0, "%zu", size);
        free (value);
    }
}

Test (request_info, class_of_the_address)
{
    static const struct {
        const char *address, *class;
    } rows[] = {
        { "127.0.0.1", "loopback" },       { "::1", "loopback" },
        { "10.1.2.3", "private" },         { "192.168.0.1", "private" },
        { "fd00::1", "private" },          { "100.64.0.1", "carrier" },
        { "169.254.1.1", "link_local" },   { "fe80::1", "link_local" },
        { "8.8.8.8", "public_v4" },        { "::ffff:8.8.8.8", "public_v4" },
        { "2a00:1450:4001::1", "public_v6" }, { "192.0.2.7", "documentation" },
        { "2001:db8::7", "documentation" }, { "4000::1", "reserved" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        cr_assert (s_read ("", rows[at].address));
        s_expect (s_info.address_class, rows[at].class, rows[at].address);
    }
}

// ---------------------------------------------------------------------------------------------
//  The JSON

static void
s_is_written_as (const visitor_info_t *info, const char *expected)
{
    buffer_t json;
    buffer_init (&json, VISITOR_INFO_MAX);
    visitor_info_write (info, &json);
    cr_expect (text_is (buffer_text (&json), text_of (expected)), "%.*s",
               TEXT_ARGS (buffer_text (&json)));
    buffer_free (&json);
}

Test (request_info, becomes_json)
{
    cr_assert (s_read ("User-Agent: a\"b\\c\r\nReferer: https://h/x\r\nAccept-Language: de\r\n",
                       "10.0.0.1"));
    s_is_written_as (&s_info, "{\"page\":\"https://h/x\",\"language\":\"de\","
                              "\"addressClass\":\"private\",\"agent\":\"a\\\"b\\\\c\"}");
    s_info = VISITOR_INFO_NONE;
    s_is_written_as (&s_info, "{}");
    s_info.name = TEXT ("Ann");
    s_is_written_as (&s_info, "{\"name\":\"Ann\"}");
}

//  The most that an edge can say, with a quote in each place.
Test (request_info, the_largest_fits)
{
    static char quotes[VISITOR_PAGE_MAX];
    memset (quotes, '"', sizeof quotes);
    visitor_info_t info = { { quotes, DISPLAY_NAME_MAX },
                            { quotes, VISITOR_PAGE_MAX },
                            { quotes, VISITOR_LANGUAGE_MAX },
                            TEXT ("documentation"),
                            { quotes, VISITOR_AGENT_MAX } };
    buffer_t json;
    buffer_init (&json, VISITOR_INFO_MAX);
    visitor_info_write (&info, &json);
    cr_expect_gt (json.size, 1800);
    cr_expect (text_is (visitor_info_of (buffer_text (&json)), buffer_text (&json)));
    buffer_free (&json);
}

//  What a peer says: an object, whole and bounded, or nothing.
Test (request_info, what_a_postoffice_takes)
{
    static const struct {
        const char *json;
        bool is_taken;
    } rows[] = {
        { "{\"agent\":\"x\"}", true },
        { "{\"later\":{\"a\":[1,null,true]}}", true },
        { "{ \"a\" : 1 }", true },
        { "", false },
        { "{}", false },
        { "[]", false },
        { "null", false },
        { "\"text\"", false },
        { " {\"a\":1}", false },
        { "{\"a\":1", false },
        { "{\"a\":1} x", false },
        { "{\"a\":1}{\"b\":2}", false },
        { "{a:1}", false },
        { "{\"a\":\"\xff\"}", false },
        { "{\"a\":\"\n\"}", false },
        { "{\"a\\u0000b\":1}", false },
        { "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}", false },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        text_t json = text_of (rows[at].json);
        text_t taken = visitor_info_of (json);
        cr_expect (text_is (taken, rows[at].is_taken ? json : TEXT_EMPTY), "%s", rows[at].json);
    }
    char large[VISITOR_INFO_MAX + 2];
    for (size_t size = VISITOR_INFO_MAX; size <= VISITOR_INFO_MAX + 1; size++) {
        memset (large, ' ', sizeof large);
        memcpy (large, "{\"a\":1", 6);
        large[size - 1] = '}';
        text_t taken = visitor_info_of ((text_t){ large, size });
        cr_expect_eq (taken.size, size <= VISITOR_INFO_MAX ? size : 0);
    }
}
