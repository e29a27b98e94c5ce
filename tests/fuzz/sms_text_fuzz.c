//  What is said to somebody by SMS, or in an alert: parts are whole, within their limit, and
//  nothing but blanks is lost.

#include "base/utf8.h"
#include "texting/fit.h"
#include "texting/sms_text.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static size_t
s_letters (text_t text)
{
    size_t letters = 0;
    for (size_t at = 0; at < text.size; at++)
        letters += text.data[at] != ' ' && text.data[at] != '\n';
    return letters;
}

static void
s_parts (text_t text)
{
    text_t rest = text, part;
    size_t letters = 0;
    while (sms_next_part (&rest, &part)) {
        if (sms_units (part) > SMS_MOST || !utf8_is_valid (part) || sms_segments (part) == 0)
            abort ();
        letters += s_letters (part);
    }
    if (letters != s_letters (text))
        abort ();
}

static void
s_fit (const fit_measure_t *measure, text_t text, text_t link, size_t most)
{
    buffer_t to;
    buffer_init (&to, 4 * most);
    fit_put (measure, text, link, most, &to);
    if (!utf8_is_valid (buffer_text (&to)) || measure->measure (buffer_text (&to)) > most)
        abort ();
    buffer_free (&to);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    text_t all = size > 0 ? (text_t){ (const char *) data, size } : TEXT_EMPTY;
    if (!utf8_is_valid (all))
        return 0;
    const char *end = size > 0 ? memchr (data, '\n', size) : NULL;
    text_t link = { all.data, end ? (size_t) (end - all.data) : 0 };
    size_t most = 20 + size % 50;
    buffer_t clean;
    buffer_init (&clean, size + 10);
    sms_put_clean (all, &clean);
    s_parts (buffer_text (&clean));
    s_parts (all);
    s_fit (&fit_sms, all, link, most);
    s_fit (&fit_slack, all, link, most);
    buffer_free (&clean);
    return 0;
}
