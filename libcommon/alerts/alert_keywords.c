#include "alerts/alert_keywords.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <glib.h>
#include <stdlib.h>

struct alert_keywords {
    size_t count;
    char **words;
};

//  Runs of white space become one blank; none at the ends.
static char *
s_spaced (const char *text)
{
    char *to = alloc_zeroed (strlen (text) + 1);
    size_t size = 0;
    for (const char *at = text; *at; at = g_utf8_next_char (at)) {
        size_t width = (size_t) (g_utf8_next_char (at) - at);
        if (!g_unichar_isspace (g_utf8_get_char (at))) {
            memcpy (to + size, at, width);
            size += width;
        } else if (size > 0 && to[size - 1] != ' ')
            to[size++] = ' ';
    }
    if (size > 0 && to[size - 1] == ' ')
        size--;
    to[size] = '\0';
    return to;
}

char *
alert_folded (text_t text)
{
    text = utf8_is_valid (text) ? utf8_cut (text, ALERT_SAID_MOST) : TEXT_EMPTY;
    char *plain = g_utf8_normalize (text.data, (gssize) text.size, G_NORMALIZE_NFKC);
    char *folded = plain ? g_utf8_casefold (plain, -1) : NULL;
    //  Folding can leave what is not composed.
    char *whole = folded ? g_utf8_normalize (folded, -1, G_NORMALIZE_NFKC) : NULL;
    char *spaced = s_spaced (whole ? whole : "");
    g_free (plain);
    g_free (folded);
    g_free (whole);
    return spaced;
}

alert_keywords_t *
alert_keywords_new (const text_t *words, size_t count)
{
    if (count == 0)
        return NULL;
    alert_keywords_t *self = alloc_zeroed (sizeof *self);
    self->words = alloc_array (count, sizeof *self->words);
    for (size_t at = 0; at < count; at++) {
        char *folded = alert_folded (words[at]);
        if (*folded)
            self->words[self->count++] = folded;
        else
            free (folded); //  of nothing that can be looked for
    }
    return self;
}

void
alert_keywords_destroy (alert_keywords_t **self_p)
{
    alert_keywords_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->count; at++)
        free (self->words[at]);
    free (self->words);
    free (self);
}

//  Is it part of a word that has spaces around it?
static bool
s_is_of_word (gunichar letter)
{
    if (!g_unichar_isalnum (letter) && !g_unichar_ismark (letter))
        return false;
    switch (g_unichar_get_script (letter)) {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
    case G_UNICODE_SCRIPT_THAI:
    case G_UNICODE_SCRIPT_LAO:
    case G_UNICODE_SCRIPT_KHMER:
    case G_UNICODE_SCRIPT_MYANMAR:
    case G_UNICODE_SCRIPT_TIBETAN:
        return false;
    default:
        return true;
    }
}

//  Does a word go on over this place?
static bool
s_goes_on (const char *said, const char *place)
{
    return place > said && *place && s_is_of_word (g_utf8_get_char (place))
           && s_is_of_word (g_utf8_get_char (g_utf8_prev_char (place)));
}

static bool
s_stands_in (const char *word, const char *said)
{
    size_t size = strlen (word);
    for (const char *at = strstr (said, word); at; at = strstr (at + 1, word))
        if (!s_goes_on (said, at) && !s_goes_on (said, at + size))
            return true;
    return false;
}

bool
alert_keywords_match (const alert_keywords_t *self, const char *said)
{
    for (size_t at = 0; at < self->count; at++)
        if (s_stands_in (self->words[at], said))
            return true;
    return false;
}
