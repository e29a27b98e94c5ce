//  json_body — what the router remembers in JSON comes back; what is not there is nothing.

#include "json/json_body.h"

#include <criterion/criterion.h>

Test (json_body, members_come_back)
{
    struct json_object *body = json_body_read (
        TEXT ("{\"warned\":true,\"since\":1800000000123,\"by\":{\"userId\":\"J\\u00fc\"}}"));
    cr_assert_not_null (body);
    cr_assert (json_body_flag (body, "warned"));
    cr_assert_eq (json_body_number (body, "since"), 1800000000123u);
    struct json_object *by = json_body_member (body, "by");
    cr_assert (text_is (json_body_text (by, "userId"), TEXT ("J\303\274")));
    json_body_free (&body);
    cr_assert_null (body);
    json_body_free (&body);
}

Test (json_body, what_is_not_there_is_nothing)
{
    struct json_object *body
        = json_body_read (TEXT ("{\"text\":\"true\",\"number\":1,\"null\":null,\"list\":[1]}"));
    static const char *const names[] = { "text", "number", "null", "list", "none" };
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        const char *name = names[at];
        cr_expect_not (json_body_flag (body, name), "%s", name);
        cr_expect_eq (json_body_number (body, name), strcmp (name, "number") == 0, "%s", name);
        cr_expect_eq (json_body_text (body, name).size, strcmp (name, "text") == 0 ? 4 : 0, "%s",
                      name);
        //  A member of what is no object.
        struct json_object *member = json_body_member (body, name);
        cr_expect_null (json_body_member (member, "a"), "%s", name);
        cr_expect_eq (json_body_text (member, "a").size, 0, "%s", name);
        cr_expect_eq (json_body_number (member, "a"), 0, "%s", name);
    }
    json_body_free (&body);
}

Test (json_body, only_small_objects_are_read)
{
    static const char *const none[] = { "",     "7",    "[]",  "\"a\"",           "null",
                                        "true", "{} x", "{a}", "{\"a\":[[[[]]]]}" };
    for (size_t at = 0; at < sizeof none / sizeof *none; at++)
        cr_expect_null (json_body_read (text_of (none[at])), "%s", none[at]);
}
