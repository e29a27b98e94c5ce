#include "json/json_read.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/random_id.h"
#include "base/utf8.h"

#include <assert.h>
#include <glib.h>
#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

//  A whole number of so many digits fits into what json-c keeps.
#define SAFE_DIGITS 18
#define TOKENER_KEPT (64u << 10)

//  json-c keeps the characters of a number with a fraction or an exponent, and changes a whole one
//  that is larger than its integers, or −0. Such a number is given to it as a string that begins
//  with a mark nobody can guess, another one each time. In the tree that string becomes a number
//  again, as it was written.
typedef struct {
    text_t json;
    const json_limits_t *limits;
    json_reading_t *reading;
    size_t at;
    unsigned depth;
    bool is_behind_comma; //  and blanks
    random_id_t mark; //  "" until there is an odd number
    buffer_t marked; //  the JSON with its odd numbers marked, up to `copied`; empty: there are none
    size_t copied;
} scan_t;

#define MARK_SIZE (sizeof ((random_id_t){ 0 }).text - 1)

static bool
s_is_blank (char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static json_read_fault_t
s_fault (scan_t *self, json_read_fault_t fault)
{
    self->reading->fault = fault;
    self->reading->at = self->at;
    return fault;
}

static char
s_peek (const scan_t *self)
{
    return self->at < self->json.size ? self->json.data[self->at] : '\0';
}

static bool
s_is_name (const scan_t *self)
{
    size_t at = self->at;
    while (at < self->json.size && s_is_blank (self->json.data[at]))
        at++;
    return at < self->json.size && self->json.data[at] == ':';
}

//  Moves behind the string that begins here. Its escapes are json-c's business, but for a NUL.
static json_read_fault_t
s_scan_string (scan_t *self)
{
    bool has_nul = false;
    for (self->at++;; self->at++) {
        self->at += json_plain_run (self->json, self->at);
        if (s_peek (self) == '"')
            break;
        if (self->at >= self->json.size || (unsigned char) s_peek (self) < 0x20)
            return s_fault (self, JSON_READ_NOT_JSON);
        if (s_peek (self) != '\\')
            continue;
        self->at++;
        has_nul = has_nul
                  || (self->json.size - self->at >= 5
                      && memcmp (self->json.data + self->at, "u0000", 5) == 0);
    }
    self->at++;
    return has_nul && s_is_name (self) ? s_fault (self, JSON_READ_NUL_IN_NAME) : JSON_READ_OK;
}

static size_t
s_digits (scan_t *self)
{
    size_t from = self->at;
    while (s_peek (self) >= '0' && s_peek (self) <= '9')
        self->at++;
    return self->at - from;
}

static int
s_put_marked (scan_t *self, size_t from)
{
    if (!*self->mark.text)
        self->mark = random_id_new ();
    text_t before = { self->json.data + self->copied, from - self->copied };
    text_t number = { self->json.data + from, self->at - from };
    self->copied = self->at;
    return buffer_put_text (&self->marked, before) != 0
                   || buffer_put_string (&self->marked, "\"") != 0
                   || buffer_put_string (&self->marked, self->mark.text) != 0
                   || buffer_put_text (&self->marked, number) != 0
                   || buffer_put_string (&self->marked, "\"") != 0
               ? -1
               : 0;
}

//  Moves behind the number that begins here, by the grammar of RFC 8259.
static json_read_fault_t
s_scan_number (scan_t *self)
{
    size_t from = self->at;
    bool is_negative = s_peek (self) == '-', is_whole = true;
    self->at += is_negative;
    bool begins_with_zero = s_peek (self) == '0';
    size_t digits = s_digits (self);
    if (digits == 0 || (begins_with_zero && digits > 1))
        return s_fault (self, JSON_READ_NOT_JSON);
    if (s_peek (self) == '.') {
        is_whole = false;
        self->at++;
        if (s_digits (self) == 0)
            return s_fault (self, JSON_READ_NOT_JSON);
    }
    if (s_peek (self) == 'e' || s_peek (self) == 'E') {
        is_whole = false;
        self->at++;
        self->at += s_peek (self) == '+' || s_peek (self) == '-';
        if (s_digits (self) == 0)
            return s_fault (self, JSON_READ_NOT_JSON);
    }
    if (self->at - from > JSON_NUMBER_MOST)
        return s_fault (self, JSON_READ_NUMBER);
    bool is_odd = is_whole && (digits > SAFE_DIGITS || (is_negative && begins_with_zero));
    if (is_odd && s_is_name (self)) //  as a string it would be one
        return s_fault (self, JSON_READ_NOT_JSON);
    if (is_odd && s_put_marked (self, from) != 0)
        return s_fault (self, JSON_READ_TOO_MANY);
    return JSON_READ_OK;
}

static json_read_fault_t
s_scan_word (scan_t *self)
{
    static const text_t words[] = { { "true", 4 }, { "false", 5 }, { "null", 4 } };
    for (size_t row = 0; row < sizeof words / sizeof *words; row++)
        if (self->json.size - self->at >= words[row].size
            && memcmp (self->json.data + self->at, words[row].data, words[row].size) == 0) {
            self->at += words[row].size;
            return JSON_READ_OK;
        }
    return s_fault (self, JSON_READ_NOT_JSON);
}

static json_read_fault_t
s_scan_bracket (scan_t *self, char byte)
{
    bool opens = byte == '{' || byte == '[';
    if (!opens && self->is_behind_comma)
        return s_fault (self, JSON_READ_NOT_JSON);
    if (opens && ++self->depth > self->limits->depth_most)
        return s_fault (self, JSON_READ_TOO_DEEP);
    if (!opens && self->depth-- == 0)
        return s_fault (self, JSON_READ_NOT_JSON);
    self->reading->values += opens;
    self->at++;
    return JSON_READ_OK;
}

//  One token. How tokens stand together is for json-c to say, but for a comma behind which nothing
//  comes.
static json_read_fault_t
s_scan_token (scan_t *self, char byte)
{
    switch (byte) {
    case '"':
        return s_scan_string (self);
    case '{':
    case '[':
    case '}':
    case ']':
        return s_scan_bracket (self, byte);
    case ',':
        self->reading->values++;
        self->at++;
        return JSON_READ_OK;
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ':':
        self->at++;
        return JSON_READ_OK;
    default:
        return byte == '-' || (byte >= '0' && byte <= '9') ? s_scan_number (self)
                                                            : s_scan_word (self);
    }
}

static json_read_fault_t
s_scan_one (scan_t *self)
{
    char byte = s_peek (self);
    json_read_fault_t fault = s_scan_token (self, byte);
    if (!s_is_blank (byte))
        self->is_behind_comma = byte == ',';
    return fault;
}

//  The whole text; on a fault the rest is not looked at.
static json_read_fault_t
s_scan (scan_t *self)
{
    while (self->at < self->json.size) {
        json_read_fault_t fault = s_scan_one (self);
        if (fault != JSON_READ_OK)
            return fault;
        if (self->reading->values > self->limits->values_most)
            return s_fault (self, JSON_READ_TOO_MANY);
    }
    return JSON_READ_OK;
}

// ---------------------------------------------------------------------------------------------
//  The tree

//  The number that a string was marked for; NULL when it was not.
static json_object *
s_number_of (const scan_t *self, json_object *value)
{
    if (!json_object_is_type (value, json_type_string)
        || (size_t) json_object_get_string_len (value) <= MARK_SIZE
        || memcmp (json_object_get_string (value), self->mark.text, MARK_SIZE) != 0)
        return NULL;
    const char *number = json_object_get_string (value) + MARK_SIZE;
    return json_object_new_double_s (strtod (number, NULL), number);
}

//  A marked string becomes the number again, in the place where it stands.
static int
s_unmark (json_object *value, int flags, json_object *parent, const char *name, size_t *index,
          void *scan)
{
    (void) flags;
    json_object *real = parent ? s_number_of (scan, value) : NULL;
    if (!real)
        return JSON_C_VISIT_RETURN_CONTINUE;
    if (name)
        json_object_object_add (parent, name, real);
    else
        json_object_array_put_idx (parent, *index, real);
    return JSON_C_VISIT_RETURN_SKIP; //  the string is gone
}

//  json-c's own strictness is not used: the scan leaves nothing to it, and json-c 0.18 (Debian 13)
//  takes every character beyond ASCII for a control character then (json-c's issue 875).
//
//  One tokener is kept from a text to the next: making it costs as much as reading a small text. A
//  thread takes it out, and makes itself one when another thread has it.
static _Atomic (json_tokener *) s_kept;

static json_tokener *
s_take_tokener (void)
{
    json_tokener *tokener = atomic_exchange (&s_kept, NULL);
    if (tokener)
        return tokener;
    //  A value in the innermost object needs a level of its own.
    if (!(tokener = json_tokener_new_ex (JSON_DEPTH_MOST + 1)))
        alloc_failed ();
    return tokener;
}

//  It has room for the longest string that it has read: after a large text it is not kept.
static void
s_give_tokener_back (json_tokener *tokener, size_t size)
{
    json_tokener_reset (tokener);
    if (size <= TOKENER_KEPT)
        tokener = atomic_exchange (&s_kept, tokener);
    if (tokener)
        json_tokener_free (tokener);
}

static json_object *
s_parse (scan_t *self, text_t json)
{
    json_tokener *tokener = s_take_tokener ();
    json_object *tree = json_tokener_parse_ex (tokener, json.data, (int) json.size);
    enum json_tokener_error error = json_tokener_get_error (tokener);
    size_t end = json_tokener_get_parse_end (tokener);
    if (error == json_tokener_continue) { //  a bare number or word ends only with the text
        tree = json_tokener_parse_ex (tokener, "", 1);
        error = json_tokener_get_error (tokener);
        end = json.size;
    }
    s_give_tokener_back (tokener, json.size);
    while (end < json.size && s_is_blank (json.data[end]))
        end++;
    if (error == json_tokener_success && end >= json.size)
        return tree;
    json_object_put (tree);
    self->at = end;
    s_fault (self, JSON_READ_NOT_JSON);
    return NULL;
}

//  The tree of a text with odd numbers in it.
static json_object *
s_parse_marked (scan_t *self)
{
    text_t rest = { self->json.data + self->copied, self->json.size - self->copied };
    if (buffer_put_text (&self->marked, rest) != 0) {
        s_fault (self, JSON_READ_TOO_MANY);
        return NULL;
    }
    json_object *tree = s_parse (self, buffer_text (&self->marked));
    json_object *alone = s_number_of (self, tree);
    if (alone)
        json_object_put (tree);
    else if (tree)
        json_c_visit (tree, 0, s_unmark, self);
    return alone ? alone : tree;
}

json_object *
json_read (text_t bytes, const json_limits_t *limits, json_reading_t *reading)
{
    assert (limits->depth_most <= JSON_DEPTH_MOST);
    *reading = (json_reading_t){ .fault = JSON_READ_OK };
    scan_t self = { .json = bytes, .limits = limits, .reading = reading };
    //  A mark and two quotes for each number, of which none is shorter than SAFE_DIGITS or "-0".
    buffer_init (&self.marked, 20 * bytes.size + 64);
    json_object *tree = NULL;
    size_t valid = utf8_valid_size (bytes);
    if (valid < bytes.size)
        *reading = (json_reading_t){ .fault = JSON_READ_NOT_UTF8, .at = valid };
    else if (bytes.size > INT32_MAX / 32)
        s_fault (&self, JSON_READ_TOO_MANY);
    else if (s_scan (&self) == JSON_READ_OK)
        tree = self.copied ? s_parse_marked (&self) : s_parse (&self, bytes);
    buffer_free (&self.marked);
    return tree;
}

const char *
json_read_words (const json_reading_t *reading, text_t bytes)
{
    static const char *const words[] = {
        [JSON_READ_OK] = "",
        [JSON_READ_NOT_UTF8] = "this is not UTF-8",
        [JSON_READ_NOT_JSON] = "this is not JSON",
        [JSON_READ_TOO_DEEP] = "too many objects and arrays in each other",
        [JSON_READ_TOO_MANY] = "too many values",
        [JSON_READ_NUL_IN_NAME] = "a NUL in a member's name",
        [JSON_READ_NUMBER] = "too long a number",
    };
    if (reading->fault == JSON_READ_NOT_JSON && reading->at >= bytes.size)
        return "the text ends too early";
    return words[reading->fault];
}

bool
json_is_object (text_t bytes, const json_limits_t *limits)
{
    json_reading_t reading;
    json_object *tree = json_read (bytes, limits, &reading);
    bool is_object = json_object_is_type (tree, json_type_object);
    json_object_put (tree);
    return is_object;
}

int
json_member_text (json_object *object, const char *name, text_t *text)
{
    json_object *value = NULL;
    *text = TEXT_EMPTY;
    if (!json_object_is_type (object, json_type_object)
        || !json_object_object_get_ex (object, name, &value))
        return 0;
    if (!json_object_is_type (value, json_type_string))
        return -1;
    *text =
        (text_t){ json_object_get_string (value), (size_t) json_object_get_string_len (value) };
    return 1;
}

uint64_t
json_time_read (text_t text)
{
    char room[64];
    if (text.size == 0 || text.size >= sizeof room)
        return 0;
    memcpy (room, text.data, text.size);
    room[text.size] = 0;
    if (room[text.size - 1] == 'z') //  RFC 3339 allows it, GLib does not
        room[text.size - 1] = 'Z';
    GDateTime *time = g_date_time_new_from_iso8601 (room, NULL);
    if (!time)
        return 0;
    int64_t second = g_date_time_to_unix (time);
    int ms = g_date_time_get_microsecond (time) / 1000;
    g_date_time_unref (time);
    return second > 0 ? (uint64_t) second * 1000 + (uint64_t) ms : 0;
}

text_t
json_print (json_object *tree)
{
    size_t size;
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    const char *printed = json_object_to_json_string_length (tree, flags, &size);
    return printed ? (text_t){ printed, size } : TEXT_EMPTY;
}
