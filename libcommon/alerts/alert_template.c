#include "alerts/alert_template.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum { WHERE_ALWAYS, WHERE_SESSION, WHERE_ENDED } where_t;

//  In the order in which they are cut.
typedef enum { CUT_LONG, CUT_WORDS, CUT_NAMES, CUT_RULE, CUT_NEVER } cut_t;

static const struct {
    const char *name;
    where_t where;
    cut_t cut;
} s_values[ALERT_VALUES] = {
#define ALERT_PLACEHOLDER(NAME, name, WHERE, CUT, words)                                           \
    [ALERT_VALUE_##NAME] = { name, WHERE_##WHERE, CUT_##CUT },
#include "alerts/alert_placeholders.def"
#undef ALERT_PLACEHOLDER
};

const char *
alert_value_name (alert_value_t value)
{
    return s_values[value].name;
}

//  Words as they stand, or the value in their place.
typedef struct {
    text_t words;        //  of the source
    alert_value_t value; //  ALERT_VALUES: the words themselves
} piece_t;

struct alert_template {
    char *source;
    size_t count;
    piece_t *pieces;
};

//  Always NULL: before, the name, and behind it.
static alert_template_t *
s_refuse (alert_template_t *self, buffer_t *mistake, const char *before, text_t name,
          const char *behind)
{
    char line[200];
    snprintf (line, sizeof line, "%s%.*s%s", before, (int) (name.size < 60 ? name.size : 60),
              name.data, behind);
    (void) !buffer_put_string (mistake, line);
    alert_template_destroy (&self);
    return NULL;
}

static text_t
s_trimmed (text_t name)
{
    while (name.size > 0 && *name.data == ' ')
        name = (text_t){ name.data + 1, name.size - 1 };
    while (name.size > 0 && name.data[name.size - 1] == ' ')
        name.size--;
    return name;
}

static alert_value_t
s_named (text_t name)
{
    int value = 0;
    while (value < ALERT_VALUES && !text_is (name, text_of (s_values[value].name)))
        value++;
    return (alert_value_t) value;
}

static bool
s_may_stand (alert_value_t value, alert_event_t on)
{
    where_t where = s_values[value].where;
    return where == WHERE_ALWAYS
           || (where == WHERE_SESSION && alert_events[on].place == ALERT_PLACE_SESSION)
           || (where == WHERE_ENDED && on == ALERT_ON_SESSION_ENDED);
}

//  −1: there are too many.
static int
s_add (alert_template_t *self, text_t words, alert_value_t value)
{
    if (value == ALERT_VALUES && words.size == 0)
        return 0;
    if (self->count == ALERT_PIECES_MOST)
        return -1;
    self->pieces = alloc_resized (self->pieces, (self->count + 1) * sizeof *self->pieces);
    self->pieces[self->count++] = (piece_t){ words, value };
    return 0;
}

alert_template_t *
alert_template_new (text_t source, alert_event_t on, buffer_t *mistake)
{
    alert_template_t *self = alloc_zeroed (sizeof *self);
    if (source.size > ALERT_TEMPLATE_MOST)
        return s_refuse (self, mistake, "the words are too long", TEXT_EMPTY, "");
    self->source = alloc_text (source);
    text_t rest = { self->source, source.size };
    const char *opening, *closing;
    while ((opening = memmem (rest.data, rest.size, "{{", 2))) {
        text_t before = { rest.data, (size_t) (opening - rest.data) };
        rest = (text_t){ opening + 2, rest.size - before.size - 2 };
        closing = memmem (rest.data, rest.size, "}}", 2);
        if (!closing)
            return s_refuse (self, mistake, "\"{{", rest, "\" has no \"}}\" behind it");
        text_t name = s_trimmed ((text_t){ rest.data, (size_t) (closing - rest.data) });
        alert_value_t value = s_named (name);
        if (value == ALERT_VALUES)
            return s_refuse (self, mistake,
                             "{{", name,
                             "}} is none of the names of docs/alerts.md");
        if (!s_may_stand (value, on))
            return s_refuse (self, mistake, "{{", name,
                             "}} has no meaning in a rule of this event");
        if (s_add (self, before, ALERT_VALUES) != 0 || s_add (self, name, value) != 0)
            return s_refuse (self, mistake, "there are too many {{names}}", TEXT_EMPTY, "");
        rest = (text_t){ closing + 2, rest.size - (size_t) (closing + 2 - rest.data) };
    }
    if (s_add (self, rest, ALERT_VALUES) != 0)
        return s_refuse (self, mistake, "there are too many {{names}}", TEXT_EMPTY, "");
    return self;
}

void
alert_template_destroy (alert_template_t **self_p)
{
    alert_template_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    free (self->source);
    free (self->pieces);
    free (self);
}

bool
alert_template_has (const alert_template_t *self, alert_value_t value)
{
    size_t at = 0;
    while (at < self->count && self->pieces[at].value != value)
        at++;
    return at < self->count;
}

// ---------------------------------------------------------------------------------------------
//  One character

#define CHARACTER_MOST 8 //  bytes of one that is escaped
#define MARK_SIZE 3        //  bytes of what says that something is cut
#define BREAK "\xe2\x80\x8b" //  a space without width (U+200B)

//  An SMS with any character that is none of GSM-7 has room for less than half as many.
static const char *
s_mark (alert_escaper_t escaper)
{
    return escaper == ALERT_SMS ? "..." : "\xe2\x80\xa6";
}

//  The next character of the text, which is not empty: its code, and how many bytes it has. Of
//  what is no UTF-8 one byte, and the code of '?'.
static uint32_t
s_next (text_t text, size_t *size)
{
    static const uint8_t marks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint8_t lead = (uint8_t) *text.data;
    size_t whole = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    *size = 1;
    if (whole > text.size || !utf8_is_valid ((text_t){ text.data, whole }))
        return '?';
    *size = whole;
    uint32_t code = lead & marks[whole];
    for (size_t at = 1; at < whole; at++)
        code = code << 6 | ((uint8_t) text.data[at] & 0x3f);
    return code;
}

//  '\n' for all that ends a line, 0 for what is left out.
static uint32_t
s_plain (uint32_t code)
{
    if (code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029)
        return '\n';
    bool is_control = (code < 0x20 && code != '\n' && code != '\t')
                      || (code >= 0x7f && code < 0xa0);
    bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
                 || code == 0x200e || code == 0x200f;
    return is_control || turns ? 0 : code;
}

static const char *
s_entity (uint32_t code, bool is_html)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return is_html ? "&quot;" : NULL;
    case '\'':
        return is_html ? "&#39;" : NULL;
    case '\n':
        return is_html ? "<br>\n" : NULL;
    default:
        return NULL;
    }
}

//  What stands for the character in `raw`: returns how many bytes.
static size_t
s_escape (alert_escaper_t escaper, text_t raw, uint32_t code, char to[CHARACTER_MOST])
{
    bool is_html = escaper == ALERT_HTML;
    uint32_t plain = s_plain (code);
    if (plain == 0)
        return 0;
    if (escaper == ALERT_HEADER && (plain == '\n' || plain == '\t'))
        plain = ' ';
    const char *entity = is_html || escaper == ALERT_SLACK ? s_entity (plain, is_html) : NULL;
    if (entity || plain != code || raw.size == 1) {
        size_t size = entity ? strlen (entity) : 1;
        to[0] = (char) plain;
        if (entity)
            memcpy (to, entity, size);
        return size;
    }
    memcpy (to, raw.data, raw.size);
    return raw.size;
}

// ---------------------------------------------------------------------------------------------
//  A text

//  Where escaped text goes: up to `most` bytes of it. Without a buffer it is only measured.
typedef struct {
    alert_escaper_t escaper;
    cut_t kind; //  of the piece
    buffer_t *to; //  NULL: nowhere
    size_t size;
    size_t most;
} sink_t;

static bool
s_put (sink_t *sink, const char *bytes, size_t size)
{
    if (size > sink->most - sink->size)
        return false;
    sink->size += size;
    if (sink->to) {
        int rc = buffer_put (sink->to, bytes, size);
        assert (rc == 0); //  the caller has room for all of it
    }
    return true;
}

static bool
s_ends_token (char byte)
{
    return byte == '<' || byte == '>' || (unsigned char) byte < ' ' || byte == 127;
}

//  "<!here>" or "<https://…|words>" of a rule, at the beginning of the text: its size; 0: there is
//  none. It goes out as it stands, so that it is one only when it is a text.
static size_t
s_token_size (text_t text)
{
    size_t at = 1;
    while (at < text.size && !s_ends_token (text.data[at]))
        at++;
    bool is_token = *text.data == '<' && at < text.size && text.data[at] == '>'
                    && utf8_is_valid ((text_t){ text.data, at });
    return is_token ? at + 1 : 0;
}

//  Slack makes links of addresses that it finds: does this character, before the text, make one?
static bool
s_makes_link (uint32_t code, text_t behind)
{
    unsigned char next = behind.size > 0 ? (unsigned char) *behind.data : ' ';
    bool is_letter = (next | 0x20) >= 'a' && (next | 0x20) <= 'z';
    switch (code) {
    case '.': //  "example.com"; numbers have one, too
        return is_letter || next >= 0x80;
    case ':': //  "https://"
        return next == '/';
    case '@': //  "ann@example.com"
        return is_letter || next >= 0x80 || (next >= '0' && next <= '9');
    default:
        return false;
    }
}

//  Takes the first character, or what is whole or not at all as well. Returns how many bytes stand
//  for it; 0: it is left out.
static size_t
s_take (const sink_t *sink, text_t *text, char bytes[CHARACTER_MOST])
{
    bool is_slack = sink->escaper == ALERT_SLACK;
    size_t size;
    uint32_t code = s_next (*text, &size);
    text_t raw = { text->data, size };
    *text = (text_t){ text->data + size, text->size - size };
    if (code == '\r' && text->size > 0 && *text->data == '\n')
        return 0;
    if (is_slack && sink->kind == CUT_RULE)
        return s_escape (ALERT_PLAIN, raw, code, bytes);
    size = s_escape (sink->escaper, raw, code, bytes);
    if (is_slack && sink->kind != CUT_NEVER && s_makes_link (code, *text)) {
        memcpy (bytes + size, BREAK, sizeof BREAK - 1);
        size += sizeof BREAK - 1;
    }
    return size;
}

//  False: not all of it has room.
static bool
s_put_text (sink_t *sink, text_t text)
{
    bool has_tokens = sink->escaper == ALERT_SLACK && sink->kind == CUT_RULE;
    while (text.size > 0) {
        char bytes[CHARACTER_MOST];
        size_t token = has_tokens ? s_token_size (text) : 0;
        const char *put = token ? text.data : bytes;
        size_t size = token ? token : s_take (sink, &text, bytes);
        if (!s_put (sink, put, size))
            return false;
        text = (text_t){ text.data + token, text.size - token };
    }
    return true;
}

static bool
s_is_link (text_t text)
{
    return text.size > 8
           && (memcmp (text.data, "https://", 8) == 0 || memcmp (text.data, "http://", 7) == 0);
}

static void
s_put_link (sink_t *sink, text_t link)
{
    static const char before[] = "<a href=\"", between[] = "\">", behind[] = "</a>";
    bool fits = s_put (sink, before, sizeof before - 1) && s_put_text (sink, link)
                && s_put (sink, between, sizeof between - 1) && s_put_text (sink, link)
                && s_put (sink, behind, sizeof behind - 1);
    assert (fits); //  it was measured
}

// ---------------------------------------------------------------------------------------------
//  The whole

static cut_t
s_cut_of (const piece_t *piece)
{
    return piece->value == ALERT_VALUES ? CUT_RULE : s_values[piece->value].cut;
}

static text_t
s_text_of (const piece_t *piece, const text_t values[ALERT_VALUES])
{
    if (piece->value == ALERT_VALUES)
        return piece->words;
    return values[piece->value].data ? values[piece->value] : TEXT_EMPTY;
}

static size_t
s_put_piece (const piece_t *piece, const text_t values[ALERT_VALUES], alert_escaper_t escaper,
             size_t most, buffer_t *to)
{
    sink_t sink = { escaper, s_cut_of (piece), to, 0, most };
    text_t text = s_text_of (piece, values);
    if (escaper == ALERT_HTML && s_cut_of (piece) == CUT_NEVER && s_is_link (text))
        s_put_link (&sink, text);
    else
        (void) s_put_text (&sink, text);
    return sink.size;
}

//  Shortens pieces of this kind, the last ones first, until `excess` bytes are gone. Returns how
//  many are left to go.
static size_t
s_shorten (const alert_template_t *self, cut_t cut, size_t sizes[], size_t excess)
{
    for (size_t at = self->count; at-- > 0 && excess > 0;) {
        if (s_cut_of (&self->pieces[at]) != cut)
            continue;
        size_t gone = sizes[at] < excess || cut == CUT_NEVER ? sizes[at] : excess;
        if (sizes[at] - gone < MARK_SIZE)
            gone = sizes[at]; //  no room for the mark that it is cut
        sizes[at] -= gone;
        excess -= gone < excess ? gone : excess;
    }
    return excess;
}

void
alert_template_render (const alert_template_t *self, const text_t values[ALERT_VALUES],
                       alert_escaper_t escaper, size_t most, buffer_t *to)
{
    size_t whole[ALERT_PIECES_MOST], sizes[ALERT_PIECES_MOST], total = 0;
    for (size_t at = 0; at < self->count; at++) {
        sizes[at] = s_put_piece (&self->pieces[at], values, escaper, SIZE_MAX, NULL);
        whole[at] = sizes[at];
        total += sizes[at];
    }
    size_t excess = total > most ? total - most : 0;
    for (int cut = CUT_LONG; cut <= CUT_NEVER && excess > 0; cut++)
        excess = s_shorten (self, (cut_t) cut, sizes, excess);
    for (size_t at = 0; at < self->count; at++) {
        bool is_cut = sizes[at] < whole[at];
        if (sizes[at] == 0)
            continue;
        size_t mark = is_cut ? MARK_SIZE : 0;
        (void) s_put_piece (&self->pieces[at], values, escaper, sizes[at] - mark, to);
        int rc = buffer_put (to, s_mark (escaper), mark);
        assert (rc == 0);
    }
}
