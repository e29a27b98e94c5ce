//  json_twice — a name that its object has had already, however deep and however written.

#include "json/json_members.h"
#include "json/json_twice.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  What stands from the second name on; "": no name is there twice.
static void
s_finds (const char *json, const char *from)
{
    text_t name, text = text_of (json);
    size_t at = json_twice_at (text, TEXT ("//"), &name);
    cr_expect_str_eq (json + at, from, "%s", json);
    cr_expect (at + name.size <= text.size && (name.size > 0) == (*from != '\0'), "%s", json);
}

Test (json_twice, nothing_is_there_twice)
{
    s_finds ("{}", "");
    s_finds ("[]", "");
    s_finds ("7", "");
    s_finds ("\"a\"", "");
    s_finds (" {\"a\":{\"a\":[{\"a\":1},{\"a\":1}]},\"b\":\"a\",\"\":0} ", "");
    s_finds ("{\"//\":1,\"//\":2,\"//x\":1,\"//x\":1}", "");
    s_finds ("{\"a\":1,\"A\":1,\"a \":1}", "");
}

Test (json_twice, the_first_that_is)
{
    s_finds ("{\"a\":1,\"a\":1}", "a\":1}");
    s_finds ("{\"a\":1,\"b\":2,\"a\":3,\"b\":4}", "a\":3,\"b\":4}");
    s_finds ("{\"b\":1,\"a\":2,\"b\":3,\"a\":4}", "b\":3,\"a\":4}");
    s_finds ("{\"x\":1,\"o\":[0,[{\"a\":1,\"a\":2}]],\"x\":3}", "a\":2}]],\"x\":3}");
    s_finds ("{\"x\":1,\"x\":{\"a\":1,\"a\":2}}", "x\":{\"a\":1,\"a\":2}}");
    s_finds ("\n[1, \"x\", {\"k\":1 ,\n \"k\" : 2}]", "k\" : 2}]");
}

Test (json_twice, an_escape_is_the_same_name)
{
    s_finds ("{\"ab\":1,\"\\u0061b\":2}", "\\u0061b\":2}");
    s_finds ("{\"\\u00e4\":1,\"\xc3\xa4\":2}", "\xc3\xa4\":2}");
    s_finds ("{\"a\\\"\":1,\"a\\u0022\":2}", "a\\u0022\":2}");
}

Test (json_twice, elements_of_an_array)
{
    char found[100] = "";
    text_t value, json = TEXT (" [1 , \"a,]\", [2,{}],{\"b\":[3]} ] ");
    json_members_t walk = json_members_of (json);
    while (json_elements_next (&walk, &value))
        snprintf (found + strlen (found), sizeof found - strlen (found), "<%.*s>",
                  TEXT_ARGS (value));
    cr_assert_str_eq (found, "<1><\"a,]\"><[2,{}]><{\"b\":[3]}>");
    walk = json_members_of (TEXT ("{\"a\":1}"));
    cr_assert_not (json_elements_next (&walk, &value));
    walk = json_members_of (TEXT ("[]"));
    cr_assert_not (json_elements_next (&walk, &value));
}
