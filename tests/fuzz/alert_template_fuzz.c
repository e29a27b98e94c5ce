//  A rule's words, and what people say in them: refused with a sentence, or rendered within the
//  limit, as UTF-8, without what its escaper keeps out.

#include "alerts/alert_template.h"
#include "base/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define LINK "https://e.example/a?b&c"

static void
s_check (bool is_so)
{
    if (!is_so)
        abort ();
}

//  What each escaper promises of a text, whatever stands in it. In Slack the rule's own words may
//  have markup: what people say has none.
static void
s_look (text_t text, alert_escaper_t escaper, bool has_markup)
{
    for (size_t at = 0; at < text.size; at++) {
        uint8_t byte = (uint8_t) text.data[at];
        s_check (byte >= 0x20 || byte == '\n' || byte == '\t');
        s_check (byte != 0x7f);
        if (escaper == ALERT_HEADER)
            s_check (byte >= 0x20);
        if (escaper == ALERT_SLACK && !has_markup)
            s_check (byte != '<' && byte != '>');
        if (escaper == ALERT_HTML && byte == '<') //  only tags of ours
            s_check (strncmp (text.data + at, "<br>\n", 5) == 0
                     || strncmp (text.data + at, "<a href=\"http", 13) == 0
                     || strncmp (text.data + at, "</a>", 4) == 0);
    }
}

//  A byte that chooses, a byte of the limit, the words, NUL, what is said in them.
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    alert_escaper_t escaper = (alert_escaper_t) (data[0] % ALERT_ESCAPERS);
    alert_event_t on = (alert_event_t) (data[0] / ALERT_ESCAPERS % ALERT_EVENTS);
    size_t most = data[1] * 4u;
    text_t words = { (const char *) data + 2, strnlen ((const char *) data + 2, size - 2) };
    text_t said = { words.data + words.size, size - 2 - words.size };
    text_t values[ALERT_VALUES];
    for (int value = 0; value < ALERT_VALUES; value++)
        values[value] = said;
    values[ALERT_VALUE_LINK] = TEXT (LINK);
    values[ALERT_VALUE_REASON] = (text_t){ 0 };

    buffer_t mistake, to;
    buffer_init (&mistake, 300);
    buffer_init (&to, most + 1);
    alert_template_t *made = alert_template_new (words, on, &mistake);
    s_check ((made == NULL) == (mistake.size > 0));
    if (made) {
        alert_template_render (made, values, escaper, most, &to);
        s_check (to.size <= most && utf8_is_valid (buffer_text (&to)));
        int rc = buffer_put (&to, "", 1);
        s_check (rc == 0);
        bool has_markup =
            memchr (words.data, '<', words.size) || memchr (words.data, '>', words.size);
        s_look ((text_t){ to.data, to.size - 1 }, escaper, has_markup);
    }
    alert_template_destroy (&made);
    buffer_free (&mistake);
    buffer_free (&to);
    return 0;
}
