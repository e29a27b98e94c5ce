//  list_page — which page of a list a request means, and the cursors that lead to others.

#include "api/list_page.h"

#include "json/json_read.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <sodium.h>

static list_page_t *
s_page (const char *query, const char **complaint)
{
    static char room[API_COMPLAINT];
    json_object *tree = json_tokener_parse (query);
    list_page_t *page = list_page_new (api_row (API_MESSAGE_LIST), tree, complaint, room);
    json_object_put (tree);
    return page;
}

//  The page's answer, as a tree.
static json_object *
s_write (const list_page_t *page, const char *first, const char *last, bool more)
{
    buffer_t to;
    buffer_init (&to, 100000);
    list_page_write (page,
                     &(list_items_t){ .items = TEXT ("[1]"),
                                      .first = text_of (first),
                                      .last = text_of (last),
                                      .more = more },
                     &to);
    json_reading_t reading;
    json_object *tree = json_read (buffer_text (&to), &(json_limits_t){ 8, 100 }, &reading);
    cr_assert_eq (reading.fault, JSON_READ_OK);
    buffer_free (&to);
    return tree;
}

//  The page that a cursor of the answer leads to; NULL when the answer has none.
static list_page_t *
s_follow (json_object *answer, const char *name, const char *more)
{
    const char *complaint;
    text_t cursor;
    char query[5000];
    if (json_member_text (answer, name, &cursor) != 1)
        return NULL;
    snprintf (query, sizeof query, "{\"cursor\":\"%.*s\"%s}", TEXT_ARGS (cursor), more);
    list_page_t *page = s_page (query, &complaint);
    cr_assert (page, "%s", complaint);
    return page;
}

Test (list_page, the_first_and_those_behind_it)
{
    const char *complaint;
    list_page_t *page = s_page ("{\"order\":\"desc\",\"limit\":\"7\"}", &complaint);
    cr_assert (page, "%s", complaint);
    cr_assert_eq (list_page_limit (page), 7);
    cr_assert (list_page_has (page, "order", "desc") && !list_page_is_backward (page));
    cr_assert_eq (list_page_position (page, 0).size, 0);
    json_object *answer = s_write (page, "[\"9\"]", "[\"3\"]", true);
    cr_assert_null (s_follow (answer, "prev", ""));

    //  The cursor holds filter and order; the limit is the request's.
    list_page_t *next = s_follow (answer, "next", "");
    cr_assert (list_page_has (next, "order", "desc") && !list_page_is_backward (next));
    cr_assert_eq (list_page_limit (next), 50);
    cr_assert (text_is (list_page_position (next, 0), TEXT ("3")));
    cr_assert_eq (list_page_position (next, 1).size, 0);
    json_object_put (answer);

    //  The last page: nothing is behind it, and a page before it.
    answer = s_write (next, "[\"2\"]", "[\"1\"]", false);
    cr_assert_null (s_follow (answer, "next", ""));
    list_page_t *prev = s_follow (answer, "prev", ",\"order\":\"desc\"");
    cr_assert (list_page_is_backward (prev));
    cr_assert (text_is (list_page_position (prev, 0), TEXT ("2")));
    json_object_put (answer);

    //  An empty page leads back to where it was read from.
    answer = s_write (prev, "", "", false);
    cr_assert_null (s_follow (answer, "prev", ""));
    list_page_t *again = s_follow (answer, "next", "");
    cr_assert (text_is (list_page_position (again, 0), TEXT ("2")));
    json_object_put (answer);
    list_page_destroy (&again);
    list_page_destroy (&prev);
    list_page_destroy (&next);
    list_page_destroy (&page);
}

Test (list_page, begins_where_the_request_says)
{
    const char *complaint;
    list_page_t *page = s_page ("{\"around\":\"40\"}", &complaint);
    list_page_begin_at (page, 14);
    cr_assert (text_is (list_page_position (page, 0), TEXT ("14")));
    list_page_begin_at (page, 15); //  it has one
    cr_assert (text_is (list_page_position (page, 0), TEXT ("14")));
    json_object *answer = s_write (page, "[\"15\"]", "[\"65\"]", true);
    list_page_t *prev = s_follow (answer, "prev", "");
    cr_assert (text_is (list_page_position (prev, 0), TEXT ("15")));
    json_object_put (answer);
    list_page_destroy (&prev);
    list_page_destroy (&page);
}

typedef struct {
    char cursor[200]; //  before it is encoded
    char with[60];    //  beside it
} refused_t;

#define GOOD_P ",\"b\":false,\"p\":[\"1\"]}"

ParameterizedTestParameters (list_page, refused)
{
    static refused_t cases[] = {
        { "", "" },
        { "x", "" },
        { "[]", "" },
        { "null", "" },
        { "{}", "" },
        { "{\"o\":1,\"f\":{}" GOOD_P, "" },           //  of another operation
        { "{\"o\":\"4\",\"f\":{}" GOOD_P, "" },
        { "{\"o\":4,\"f\":[]" GOOD_P, "" },
        { "{\"o\":4,\"f\":{\"order\":\"up\"}" GOOD_P, "" },
        { "{\"o\":4,\"f\":{\"order\":1}" GOOD_P, "" },
        { "{\"o\":4,\"f\":{\"other\":\"1\"}" GOOD_P, "" },
        { "{\"o\":4,\"f\":{},\"b\":1,\"p\":[\"1\"]}", "" },
        { "{\"o\":4,\"f\":{},\"b\":true,\"p\":[]}", "" },
        { "{\"o\":4,\"f\":{},\"b\":true,\"p\":[1]}", "" },
        { "{\"o\":4,\"f\":{},\"b\":true,\"p\":\"1\"}", "" },
        { "{\"o\":4,\"f\":{},\"b\":true,\"p\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", "" },
        { "{\"o\":4,\"f\":{},\"b\":true,\"p\":[\"a\\u0000\"]}", "" },
        //  of another order
        { "{\"o\":4,\"f\":{\"order\":\"asc\"}" GOOD_P, ",\"order\":\"desc\"" },
        { "{\"o\":4,\"f\":{}" GOOD_P, ",\"order\":\"desc\"" },
    };
    return cr_make_param_array (refused_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (refused_t *param, list_page, refused)
{
    const char *complaint;
    char encoded[300], query[500];
    sodium_bin2base64 (encoded, sizeof encoded, (const unsigned char *) param->cursor,
                       strlen (param->cursor), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf (query, sizeof query, "{\"cursor\":\"%s\"%s}", encoded, param->with);
    cr_expect_null (s_page (query, &complaint), "%s", param->cursor);
    cr_expect (complaint && *complaint);
}

Test (list_page, a_cursor_that_is_no_base64url)
{
    const char *complaint;
    static const char *const cursors[] = { "!", "a", "e30=", "e30+", "e3 0" };
    for (size_t at = 0; at < sizeof cursors / sizeof *cursors; at++) {
        char query[100];
        snprintf (query, sizeof query, "{\"cursor\":\"%s\"}", cursors[at]);
        cr_expect_null (s_page (query, &complaint), "%s", cursors[at]);
    }
    cr_expect_null (s_page ("{\"limit\":\"0\"}", &complaint));
    cr_expect_null (s_page ("{\"limit\":5}", &complaint));
    cr_expect_null (s_page ("{\"other\":\"5\"}", &complaint));
    cr_expect_null (s_page ("[]", &complaint));
}
