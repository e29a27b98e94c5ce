//  Keywords and what a visitor says, of any bytes: folded to UTF-8 without white space at its ends,
//  and a word is found in itself, with anything that is no letter around it.

#include "alerts/alert_keywords.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static bool
s_matches (const alert_keywords_t *keywords, text_t said)
{
    char *folded = alert_folded (said);
    text_t text = text_of (folded);
    bool is_trimmed =
        text.size == 0 || (text.data[0] != ' ' && text.data[text.size - 1] != ' ');
    if (!utf8_is_valid (text) || !is_trimmed)
        abort ();
    bool matches = alert_keywords_match (keywords, folded);
    free (folded);
    return matches;
}

//  A word, NUL, what is said.
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    const char *bytes = size > 0 ? (const char *) data : "";
    text_t word = { bytes, strnlen (bytes, size) };
    text_t said = { bytes + word.size, size - word.size };
    if (said.size > 0)
        said = (text_t){ said.data + 1, said.size - 1 };
    alert_keywords_t *keywords = alert_keywords_new (&word, 1);
    char *folded = alert_folded (word);
    (void) s_matches (keywords, said);
    if (*folded && word.size <= 100 && !s_matches (keywords, word))
        abort ();
    free (folded);
    alert_keywords_destroy (&keywords);
    return 0;
}
