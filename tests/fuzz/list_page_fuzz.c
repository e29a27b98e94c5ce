//  The query of a list, with any cursor: it is refused, or the page's own cursors lead back to it.

#include "api/list_page.h"

#include "json/json_read.h"

#include <assert.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static list_page_t *
s_page (text_t cursor)
{
    char room[API_COMPLAINT];
    const char *complaint;
    json_object *query = json_object_new_object ();
    json_object_object_add (query, "cursor",
                            json_object_new_string_len (cursor.data, (int) cursor.size));
    list_page_t *page = list_page_new (api_row (API_MESSAGE_LIST), query, &complaint, room);
    assert (page || *complaint);
    json_object_put (query);
    return page;
}

//  The cursor `next` of the page leads to the same list, at the position given.
static void
s_follow (const list_page_t *self)
{
    buffer_t answer;
    text_t next;
    json_reading_t reading;
    buffer_init (&answer, 100000);
    list_page_write (self,
                     &(list_items_t){ .items = TEXT ("[]"),
                                      .first = TEXT ("[\"1\"]"),
                                      .last = TEXT ("[\"2\"]"),
                                      .more = true },
                     &answer);
    json_object *tree =
        json_read (buffer_text (&answer), &(json_limits_t){ 8, 1000 }, &reading);
    assert (tree);
    if (json_member_text (tree, "next", &next) == 1) {
        list_page_t *page = s_page (next);
        assert (page && !list_page_is_backward (page));
        assert (text_is (list_page_position (page, 0), TEXT ("2")));
        assert (text_is (list_page_filter (page, "order"), list_page_filter (self, "order")));
        list_page_destroy (&page);
    }
    json_object_put (tree);
    buffer_free (&answer);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    //  What a cursor stands for, and what is none.
    size_t most = sodium_base64_ENCODED_LEN (size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *encoded = malloc (most);
    assert (encoded);
    sodium_bin2base64 (encoded, most, data, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    text_t cursors[] = { text_of (encoded), { (const char *) data, size } };
    for (size_t at = 0; at < 2; at++) {
        list_page_t *page = s_page (cursors[at]);
        if (!page)
            continue;
        s_follow (page);
        list_page_destroy (&page);
    }
    free (encoded);
    return 0;
}
