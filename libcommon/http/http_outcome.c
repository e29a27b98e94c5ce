#include "http/http_outcome.h"

#include <assert.h>
#include <strings.h>

static const struct {
    const char *label;
    const char *words;
    http_reach_t reach;
} s_rows[HTTP_OUTCOMES] = {
#define OUTCOME(NAME, label, reach, words) [HTTP_##NAME] = { label, words, HTTP_REACH_##reach },
#include "http/http_outcomes.def"
#undef OUTCOME
};

const char *
http_outcome_label (http_outcome_t outcome)
{
    assert (outcome < HTTP_OUTCOMES);
    return s_rows[outcome].label;
}

const char *
http_outcome_words (http_outcome_t outcome)
{
    assert (outcome < HTTP_OUTCOMES);
    return s_rows[outcome].words;
}

http_reach_t
http_outcome_reach (http_outcome_t outcome)
{
    assert (outcome < HTTP_OUTCOMES);
    return s_rows[outcome].reach;
}

static bool
s_is_blank (char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static text_t
s_trimmed (const char *from, const char *end)
{
    while (from < end && s_is_blank (*from))
        from++;
    while (from < end && s_is_blank (end[-1]))
        end--;
    return (text_t){ from, (size_t) (end - from) };
}

text_t
http_answer_header (const http_answer_t *self, const char *name)
{
    size_t size = strlen (name);
    const char *end = self->head.size ? self->head.data + self->head.size : NULL;
    for (const char *line = self->head.data; end && line < end;) {
        const char *next = memchr (line, '\n', (size_t) (end - line));
        next = next ? next + 1 : end;
        if ((size_t) (next - line) > size && line[size] == ':'
            && strncasecmp (line, name, size) == 0)
            return s_trimmed (line + size + 1, next);
        line = next;
    }
    return TEXT_EMPTY;
}
