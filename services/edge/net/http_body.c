#include "net/http_body.h"

#include <assert.h>

#define SIZE_DIGITS_MAX 16

http_fault_t
http_body_begin (http_body_reader_t *self, const http_head_t *head, uint64_t most)
{
    *self = (http_body_reader_t){ .most = most };
    if (head->body == HTTP_BODY_CHUNKED) {
        self->state = HTTP_BODY_IN_SIZE;
        return HTTP_NO_FAULT;
    }
    self->left = head->body == HTTP_BODY_SIZED ? head->body_size : 0;
    self->state = self->left > 0 ? HTTP_BODY_IN_SIZED : HTTP_BODY_IS_WHOLE;
    return self->left > most ? HTTP_LARGE_BODY : HTTP_NO_FAULT;
}

bool
http_body_is_whole (const http_body_reader_t *self)
{
    return self->state == HTTP_BODY_IS_WHOLE;
}

static int
s_digit (char byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

//  A byte of an extension or a trailer: visible, a blank, a tab, or beyond ASCII.
static bool
s_is_field_byte (char byte)
{
    return (unsigned char) byte >= 0x20 ? byte != 0x7f : byte == '\t';
}

static http_fault_t
s_read_size (http_body_reader_t *self, char byte)
{
    int digit = s_digit (byte);
    if (digit < 0) {
        if (self->digits == 0 || (byte != '\r' && byte != ';'))
            return HTTP_CHUNK;
        self->state = byte == '\r' ? HTTP_BODY_IN_SIZE_LF : HTTP_BODY_IN_EXTENSION;
        return HTTP_NO_FAULT;
    }
    if (++self->digits > SIZE_DIGITS_MAX)
        return HTTP_CHUNK;
    self->left = self->left << 4 | (unsigned) digit;
    //  The size so far is within the limit, so that the sum cannot overflow.
    return self->left > self->most - self->size ? HTTP_LARGE_BODY : HTTP_NO_FAULT;
}

static http_fault_t
s_read_extension (http_body_reader_t *self, char byte)
{
    if (byte == '\r')
        self->state = HTTP_BODY_IN_SIZE_LF;
    else if (!s_is_field_byte (byte) || ++self->extensions > HTTP_EXTENSIONS_MAX)
        return HTTP_CHUNK;
    return HTTP_NO_FAULT;
}

static http_fault_t
s_read_trailer (http_body_reader_t *self, char byte)
{
    bool is_begin = self->state == HTTP_BODY_IN_TRAILER;
    if (byte == '\r')
        self->state = is_begin ? HTTP_BODY_IN_LAST_LF : HTTP_BODY_IN_TRAILER_LF;
    else if (!s_is_field_byte (byte) || (is_begin && (byte == ' ' || byte == '\t'))
             || ++self->trailers > HTTP_TRAILERS_MAX)
        return HTTP_CHUNK; //  a folded line is none
    else
        self->state = HTTP_BODY_IN_TRAILER_LINE;
    return HTTP_NO_FAULT;
}

//  The one byte that may stand here, and what follows it.
static http_fault_t
s_expect (http_body_reader_t *self, char byte, char expected, http_body_state_t next)
{
    if (byte != expected)
        return HTTP_CHUNK;
    self->state = next;
    if (next == HTTP_BODY_IN_SIZE) {
        self->left = 0;
        self->digits = 0;
    }
    return HTTP_NO_FAULT;
}

static http_fault_t
s_read_byte (http_body_reader_t *self, char byte)
{
    switch (self->state) {
    case HTTP_BODY_IN_SIZE:
        return s_read_size (self, byte);
    case HTTP_BODY_IN_EXTENSION:
        return s_read_extension (self, byte);
    case HTTP_BODY_IN_SIZE_LF:
        return s_expect (self, byte, '\n',
                         self->left > 0 ? HTTP_BODY_IN_DATA : HTTP_BODY_IN_TRAILER);
    case HTTP_BODY_IN_DATA_CR:
        return s_expect (self, byte, '\r', HTTP_BODY_IN_DATA_LF);
    case HTTP_BODY_IN_DATA_LF:
        return s_expect (self, byte, '\n', HTTP_BODY_IN_SIZE);
    case HTTP_BODY_IN_TRAILER:
    case HTTP_BODY_IN_TRAILER_LINE:
        return s_read_trailer (self, byte);
    case HTTP_BODY_IN_TRAILER_LF:
        return s_expect (self, byte, '\n', HTTP_BODY_IN_TRAILER);
    case HTTP_BODY_IN_LAST_LF:
        return s_expect (self, byte, '\n', HTTP_BODY_IS_WHOLE);
    default:
        assert (!"data is not read byte by byte");
        return HTTP_CHUNK;
    }
}

//  A run of the body's own bytes.
static size_t
s_read_data (http_body_reader_t *self, text_t bytes, buffer_t *to)
{
    size_t size = bytes.size < self->left ? bytes.size : (size_t) self->left;
    int rc = buffer_put (to, bytes.data, size);
    assert (rc == 0); //  its ceiling is the limit, which was looked at
    self->left -= size;
    self->size += size;
    if (self->left == 0)
        self->state =
            self->state == HTTP_BODY_IN_SIZED ? HTTP_BODY_IS_WHOLE : HTTP_BODY_IN_DATA_CR;
    return size;
}

http_fault_t
http_body_read (http_body_reader_t *self, text_t bytes, buffer_t *to, size_t *taken)
{
    size_t at = 0;
    http_fault_t fault = HTTP_NO_FAULT;
    while (at < bytes.size && !fault && self->state != HTTP_BODY_IS_WHOLE) {
        if (self->state == HTTP_BODY_IN_SIZED || self->state == HTTP_BODY_IN_DATA)
            at += s_read_data (self, (text_t){ bytes.data + at, bytes.size - at }, to);
        else
            fault = s_read_byte (self, bytes.data[at++]);
    }
    *taken = at;
    return fault;
}
