//  Webhooks of Genesys Cloud, as anybody may write them who has the key: whatever is read can be
//  stored, and what clients are shown is a JSON object without a URL that a page would run.

#include "base/utf8.h"
#include "json/json_read.h"
#include "platforms/genesys_in.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check_text (text_t text)
{
    if (!utf8_is_valid (text) || (text.size > 0 && memchr (text.data, 0, text.size)))
        abort ();
}

static void
s_check (const platform_word_t *word)
{
    text_t shown = buffer_text (&word->data);
    s_check_text (word->external_id);
    s_check_text (word->id);
    s_check_text (word->conversation);
    s_check_text (word->reason);
    s_check_text (shown);
    if (word->external_id.size == 0)
        abort ();
    if (shown.size > 0 && !json_is_object (shown, &(json_limits_t){ 10, 10000 }))
        abort ();
    static const char *const members[] = { "Url\":\"j", "url\":\"j", "Action\":\"j" };
    for (size_t at = 0; at < sizeof members / sizeof *members; at++)
        if (shown.size > 0 && memmem (shown.data, shown.size, members[at], strlen (members[at])))
            abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    platform_word_t word = { .what = PLATFORM_NOTHING };
    if (!genesys_read (&word, (text_t){ (const char *) data, size }))
        s_check (&word);
    platform_word_free (&word);
    return 0;
}
