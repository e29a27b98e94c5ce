//  json_given — members from outside, whatever they are.

#include "json/json_given.h"

#include <criterion/criterion.h>
#include <json-c/json.h>

Test (json_given, what_is_as_asked_for_is_there)
{
    json_object *tree = json_tokener_parse ("{\"o\":{\"t\":\"word\"},\"a\":[1],\"e\":\"\"}");
    json_object *object = json_given_object (tree, "o");
    cr_assert (object && json_given_array (tree, "a"));
    cr_expect (text_is (json_given_text (object, "t"), TEXT ("word")));
    cr_expect_eq (json_given_text (tree, "e").size, 0);
    json_object_put (tree);
}

Test (json_given, all_else_is_nothing)
{
    static const char *const trees[] = { "null", "7", "\"m\"", "[]", "[{\"m\":{}}]", "{}",
                                         "{\"m\":null}", "{\"m\":7}", "{\"m\":true}" };
    for (size_t at = 0; at < sizeof trees / sizeof *trees; at++) {
        json_object *tree = json_tokener_parse (trees[at]);
        cr_expect_null (json_given_object (tree, "m"), "%s", trees[at]);
        cr_expect_null (json_given_array (tree, "m"), "%s", trees[at]);
        cr_expect_eq (json_given_text (tree, "m").size, 0, "%s", trees[at]);
        json_object_put (tree);
    }
    json_object *tree = json_tokener_parse ("{\"o\":{},\"a\":[],\"t\":\"word\"}");
    cr_expect (!json_given_object (tree, "a") && !json_given_object (tree, "t"));
    cr_expect (!json_given_array (tree, "o") && !json_given_array (tree, "t"));
    cr_expect (json_given_text (tree, "o").size == 0 && json_given_text (tree, "a").size == 0);
    json_object_put (tree);
}
