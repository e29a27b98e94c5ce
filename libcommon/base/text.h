//  text — a borrowed run of bytes with a length.
//
//  A text_t never owns its bytes: whoever handed it out says how long they live. One that was read
//  from a bus record, and every literal, is followed by a NUL (not counted in size), so that its
//  data can be given to a C library as it is when the text holds no NUL of its own.

#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct {
    const char *data; //  never NULL; "" when empty
    size_t size;
} text_t;

#define TEXT_EMPTY ((text_t){ "", 0 })
//  From a string literal.
#define TEXT(literal) ((text_t){ "" literal, sizeof (literal) - 1 })
//  For printf's "%.*s".
#define TEXT_ARGS(text) (int) (text).size, (text).data

//  From a C string that outlives the result; NULL gives the empty text.
static inline text_t
text_of (const char *string)
{
    return string ? (text_t){ string, strlen (string) } : TEXT_EMPTY;
}

//  An empty one may be all zeros, whose data memcmp must not be given.
static inline bool
text_is (text_t left, text_t right)
{
    return left.size == right.size
           && (left.size == 0 || memcmp (left.data, right.data, left.size) == 0);
}

//  Less than, equal to or greater than zero, by bytes, a beginning before what goes on.
static inline int
text_compare (text_t left, text_t right)
{
    int order = memcmp (left.data, right.data, left.size < right.size ? left.size : right.size);
    return order ? order : (left.size > right.size) - (left.size < right.size);
}

#endif
