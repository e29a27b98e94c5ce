//  json_members — the members as they stand, of whatever bytes there are.

#include "json/json_members.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  "name=value name=value": what it finds.
static const char *
s_found (const char *json)
{
    static char found[400];
    size_t size = 0;
    found[0] = '\0';
    json_members_t all = json_members_of (text_of (json));
    text_t name, value;
    while (json_members_next (&all, &name, &value))
        size += (size_t) snprintf (found + size, sizeof found - size, "%s%.*s=%.*s",
                                  size ? " " : "", TEXT_ARGS (name), TEXT_ARGS (value));
    return found;
}

#define FINDS(json, found) cr_assert_str_eq (s_found (json), found)

Test (json_members, of_an_object)
{
    FINDS ("{}", "");
    FINDS ("{\"a\":1}", "a=1");
    FINDS (" { \"a\" : 1e400 , \"b\" : [ 1, {\"c\":2} ] ,\"d\":null}\n",
           "a=1e400 b=[ 1, {\"c\":2} ] d=null");
    FINDS ("{\"a\":\"x,}\\\"]\",\"\\u0041\\\"\":{\"}\":\"\\\\\"}}",
           "a=\"x,}\\\"]\" \\u0041\\\"={\"}\":\"\\\\\"}");
    FINDS ("{\"a\":1,\"a\":2}", "a=1 a=2");
}

Test (json_members, of_anything_else)
{
    FINDS ("", "");
    FINDS ("[1]", "");
    FINDS ("nonsense", "");
    FINDS ("{", "");
    FINDS ("{\"a", "");
    FINDS ("{\"a\"", "");
    FINDS ("{\"a\":", "");
    FINDS ("{\"a\":}", "");
    FINDS ("{\"a\":1", "");
    FINDS ("{\"a\":1,\"b\":\"", "a=1");
    FINDS ("{\"a\":1,\"b\":[[[[", "a=1");
    FINDS ("{\"a\":1 \"b\":2}", "a=1 \"b\":2");
    FINDS ("{\"a\":1}}}", "a=1");
    FINDS ("{\"a\":\"\\", "");
}
