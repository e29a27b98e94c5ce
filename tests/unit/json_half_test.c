//  json_half — halves of surrogate pairs, wherever they stand.

#include "json/json_half.h"

#include <criterion/criterion.h>

//  What stands from the first half on; "": there is none.
static void
s_finds (const char *json, const char *from)
{
    cr_expect_str_eq (json + json_half_at (text_of (json)), from, "%s", json);
}

Test (json_half, there_is_none)
{
    s_finds ("", "");
    s_finds ("{\"a\":\"\\ud83d\\ude00\\uD83D\\uDE00\"}", "");
    s_finds ("\"\\u0000\\ud7ff\\ue000\\uffff\\n\\\\\"", "");
    s_finds ("\"\\\\ud83d\\\\\\\\ude00\"", ""); //  a backslash, and letters
}

Test (json_half, the_first_that_is)
{
    s_finds ("[\"a\\ud83d\"]", "\\ud83d\"]");
    s_finds ("[\"\\uDFFF\"]", "\\uDFFF\"]");
    s_finds ("\"\\ude00\\ud83d\"", "\\ude00\\ud83d\""); //  the wrong way round
    s_finds ("\"\\ud83d\\ud83d\\ude00\"", "\\ud83d\\ud83d\\ude00\"");
    s_finds ("\"\\ud83d\\ude00\\udbff\"", "\\udbff\"");
    s_finds ("\"\\ud83dx\\ude00\"", "\\ud83dx\\ude00\"");
    s_finds ("\"\\\\\\udbff\"", "\\udbff\""); //  behind a backslash
    s_finds ("{\"\\ud83d\":1}", "\\ud83d\":1}");
}
