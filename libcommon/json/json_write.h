//  json_write — JSON, written member by member into a buffer.
//
//      json_writer_t json;
//      json_write_begin (&json, &buffer);
//      json_open_object (&json, NULL);
//      json_put_text (&json, "event", TEXT ("ack"));
//      json_open_object (&json, "data");
//      json_put_number (&json, "seq", 7);
//      json_close_object (&json);
//      json_close_object (&json);
//      if (json_write_end (&json) != 0) …        {"event":"ack","data":{"seq":7}}
//
//  The buffer is the caller's; what stood in it before stays. Once something passes the buffer's
//  ceiling nothing more is written, and json_write_end says so and takes back what was written. A
//  member's name is a literal of ours and needs no escape; inside an array the name is NULL. Texts
//  must be valid UTF-8.

#ifndef JSON_WRITE_H
#define JSON_WRITE_H

#include "base/buffer.h"

#include <stdbool.h>

//  Lives on the stack of whoever writes.
typedef struct {
    buffer_t *buffer;
    size_t began; //  where this JSON begins in the buffer
    bool full;
} json_writer_t;

static inline void
json_write_begin (json_writer_t *self, buffer_t *buffer)
{
    *self = (json_writer_t){ .buffer = buffer, .began = buffer->size };
}

//  0, or −1 when the buffer was full: it is as it was before json_write_begin.
__attribute__ ((warn_unused_result)) int json_write_end (json_writer_t *self);

void json_put_text (json_writer_t *self, const char *name, text_t value);
//  As much of the text as takes `most` bytes in JSON at most, cut between characters. True: there
//  was more.
bool json_put_cut (json_writer_t *self, const char *name, text_t value, size_t most);
void json_put_number (json_writer_t *self, const char *name, uint64_t value);
//  Milliseconds since 1970 as RFC 3339 has them: 2026-01-31T23:59:59.123Z.
#define JSON_TIME_MAX 48 //  bytes, the end included
void json_time (uint64_t time_ms, char text[JSON_TIME_MAX]);
void json_put_time (json_writer_t *self, const char *name, uint64_t time_ms);
//  Ready JSON, or how it begins; an empty text leaves the member out.
void json_put_json (json_writer_t *self, const char *name, text_t value);

//  As json_put_text, but an empty text leaves the member out.
static inline void
json_put_text_if (json_writer_t *self, const char *name, text_t value)
{
    if (value.size > 0)
        json_put_text (self, name, value);
}

static inline void
json_put_string (json_writer_t *self, const char *name, const char *value)
{
    json_put_text (self, name, text_of (value));
}

static inline void
json_put_bool (json_writer_t *self, const char *name, bool value)
{
    json_put_json (self, name, value ? TEXT ("true") : TEXT ("false"));
}

static inline void
json_open_object (json_writer_t *self, const char *name)
{
    json_put_json (self, name, TEXT ("{"));
}

static inline void
json_close_object (json_writer_t *self)
{
    self->full = self->full || buffer_put (self->buffer, "}", 1) != 0;
}

static inline void
json_open_array (json_writer_t *self, const char *name)
{
    json_put_json (self, name, TEXT ("["));
}

static inline void
json_close_array (json_writer_t *self)
{
    self->full = self->full || buffer_put (self->buffer, "]", 1) != 0;
}

#endif
