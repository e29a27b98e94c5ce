//  What the headers of any request tell of a visitor: bounded, showable, and JSON that a postoffice
//  takes.

#include "client/request_info.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check (text_t text, size_t most)
{
    assert (text.size <= most && utf8_is_valid (text) && utf8_is_showable (text));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const char begins[] = "GET / HTTP/1.1\r\nHost: h\r\n";
    static const client_address_t from = { .ip = { { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 } } };
    static address_guard_t *ranges;
    if (!ranges)
        ranges = address_guard_new ("");
    http_head_t head;
    buffer_t bytes, json;
    size_t whole;
    buffer_init (&bytes, HTTP_HEAD_MAX);
    buffer_init (&json, VISITOR_INFO_MAX);
    if (buffer_put_string (&bytes, begins) != 0 || buffer_put (&bytes, data, size) != 0
        || buffer_put_string (&bytes, "\r\n\r\n") != 0
        || http_head_read (&head, buffer_text (&bytes), &whole) != HTTP_NO_FAULT || whole == 0) {
        buffer_free (&bytes);
        return 0;
    }
    visitor_info_t info;
    char room[REQUEST_INFO_PAGE_MOST];
    request_info_read (&info, &head, &from, ranges, room);
    s_check (info.page, VISITOR_PAGE_MAX);
    s_check (info.language, VISITOR_LANGUAGE_MAX);
    s_check (info.agent, VISITOR_AGENT_MAX);
    assert (!memchr (info.page.data, '?', info.page.size)
            && !memchr (info.page.data, '#', info.page.size));
    http_head_t asked = head;
    visitor_info_t of_query;
    asked.query = (text_t){ (const char *) data, size };
    request_info_read (&of_query, &asked, &from, ranges, room);
    s_check (of_query.page, VISITOR_PAGE_MAX);
    assert (!memchr (of_query.page.data, '?', of_query.page.size)
            && !memchr (of_query.page.data, '#', of_query.page.size));
    request_info_read (&info, &head, &from, ranges, room);
    visitor_info_write (&info, &json);
    assert (text_is (visitor_info_of (buffer_text (&json)), buffer_text (&json)));
    buffer_free (&json);
    buffer_free (&bytes);
    return 0;
}
