//  json_body — small JSON objects that the router has written itself and reads again: what a timer
//  remembers, an offer. A member that is not there, or is something else, is nothing: the empty
//  text, 0, false, NULL. What comes from outside is read with json_read, and json_given.

#ifndef JSON_BODY_H
#define JSON_BODY_H

#include "base/text.h"

#include <stdint.h>

struct json_object;

//  At most 64 values, 4 levels deep. NULL: it is no such object. json_body_free follows.
struct json_object *json_body_read (text_t body);
//  Sets NULL; safe to call twice.
void json_body_free (struct json_object **object_p);

//  Of an object, which may be NULL; what is returned is borrowed from it.
text_t json_body_text (struct json_object *object, const char *name);
uint64_t json_body_number (struct json_object *object, const char *name);
bool json_body_flag (struct json_object *object, const char *name);
struct json_object *json_body_member (struct json_object *object, const char *name);

#endif
