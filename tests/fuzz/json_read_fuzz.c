//  What is read is printed as JSON that is read once more and printed the same; and the numbers
//  that come out are those that went in, as they stand.

#include "json/json_read.h"

#include "base/utf8.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  Moves behind the next number outside of strings; its size, 0 when there is none.
static size_t
s_next_number (text_t json, size_t *at)
{
    static const char digits[] = "-+.0123456789eE";
    for (; *at < json.size; ++*at) {
        char byte = json.data[*at];
        if (byte == '"')
            for (++*at; *at < json.size && json.data[*at] != '"'; ++*at)
                *at += json.data[*at] == '\\';
        else if (byte == '-' || (byte >= '0' && byte <= '9')) {
            size_t from = *at;
            while (*at < json.size && memchr (digits, json.data[*at], sizeof digits - 1))
                ++*at;
            return *at - from;
        }
    }
    return 0;
}

//  Only where no name stands twice: the first of the two is gone.
static bool
s_has_no_names (text_t json)
{
    return !memchr (json.data, '{', json.size);
}

static void
s_compare_numbers (text_t in, text_t out)
{
    size_t at_in = 0, at_out = 0, size;
    while ((size = s_next_number (in, &at_in)) > 0) {
        assert (s_next_number (out, &at_out) == size);
        assert (memcmp (in.data + at_in - size, out.data + at_out - size, size) == 0);
    }
    assert (s_next_number (out, &at_out) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const json_limits_t limits = { .depth_most = 32, .values_most = 8192 };
    text_t json = { (const char *) data, size };
    json_reading_t reading;
    if (!utf8_is_valid (json))
        return 0;
    json_object *tree = json_read (json, &limits, &reading);
    assert (reading.at <= size || reading.fault != JSON_READ_OK);
    if (reading.fault != JSON_READ_OK) {
        assert (!tree);
        return 0;
    }
    text_t printed = json_print (tree);
    assert (utf8_is_valid (printed));
    if (s_has_no_names (json))
        s_compare_numbers (json, printed);
    json_object *again = json_read (printed, &limits, &reading);
    assert (reading.fault == JSON_READ_OK);
    assert (text_is (json_print (again), printed));
    json_object_put (again);
    json_object_put (tree);
    return 0;
}
