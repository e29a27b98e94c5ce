#include "email/mail_header.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>

#define LINE_MOST 76
//  Of an encoded word: "=?UTF-8?B?" and "?=", between which four digits are three bytes. It has 75
//  bytes at most, and is worth its frame when it has some characters.
#define WORD_FRAME 12
#define WORD_BYTES_MOST 45
#define WORD_BYTES_LEAST 9
#define LOCAL_MOST 64

static bool
s_is_one_of (char byte, const char *others)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9') || (byte && strchr (others, byte));
}

//  Labels of a host's name, one at least, none of them empty.
static bool
s_is_domain (text_t domain)
{
    char before = '.';
    for (size_t at = 0; at < domain.size; at++) {
        char byte = domain.data[at];
        if (byte == '.' ? before == '.' || before == '-' : !s_is_one_of (byte, "-"))
            return false;
        if (byte == '-' && before == '.')
            return false;
        before = byte;
    }
    return before != '.' && before != '-';
}

bool
mail_address_is_good (text_t address)
{
    size_t local = 0;
    char before = '.';
    for (; local < address.size && address.data[local] != '@'; local++) {
        char byte = address.data[local];
        if (byte == '.' ? before == '.' : !s_is_one_of (byte, "!#$%&'*+/=?^_`{|}~-"))
            return false;
        before = byte;
    }
    if (address.size > MAIL_ADDRESS_MOST || local > LOCAL_MOST || before == '.'
        || local == address.size)
        return false;
    return s_is_domain (mail_address_domain (address));
}

text_t
mail_address_domain (text_t address)
{
    const char *at = memchr (address.data, '@', address.size);
    size_t before = at ? (size_t) (at - address.data) + 1 : address.size;
    return (text_t){ address.data + before, address.size - before };
}

// ------------------------------------------------------------------------------------------------
//  Cleaning

//  Bytes from here on that have no place in a header.
static size_t
s_bad_bytes (const unsigned char *at, size_t left)
{
    if (at[0] < 0x20 || at[0] == 0x7f)
        return 1;
    if (left >= 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return 2;
    if (left < 3 || at[0] != 0xe2)
        return 0;
    bool is_mark = (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f)) //  LRM, RLM
                   || (at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae)
                   || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
    return is_mark ? 3 : 0;
}

//  The value as it may stand in a header: a run of bad bytes is one blank, as all blanks are; of
//  bytes that are no UTF-8 each is a '?'.
static text_t
s_clean (text_t value, char room[MAIL_VALUE_MOST])
{
    size_t size = 0;
    bool owes_blank = false;
    for (size_t at = 0; at < value.size;) {
        text_t rest = { value.data + at, value.size - at };
        size_t bad = s_bad_bytes ((const unsigned char *) rest.data, rest.size);
        if (bad > 0 || rest.data[0] == ' ') {
            owes_blank = size > 0;
            at += bad > 0 ? bad : 1;
            continue;
        }
        size_t length = 1;
        const char *character = rest.data;
        if ((unsigned char) rest.data[0] >= 0x80) {
            text_t four = { rest.data, rest.size < 4 ? rest.size : 4 };
            while (length <= four.size && utf8_valid_size ((text_t){ four.data, length }) != length)
                length++;
            if (length > four.size) {
                length = 1;
                character = "?";
            }
        }
        if (size + owes_blank + length > MAIL_VALUE_MOST)
            break;
        if (owes_blank)
            room[size++] = ' ';
        owes_blank = false;
        memcpy (room + size, character, length);
        size += length;
        at += length;
    }
    return (text_t){ room, size };
}

// ------------------------------------------------------------------------------------------------
//  Folding and encoding

//  A header under way.
typedef struct {
    buffer_t *to;
    size_t column; //  of the line
    int rc;
} header_t;

static void
s_put (header_t *self, text_t text)
{
    self->rc = self->rc == 0 ? buffer_put_text (self->to, text) : -1;
    self->column += text.size;
}

//  A blank and a word, on a new line when this one has no room for them.
static void
s_put_word (header_t *self, text_t word)
{
    if (self->column + 1 + word.size > LINE_MOST) {
        s_put (self, TEXT ("\r\n"));
        self->column = 0;
    }
    s_put (self, TEXT (" "));
    s_put (self, word);
}

static void
s_put_base64 (const unsigned char *bytes, size_t size, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < size; at += 3) {
        uint32_t group = (uint32_t) bytes[at] << 16
                         | (at + 1 < size ? (uint32_t) bytes[at + 1] << 8 : 0)
                         | (at + 2 < size ? (uint32_t) bytes[at + 2] : 0);
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = at + 1 < size ? digits[group >> 6 & 63] : '=';
        *to++ = at + 2 < size ? digits[group & 63] : '=';
    }
}

//  How many bytes an encoded word can take on this line.
static size_t
s_room (const header_t *self)
{
    size_t used = self->column + 1 + WORD_FRAME;
    size_t bytes = used < LINE_MOST ? (LINE_MOST - used) / 4 * 3 : 0;
    return bytes < WORD_BYTES_LEAST || bytes > WORD_BYTES_MOST ? WORD_BYTES_MOST : bytes;
}

//  Each word holds whole characters. A reader leaves out what is between two encoded words.
static void
s_put_encoded (header_t *self, text_t value)
{
    while (value.size > 0) {
        text_t part = utf8_cut (value, s_room (self));
        char word[80] = "=?UTF-8?B?";
        size_t size = strlen (word), digits = (part.size + 2) / 3 * 4;
        s_put_base64 ((const unsigned char *) part.data, part.size, word + size);
        memcpy (word + size + digits, "?=", 2);
        s_put_word (self, (text_t){ word, size + digits + 2 });
        value = (text_t){ value.data + part.size, value.size - part.size };
    }
}

//  Plain, unless it has what is not ASCII, looks encoded, or has a word that fills a line.
static bool
s_is_plain (text_t value)
{
    size_t word = 0;
    for (size_t at = 0; at < value.size; at++) {
        word = value.data[at] == ' ' ? 0 : word + 1;
        if ((unsigned char) value.data[at] >= 0x80 || word > LINE_MOST - 2)
            return false;
        if (value.data[at] == '=' && at + 1 < value.size && value.data[at + 1] == '?')
            return false;
    }
    return true;
}

static void
s_put_words (header_t *self, text_t value)
{
    while (value.size > 0) {
        const char *blank = memchr (value.data, ' ', value.size);
        size_t size = blank ? (size_t) (blank - value.data) : value.size;
        s_put_word (self, (text_t){ value.data, size });
        size += blank != NULL;
        value = (text_t){ value.data + size, value.size - size };
    }
}

static header_t
s_begin (buffer_t *to, const char *name)
{
    header_t self = { .to = to };
    s_put (&self, text_of (name));
    s_put (&self, TEXT (":"));
    return self;
}

int
mail_header_put (buffer_t *to, const char *name, text_t value)
{
    char room[MAIL_VALUE_MOST];
    text_t clean = s_clean (value, room);
    header_t self = s_begin (to, name);
    if (s_is_plain (clean))
        s_put_words (&self, clean);
    else
        s_put_encoded (&self, clean);
    return self.rc;
}

//  In quotes, which nothing in a name needs that has only letters and blanks; also then.
static void
s_put_quoted (header_t *self, text_t name)
{
    char room[2 * MAIL_VALUE_MOST + 2];
    size_t size = 0;
    room[size++] = '"';
    for (size_t at = 0; at < name.size; at++) {
        if (name.data[at] == '"' || name.data[at] == '\\')
            room[size++] = '\\';
        room[size++] = name.data[at];
    }
    room[size++] = '"';
    s_put_words (self, (text_t){ room, size });
}

int
mail_header_put_person (buffer_t *to, const char *name, text_t person, text_t address)
{
    char room[MAIL_VALUE_MOST], angled[MAIL_ADDRESS_MOST + 3];
    text_t clean = s_clean (person, room);
    header_t self = s_begin (to, name);
    if (s_is_plain (clean) && clean.size > 0)
        s_put_quoted (&self, clean);
    else
        s_put_encoded (&self, clean);
    int size = snprintf (angled, sizeof angled, "<%.*s>", TEXT_ARGS (address));
    s_put_word (&self, (text_t){ angled, (size_t) size });
    return self.rc;
}
