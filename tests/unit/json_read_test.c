//  json_read — what is JSON comes out as it went in, numbers to the last character; what is none
//  does not go in.

#include "json/json_read.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static const json_limits_t s_limits = { .depth_most = 4, .values_most = 20 };

static json_read_fault_t
s_fault (text_t json)
{
    json_reading_t reading;
    json_object_put (json_read (json, &s_limits, &reading));
    return reading.fault;
}

#define EXPECT_FAULT(json, expected)                                                             \
    cr_expect_eq (s_fault (TEXT (json)), JSON_READ_##expected, "%s: %d", json,                   \
                  s_fault (TEXT (json)))

//  Read and printed once more.
static void
s_becomes (const char *json, const char *expected)
{
    json_reading_t reading;
    json_object *tree = json_read (text_of (json), &s_limits, &reading);
    text_t printed = json_print (tree);
    cr_expect_eq (reading.fault, JSON_READ_OK, "%s: %d", json, reading.fault);
    cr_expect (text_is (printed, text_of (expected)), "%s: %.*s", json, TEXT_ARGS (printed));
    json_object_put (tree);
}

Test (json_read, keeps_what_it_reads)
{
    static const char *const same[] = {
        "{}",
        "[]",
        "\"a/b\"",
        "12",
        "true",
        "false",
        "null",
        "[1,-1,0,{\"a\":[]}]",
        "{\"a\":\"\\u0000\\n\\\"\\\\\"}",
        "[\"\xc3\xa9\"]",
        //  Numbers, each with its own characters
        "[123456789012345678,1234567890123456789,9223372036854775807]",
        "[9223372036854775808,18446744073709551616,-9223372036854775809]",
        "{\"order\":12345678901234567890123}",
        "12345678901234567890123",
        "[-0,-0.0,0.0,1.0,1.50,1e2,1E+2,1e-7,1e400,-1e400]",
        "[0.1000000000000000055511151231257827,3.141592653589793238462643383279]",
        "[\"12345678901234567890123\",\"-0\"]",
        "{\"12345678901234567890123\":-0}",
    };
    for (size_t row = 0; row < sizeof same / sizeof *same; row++)
        s_becomes (same[row], same[row]);
}

Test (json_read, blanks_escapes_and_names_that_stand_twice)
{
    s_becomes (" {\"a\" : [ 1 , -0 ]\r\n} \t", "{\"a\":[1,-0]}");
    s_becomes ("{\"a\":1,\"b\":2,\"a\":98765432109876543210}",
               "{\"a\":98765432109876543210,\"b\":2}");
    s_becomes ("\"\\u00e9\\/\"", "\"\xc3\xa9/\"");
    s_becomes ("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
    s_becomes ("\"\\ud800\"", "\"\xef\xbf\xbd\"");
}

Test (json_read, refuses_what_is_no_json)
{
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "}",
        "[1",
        "[1,]",
        "[1, \n]",
        "[[],]",
        "[,]",
        "{,}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "[01]",
        "[-]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[+1]",
        "[0x1]",
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "[True]",
        "[nul]",
        "[nulll]",
        "1 2",
        "{} {}",
        "{}x",
        "[\"\x01\"]",
        "[\"\t\"]",
        "[\"a]",
        "[\"\\",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "/* */{}",
        "{}//",
        "{1:2}",
        "{12345678901234567890123:1}",
        "{-0:1}",
        "[1 12345678901234567890123]",
        "[12345678901234567890123 1]",
        "{\"a\":1]",
        "[1}",
    };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++)
        cr_expect_eq (s_fault (text_of (wrong[row])), JSON_READ_NOT_JSON, "%s", wrong[row]);
    cr_expect_eq (s_fault (TEXT ("{}\0")), JSON_READ_NOT_JSON);
    cr_expect_eq (s_fault (TEXT ("[\"\0\"]")), JSON_READ_NOT_JSON);
}

Test (json_read, has_limits)
{
    EXPECT_FAULT ("[[[[1]]]]", OK);
    EXPECT_FAULT ("[[[{\"a\":-0}]]]", OK);
    EXPECT_FAULT ("[[[[[]]]]]", TOO_DEEP);
    EXPECT_FAULT ("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", OK);
    EXPECT_FAULT ("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", TOO_MANY);
    EXPECT_FAULT ("{\"a\\u0000b\":1}", NUL_IN_NAME);
    EXPECT_FAULT ("{\"a\\\\u0000b\":1}", OK);
    char number[JSON_NUMBER_MOST + 4];
    for (size_t digits = JSON_NUMBER_MOST; digits <= JSON_NUMBER_MOST + 1; digits++) {
        memset (number, '7', digits);
        cr_expect_eq (s_fault ((text_t){ number, digits }),
                      digits > JSON_NUMBER_MOST ? JSON_READ_NUMBER : JSON_READ_OK);
    }
}

Test (json_read, says_where)
{
    json_reading_t reading;
    json_object_put (json_read (TEXT ("{\"a\":NaN}"), &s_limits, &reading));
    cr_expect_eq (reading.at, 5);
    cr_expect_eq (reading.values, 1);
}

Test (json_read, member_text)
{
    json_reading_t reading;
    json_object *tree = json_read (TEXT ("{\"a\":\"x\",\"b\":\"\",\"c\":1,\"d\":null}"), &s_limits,
                                   &reading);
    text_t text;
    cr_assert (json_member_text (tree, "a", &text) == 1 && text_is (text, TEXT ("x")));
    cr_assert (json_member_text (tree, "b", &text) == 1 && text.size == 0);
    cr_assert (json_member_text (tree, "c", &text) == -1 && text.size == 0);
    cr_assert (json_member_text (tree, "d", &text) == -1 && text.size == 0);
    cr_assert (json_member_text (tree, "e", &text) == 0 && text.size == 0);
    cr_assert (json_member_text (NULL, "a", &text) == 0 && text.size == 0);
    json_object_put (tree);
}

//  A time as RFC 3339 has it, and with a zone without its colon, as platforms write it.
Test (json_time, in_every_form)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {
        { "2026-11-22T14:00:00.000Z", 1795356000000 },
        { "2026-11-22T14:00:00Z", 1795356000000 },
        { "2026-11-22 14:00:00Z", 1795356000000 },
        { "2026-11-22t14:00:00z", 1795356000000 },
        { "2026-11-22T14:00:00.5Z", 1795356000500 },
        { "2026-11-22T14:00:00.123456Z", 1795356000123 },
        { "2026-11-22T15:00:00.000+0100", 1795356000000 },
        { "2026-11-22T15:00:00+01:00", 1795356000000 },
        { "2026-11-22T13:00:00-01:00", 1795356000000 },
        { "2024-02-29T00:00:00Z", 1709164800000 },
        { "2000-03-01T00:00:00Z", 951868800000 },
        { "1971-01-01T00:00:00Z", 31536000000 },
        { "1969-12-31T23:59:59Z", 0 },
        { "2026-11-22T14:00:00", 0 },
        { "2026-13-22T14:00:00Z", 0 },
        { "2026-11-22T24:00:00Z", 0 },
        { "2026-11-22T14:00:00.Z", 0 },
        { "2026-11-22T14:00:00Zx", 0 },
        { "2026-11-22", 0 },
        { "", 0 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
        cr_expect_eq (json_time_read (text_of (rows[at].text)), rows[at].ms, "%s: %llu",
                      rows[at].text,
                      (unsigned long long) json_time_read (text_of (rows[at].text)));
}
