#include "json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_SIZE_MAX 400

static bool
s_is_space (char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool
json_scan_is_space (text_t text, size_t from)
{
    for (size_t at = from; at < text.size; at++)
        if (!s_is_space (text.data[at]))
            return false;
    return true;
}

//  What is odd about a string.
enum { HAS_NUL = 1, HAS_CONTROL = 2 };

//  Moves behind the string that begins at *at; says whether a NUL is escaped in it, and whether a
//  control character is not.
static unsigned
s_skip_string (text_t json, size_t *at)
{
    unsigned odd = 0;
    for (++*at; *at < json.size && json.data[*at] != '"'; ++*at)
        if ((unsigned char) json.data[*at] < 0x20)
            odd |= HAS_CONTROL;
        else if (json.data[*at] == '\\') {
            ++*at;
            if (json.size - *at >= 5 && memcmp (json.data + *at, "u0000", 5) == 0)
                odd |= HAS_NUL;
        }
    ++*at;
    return odd;
}

size_t
json_scan_values (text_t json)
{
    size_t values = 0;
    for (size_t at = 0; at < json.size;)
        if (json.data[at] == '"')
            s_skip_string (json, &at);
        else {
            char byte = json.data[at++];
            values += byte == ',' || byte == '{' || byte == '[';
        }
    return values;
}

static bool
s_is_key (text_t json, size_t behind)
{
    while (behind < json.size && s_is_space (json.data[behind]))
        behind++;
    return behind < json.size && json.data[behind] == ':';
}

//  Moves behind the number that begins at *at; false when it would not survive.
static bool
s_number_survives (text_t json, size_t *at)
{
    char digits[NUMBER_SIZE_MAX + 1];
    size_t size = 0;
    bool whole = true;
    for (; *at < json.size && strchr ("+-.0123456789eE", json.data[*at]); ++*at) {
        if (size == NUMBER_SIZE_MAX)
            return false;
        digits[size++] = json.data[*at];
        whole = whole && !strchr (".eE", json.data[*at]);
    }
    digits[size] = 0;
    errno = 0;
    if (whole) {
        strtoll (digits, NULL, 10);
        return errno == 0;
    }
    return isfinite (strtod (digits, NULL));
}

frame_fault_t
json_scan (text_t json)
{
    size_t at = 0;
    while (at < json.size) {
        char byte = json.data[at];
        if (byte == '"') {
            unsigned odd = s_skip_string (json, &at);
            if (odd & HAS_CONTROL)
                return FAULT_NOT_JSON;
            if ((odd & HAS_NUL) && s_is_key (json, at))
                return FAULT_NUL_IN_KEY;
        } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
            if (!s_number_survives (json, &at))
                return FAULT_NUMBER;
        } else if (byte == 'N' || byte == 'I' || byte == '\'')
            return FAULT_NOT_JSON;
        else
            at++;
    }
    return FAULT_NONE;
}
