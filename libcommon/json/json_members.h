//  json_members — the members of a JSON object, or the elements of an array, one by one, as they
//  stand in its text: nothing is decoded, so nothing is changed, and nothing is allocated.
//
//  It is no validator: it goes as far as the text can be followed (strings, brackets, commas), and
//  ends at the first byte that cannot be. Of a valid object it finds every member. Nesting has no
//  limit, as nothing is kept of it but its depth.

#ifndef JSON_MEMBERS_H
#define JSON_MEMBERS_H

#include "base/text.h"

#include <stdbool.h>

typedef struct {
    text_t json;
    size_t at;
} json_members_t;

//  Members of the object, or elements of the array, that the text begins with (behind blanks).
static inline json_members_t
json_members_of (text_t json)
{
    return (json_members_t){ .json = json };
}

//  The next member: its name without the quotes and with its escapes, and the whole of its value.
//  False when there is none, or the text cannot be followed any more.
bool json_members_next (json_members_t *self, text_t *name, text_t *value);
//  The next element of an array: the whole of its value. False as there.
bool json_elements_next (json_members_t *self, text_t *value);

#endif
