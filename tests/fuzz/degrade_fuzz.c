//  What a bot said, as text and as choices: whatever comes out is UTF-8, and a choice is JSON. A
//  line of what is said, and behind it the data.

#include "base/utf8.h"
#include "json/json_read.h"
#include "model/degrade.h"

#include <json-c/json.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    text_t all = { (const char *) data, size };
    const char *end = size ? memchr (data, '\n', size) : NULL;
    size_t first = end ? (size_t) (end - all.data) : 0;
    text_t said = { all.data, first };
    text_t body = { all.data + first + (end != NULL), size - first - (end != NULL) };
    buffer_t to;
    buffer_init (&to, 1 << 20);
    if (degrade_text (body, &to) == 0 && (!utf8_is_valid (buffer_text (&to)) || to.size == 0))
        abort ();
    buffer_clear (&to);
    if (utf8_is_valid (said) && degrade_choice (body, said, &to)) {
        json_reading_t reading;
        struct json_object *tree = json_read (
            buffer_text (&to), &(json_limits_t){ .depth_most = 3, .values_most = 10 }, &reading);
        if (!tree)
            abort ();
        json_object_put (tree);
    }
    buffer_free (&to);
    return 0;
}
