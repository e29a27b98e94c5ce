#include "net/http_head.h"

#include <strings.h>

#define LENGTH_DIGITS_MAX 18

// ---------------------------------------------------------------------------------------------
//  Characters

static bool
s_is_digit (char byte)
{
    return byte >= '0' && byte <= '9';
}

//  Letters, digits and these others.
static bool
s_is_made_of (text_t text, const char *others)
{
    for (size_t at = 0; at < text.size; at++) {
        char byte = text.data[at];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!is_letter && !s_is_digit (byte) && (byte == 0 || !strchr (others, byte)))
            return false;
    }
    return text.size > 0;
}

#define TOKEN "!#$%&'*+-.^_`|~"

static bool
s_is_value (text_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char) text.data[at];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

static bool
s_is_literal (text_t text)
{
    for (size_t at = 0; at < text.size; at++)
        if (text.data[at] == 0 || !strchr ("0123456789abcdefABCDEF:.", text.data[at]))
            return false;
    return text.size > 1;
}

//  host [":" port], the host a name, an IPv4 address or an IPv6 one in brackets.
static bool
s_is_authority (text_t text, bool needs_port)
{
    const char *end = text.data + text.size, *behind;
    if (text.size > 0 && *text.data == '[') {
        behind = memchr (text.data, ']', text.size);
        if (!behind || !s_is_literal ((text_t){ text.data + 1, (size_t) (behind - text.data - 1) }))
            return false;
        behind++;
    } else {
        behind = memchr (text.data, ':', text.size);
        if (!behind)
            behind = end;
        if (!s_is_made_of ((text_t){ text.data, (size_t) (behind - text.data) },
                           "-._~%!$&'()*+,;="))
            return false;
    }
    if (behind == end)
        return !needs_port;
    if (*behind++ != ':' || end - behind > 5)
        return false;
    for (const char *at = behind; at < end; at++)
        if (!s_is_digit (*at))
            return false;
    return !needs_port || behind < end;
}

// ---------------------------------------------------------------------------------------------
//  Lists and fields

static text_t
s_trim (text_t text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0
           && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

bool
http_list_next (text_t *rest, text_t *element)
{
    while (rest->size > 0) {
        const char *comma = memchr (rest->data, ',', rest->size);
        size_t size = comma ? (size_t) (comma - rest->data) : rest->size;
        *element = s_trim ((text_t){ rest->data, size });
        rest->data += size + (comma ? 1 : 0);
        rest->size -= size + (comma ? 1 : 0);
        if (element->size > 0)
            return true;
    }
    return false;
}

bool
http_text_is (text_t text, const char *word)
{
    return text.size == strlen (word) && strncasecmp (text.data, word, text.size) == 0;
}

bool
http_head_is (const http_head_t *self, const char *method)
{
    return text_is (self->method, text_of (method));
}

bool
http_head_field (const http_head_t *self, const char *name, unsigned *at, text_t *value)
{
    while (*at < self->field_count) {
        const http_field_t *field = &self->fields[(*at)++];
        if (http_text_is (field->name, name)) {
            *value = field->value;
            return true;
        }
    }
    return false;
}

int
http_head_only (const http_head_t *self, const char *name, text_t *value)
{
    unsigned at = 0;
    text_t second;
    *value = TEXT_EMPTY;
    if (!http_head_field (self, name, &at, value))
        return 0;
    return http_head_field (self, name, &at, &second) ? -1 : 0;
}

bool
http_head_has_token (const http_head_t *self, const char *name, const char *token)
{
    text_t list, element;
    for (unsigned at = 0; http_head_field (self, name, &at, &list);)
        while (http_list_next (&list, &element))
            if (http_text_is (element, token))
                return true;
    return false;
}

// ---------------------------------------------------------------------------------------------
//  The request line

static void
s_cut_query (http_head_t *self, text_t target)
{
    const char *mark = memchr (target.data, '?', target.size);
    self->path = target;
    if (!mark)
        return;
    self->path.size = (size_t) (mark - target.data);
    self->query = (text_t){ mark + 1, target.size - self->path.size - 1 };
}

//  http://host/path?query, as it is said to a proxy: every server must take it (3.2.2).
static http_fault_t
s_read_absolute (http_head_t *self, text_t target)
{
    size_t scheme = target.size >= 7 && strncasecmp (target.data, "http://", 7) == 0    ? 7
                    : target.size >= 8 && strncasecmp (target.data, "https://", 8) == 0 ? 8
                                                                                         : 0;
    if (!scheme)
        return HTTP_MALFORMED;
    size_t end = scheme;
    while (end < target.size && target.data[end] != '/' && target.data[end] != '?')
        end++;
    if (!s_is_authority ((text_t){ target.data + scheme, end - scheme }, false))
        return HTTP_MALFORMED;
    s_cut_query (self, (text_t){ target.data + end, target.size - end });
    if (self->path.size == 0)
        self->path = http_head_is (self, "OPTIONS") && self->query.size == 0 ? TEXT ("*")
                                                                              : TEXT ("/");
    return HTTP_NO_FAULT;
}

static http_fault_t
s_read_target (http_head_t *self, text_t target)
{
    //  Browsers send some of what RFC 3986 would have encoded ("|", "{"), and it harms nobody.
    for (size_t at = 0; at < target.size; at++) {
        unsigned char byte = (unsigned char) target.data[at];
        if (byte <= 0x20 || byte >= 0x7f || strchr ("\"#<>", byte))
            return HTTP_MALFORMED;
    }
    if (target.size == 0)
        return HTTP_MALFORMED;
    if (http_head_is (self, "CONNECT"))
        return s_is_authority (target, true) ? HTTP_NO_FAULT : HTTP_MALFORMED;
    if (*target.data == '/') {
        s_cut_query (self, target);
        return HTTP_NO_FAULT;
    }
    if (text_is (target, TEXT ("*"))) {
        self->path = target;
        //  What an HTTP/2 client begins with is "PRI * HTTP/2.0", and its version is what is wrong.
        return http_head_is (self, "OPTIONS") ? HTTP_NO_FAULT : HTTP_MALFORMED;
    }
    return s_read_absolute (self, target);
}

static http_fault_t
s_read_request_line (http_head_t *self, text_t line)
{
    const char *end = line.data + line.size;
    const char *first = memchr (line.data, ' ', line.size);
    const char *second = first ? memchr (first + 1, ' ', (size_t) (end - first - 1)) : NULL;
    if (!second)
        return HTTP_MALFORMED;
    self->method = (text_t){ line.data, (size_t) (first - line.data) };
    if (!s_is_made_of (self->method, TOKEN))
        return HTTP_MALFORMED;
    const char *version = second + 1;
    if (end - version != sizeof "HTTP/1.1" - 1 || memcmp (version, "HTTP/", 5) != 0
        || !s_is_digit (version[5]) || version[6] != '.' || !s_is_digit (version[7]))
        return HTTP_MALFORMED;
    self->minor = version[7] != '0';
    if (version[5] != '1')
        return HTTP_VERSION;
    return s_read_target (self, (text_t){ first + 1, (size_t) (second - first - 1) });
}

// ---------------------------------------------------------------------------------------------
//  The fields

static http_fault_t
s_read_field (http_head_t *self, text_t line)
{
    const char *colon = memchr (line.data, ':', line.size);
    if (!colon)
        return HTTP_MALFORMED;
    if (self->field_count == HTTP_FIELDS_MAX)
        return HTTP_LARGE_HEAD;
    http_field_t *field = &self->fields[self->field_count++];
    field->name = (text_t){ line.data, (size_t) (colon - line.data) };
    field->value = s_trim ((text_t){ colon + 1, line.size - field->name.size - 1 });
    //  A name that begins with a blank would be the rest of the field before it.
    return s_is_made_of (field->name, TOKEN) && s_is_value (field->value) ? HTTP_NO_FAULT
                                                                          : HTTP_MALFORMED;
}

//  More than one field, or a list, is not worth the risk of being read otherwise (6.3).
static http_fault_t
s_read_length (http_head_t *self, text_t value)
{
    if (value.size == 0 || value.size > LENGTH_DIGITS_MAX)
        return HTTP_LENGTH;
    self->body_size = 0;
    for (size_t at = 0; at < value.size; at++) {
        if (!s_is_digit (value.data[at]))
            return HTTP_LENGTH;
        self->body_size = self->body_size * 10 + (uint64_t) (value.data[at] - '0');
    }
    self->body = self->body_size > 0 ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
    return HTTP_NO_FAULT;
}

static http_fault_t
s_read_coding (http_head_t *self, text_t codings)
{
    if (self->minor == 0)
        return HTTP_LENGTH;
    self->body = HTTP_BODY_CHUNKED;
    if (http_text_is (codings, "chunked"))
        return HTTP_NO_FAULT;
    text_t coding;
    unsigned chunked = 0;
    bool is_last = false;
    while (http_list_next (&codings, &coding)) {
        is_last = http_text_is (coding, "chunked");
        chunked += is_last;
    }
    return is_last && chunked == 1 ? HTTP_CODING : HTTP_LENGTH;
}

static http_fault_t
s_read_framing (http_head_t *self)
{
    text_t length = TEXT_EMPTY, codings = TEXT_EMPTY, second;
    unsigned at = 0, coding_at = 0;
    bool is_sized = http_head_field (self, "Content-Length", &at, &length);
    bool is_coded = http_head_field (self, "Transfer-Encoding", &coding_at, &codings);
    if ((is_sized && is_coded) || http_head_field (self, "Content-Length", &at, &second)
        || http_head_field (self, "Transfer-Encoding", &coding_at, &second))
        return HTTP_LENGTH;
    return is_sized   ? s_read_length (self, length)
           : is_coded ? s_read_coding (self, codings)
                      : HTTP_NO_FAULT;
}

static http_fault_t
s_check (http_head_t *self)
{
    text_t host, expected;
    unsigned at = 0;
    bool has_host = http_head_field (self, "Host", &at, &host);
    if (!has_host && self->minor > 0)
        return HTTP_HOST;
    if (has_host && (!s_is_authority (host, false) || http_head_field (self, "Host", &at, &host)))
        return HTTP_HOST;
    http_fault_t fault = s_read_framing (self);
    if (fault)
        return fault;
    if (http_head_only (self, "Expect", &expected) != 0
        || (expected.size > 0 && !http_text_is (expected, "100-continue")))
        return HTTP_EXPECTATION;
    //  Behind a CONNECT stands what is meant for somebody else.
    self->keep_alive = self->minor > 0 && !http_head_is (self, "CONNECT")
                       && !http_head_has_token (self, "Connection", "close");
    return HTTP_NO_FAULT;
}

// ---------------------------------------------------------------------------------------------
//  Lines

//  A line that is not whole: what can be in none is refused before its end comes, if ever.
static http_fault_t
s_check_rest (text_t rest, bool is_first)
{
    if (rest.size > 0 && rest.data[rest.size - 1] == '\r')
        rest.size--;
    if (!s_is_value (rest))
        return HTTP_MALFORMED;
    return is_first && rest.size > 0 && !s_is_made_of ((text_t){ rest.data, 1 }, TOKEN)
               ? HTTP_MALFORMED
               : HTTP_NO_FAULT;
}

http_fault_t
http_head_read (http_head_t *self, text_t bytes, size_t *size)
{
    self->method = self->path = self->query = TEXT_EMPTY;
    self->field_count = 0;
    self->body = HTTP_BODY_NONE;
    self->body_size = 0;
    self->keep_alive = false;
    *size = 0;
    size_t most = bytes.size < HTTP_HEAD_MAX ? bytes.size : HTTP_HEAD_MAX;
    //  Some clients send an empty line behind the request before this one (2.2).
    size_t start = most >= 2 && memcmp (bytes.data, "\r\n", 2) == 0 ? 2 : 0, at = start;
    for (const char *feed; (feed = memchr (bytes.data + at, '\n', most - at));) {
        text_t line = { bytes.data + at, (size_t) (feed - bytes.data) - at };
        if (line.size == 0 || line.data[--line.size] != '\r')
            return HTTP_MALFORMED;
        bool is_first = at == start;
        at = (size_t) (feed - bytes.data) + 1;
        if (!is_first && line.size == 0) {
            http_fault_t fault = s_check (self);
            *size = fault ? 0 : at;
            return fault;
        }
        http_fault_t fault
            = is_first ? s_read_request_line (self, line) : s_read_field (self, line);
        if (fault)
            return fault;
    }
    if (bytes.size >= HTTP_HEAD_MAX)
        return at == start ? HTTP_LONG_TARGET : HTTP_LARGE_HEAD;
    return s_check_rest ((text_t){ bytes.data + at, most - at }, at == start);
}
