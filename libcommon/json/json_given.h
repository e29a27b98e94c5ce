//  json_given — members of JSON that comes from outside, read with json_read: any of them may be
//  missing, or of another type. What is not as it is asked for is nothing: NULL, the empty text. So
//  is whatever stands in a tree that is NULL, or no object.
//
//  What is returned is borrowed from the tree. A text may have any characters.

#ifndef JSON_GIVEN_H
#define JSON_GIVEN_H

#include "base/text.h"

struct json_object;

struct json_object *json_given_object (struct json_object *tree, const char *name);
struct json_object *json_given_array (struct json_object *tree, const char *name);
text_t json_given_text (struct json_object *tree, const char *name);

#endif
