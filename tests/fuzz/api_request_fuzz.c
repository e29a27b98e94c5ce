//  The target of an API request: its path becomes an operation, and its query is refused or handed
//  on as JSON, with texts that a database takes.

#include "api/api_request.h"

#include "base/utf8.h"
#include "json/json_read.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    const char *text = (const char *) data, *mark = memchr (text, '?', size);
    size_t path = mark ? (size_t) (mark - text) : size;
    http_head_t head = { .method = TEXT ("GET"),
                         .path = { text, path },
                         .query = { mark ? mark + 1 : "", mark ? size - path - 1 : 0 } };
    static const text_t methods[] = { TEXT ("GET"), TEXT ("POST"), TEXT ("DELETE") };
    for (size_t at = 0; at < 3; at++) {
        api_match_t match;
        api_request_t request;
        char room[API_COMPLAINT];
        api_match (&match, methods[at], head.path);
        if (!match.row || api_request_read (&request, &match, &head, room))
            continue;
        buffer_t body;
        json_writer_t json;
        buffer_init (&body, API_REQUEST_MAX);
        json_write_begin (&json, &body);
        json_open_object (&json, NULL);
        api_request_write (&request, &json);
        json_close_object (&json);
        int rc = json_write_end (&json);
        assert (rc == 0);
        assert (utf8_is_valid (buffer_text (&body)));
        json_reading_t reading;
        json_object *tree =
            json_read (buffer_text (&body), &(json_limits_t){ 4, 1000 }, &reading);
        assert (json_object_is_type (tree, json_type_object));
        json_object_put (tree);
        buffer_free (&body);
    }
    return 0;
}
