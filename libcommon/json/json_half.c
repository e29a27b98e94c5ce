#include "json/json_half.h"

#include <stdlib.h>
#include <string.h>

#define ESCAPE_SIZE 6 //  \uD83D

//  The first half of a pair, the second one, or neither.
typedef enum { UNIT_WHOLE, UNIT_FIRST, UNIT_SECOND } unit_t;

//  Of what stands here, an escape perhaps.
static unit_t
s_unit (text_t json, size_t at)
{
    if (json.size - at < ESCAPE_SIZE || memcmp (json.data + at, "\\u", 2) != 0)
        return UNIT_WHOLE;
    char digits[] = { json.data[at + 2], json.data[at + 3], '\0' };
    unsigned long high = strtoul (digits, NULL, 16);
    return high >= 0xd8 && high <= 0xdb   ? UNIT_FIRST
           : high >= 0xdc && high <= 0xdf ? UNIT_SECOND
                                          : UNIT_WHOLE;
}

//  A backslash stands in strings only, and with what is behind it is one escape.
size_t
json_half_at (text_t json)
{
    for (size_t at = 0; at < json.size; at++) {
        unit_t unit = json.data[at] == '\\' ? s_unit (json, at) : UNIT_WHOLE;
        bool is_pair = unit == UNIT_FIRST && s_unit (json, at + ESCAPE_SIZE) == UNIT_SECOND;
        if (unit != UNIT_WHOLE && !is_pair)
            return at;
        at += is_pair ? 2 * ESCAPE_SIZE - 1 : json.data[at] == '\\';
    }
    return json.size;
}
