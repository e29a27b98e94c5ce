//  buffer — it grows, it stops at its ceiling, and what it refuses changes nothing.

#include "base/buffer.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static bool
s_holds (const buffer_t *buffer, const char *expected)
{
    return text_is (buffer_text (buffer), text_of (expected));
}

Test (buffer, puts_one_thing_behind_the_other)
{
    buffer_t buffer;
    buffer_init (&buffer, 1000);
    cr_assert (s_holds (&buffer, ""));
    cr_assert_eq (buffer_put_string (&buffer, "a"), 0);
    cr_assert_eq (buffer_put_text (&buffer, TEXT ("bc")), 0);
    cr_assert_eq (buffer_put_number (&buffer, UINT64_MAX), 0);
    cr_assert_eq (buffer_put_number (&buffer, 0), 0);
    cr_assert_eq (buffer_put (&buffer, NULL, 0), 0);
    cr_assert (s_holds (&buffer, "abc184467440737095516150"));
    buffer_clear (&buffer);
    cr_assert (s_holds (&buffer, ""));
    buffer_free (&buffer);
    buffer_free (&buffer);
    cr_assert_eq (buffer_put_string (&buffer, "again"), 0);
    buffer_free (&buffer);
}

Test (buffer, full_is_an_answer)
{
    buffer_t buffer;
    buffer_init (&buffer, 10);
    cr_assert_eq (buffer_put_string (&buffer, "1234567"), 0);
    cr_assert_eq (buffer_put_string (&buffer, "8901"), -1);
    cr_assert (s_holds (&buffer, "1234567"));
    cr_assert_eq (buffer_put_json (&buffer, TEXT ("89")), -1);
    cr_assert (s_holds (&buffer, "1234567"));
    cr_assert_eq (buffer_put_string (&buffer, "890"), 0);
    cr_assert_null (buffer_grow (&buffer, 1));
    cr_assert_null (buffer_grow (&buffer, SIZE_MAX));
    cr_assert_not_null (buffer_grow (&buffer, 0));
    buffer_free (&buffer);
}

Test (buffer, grows_to_any_ceiling)
{
    enum { CEILING = 100003 };
    buffer_t buffer;
    buffer_init (&buffer, CEILING);
    for (unsigned at = 0; at < CEILING; at++) {
        char byte = (char) at;
        cr_assert_eq (buffer_put (&buffer, &byte, 1), 0);
    }
    cr_assert_eq (buffer_put (&buffer, "x", 1), -1);
    cr_assert_eq (buffer.room, CEILING);
    for (unsigned at = 0; at < CEILING; at++)
        cr_assert_eq (buffer.data[at], (char) at);
    buffer_free (&buffer);
}

//  Every byte at every place, so that it comes first, last and in the middle of eight.
Test (buffer, plain_runs_end_at_each_byte_with_an_escape)
{
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 20; place++) {
            char bytes[20];
            memset (bytes, 'a', sizeof bytes);
            bytes[place] = (char) byte;
            bool is_plain = byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
            for (size_t from = 0; from <= sizeof bytes; from++) {
                size_t end = is_plain || from > place ? sizeof bytes : place;
                cr_assert_eq (json_plain_run ((text_t){ bytes, sizeof bytes }, from), end - from,
                              "byte %u at %zu from %zu", byte, place, from);
            }
            cr_assert_eq (json_plain_run ((text_t){ bytes, sizeof bytes }, 21), 0);
        }
}

typedef struct {
    char plain[40];
    size_t size;
    char json[80];
} escape_t;

ParameterizedTestParameters (buffer, json)
{
    static escape_t cases[] = {
        { "", 0, "\"\"" },
        { "plain", 5, "\"plain\"" },
        { "a \"quote\" and a \\", 17, "\"a \\\"quote\\\" and a \\\\\"" },
        { "line\nline\r\ttab", 14, "\"line\\nline\\r\\ttab\"" },
        { "\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\"" },
        { "a\0b", 3, "\"a\\u0000b\"" },
        { "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", 11, "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"" },
    };
    return cr_make_param_array (escape_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (escape_t *with, buffer, json)
{
    buffer_t buffer;
    buffer_init (&buffer, 200);
    cr_assert_eq (buffer_put_json (&buffer, (text_t){ with->plain, with->size }), 0);
    cr_assert (s_holds (&buffer, with->json), "%.*s", TEXT_ARGS (buffer_text (&buffer)));
    buffer_free (&buffer);
}
