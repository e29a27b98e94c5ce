//  json_read — JSON from outside becomes a tree of json-c, and comes out of it as it went in.
//
//  The reader of what clients and bots say. Before json-c sees the bytes they are looked at once,
//  for what json-c lets pass or changes silently. Refused are: what is not UTF-8 or not JSON
//  (RFC 8259), bytes
//  behind the value, a NUL in a member's name (the name would be cut there), and more levels or
//  values than the limits allow. Kept are numbers: each is printed with the characters that it was
//  read with, however large, small or odd it is. What JSON leaves open is decided: of members with
//  one name the last one counts, and half of a surrogate pair becomes U+FFFD.

#ifndef JSON_READ_H
#define JSON_READ_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

typedef enum {
    JSON_READ_OK,
    JSON_READ_NOT_UTF8,
    JSON_READ_NOT_JSON, //  or a control character in it, or something behind it
    JSON_READ_TOO_DEEP,
    JSON_READ_TOO_MANY, //  values
    JSON_READ_NUL_IN_NAME,
    JSON_READ_NUMBER, //  of more than JSON_NUMBER_MOST characters
} json_read_fault_t;

//  A tree takes 0.3 us and 750 bytes for each value, ten times what the same bytes take as text.
#define JSON_NUMBER_MOST 1000

#define JSON_DEPTH_MOST 64
typedef struct {
    unsigned depth_most; //  of objects and arrays in each other, JSON_DEPTH_MOST at most
    size_t values_most;
} json_limits_t;

typedef struct {
    json_read_fault_t fault;
    size_t at;     //  where it is, or as far as it was read
    size_t values; //  how many there are, roughly: commas and opening brackets
} json_reading_t;

//  The tree, to be given back with json_object_put; NULL with a fault, and for a `null` without.
struct json_object *json_read (text_t bytes, const json_limits_t *limits, json_reading_t *reading);

//  Can it be read, and is it an object?
bool json_is_object (text_t bytes, const json_limits_t *limits);

//  What is wrong, for a person: "the text ends too early".
const char *json_read_words (const json_reading_t *reading, text_t bytes);

//  The string that an object has under this name: borrowed from the tree. Returns 1; 0: it has
//  none, or is no object; −1: it has something else. Without a string the text is empty.
int json_member_text (struct json_object *object, const char *name, text_t *text);

//  A time as RFC 3339 has it, with a zone, as milliseconds since 1970. 0: it is none, or is before
//  1970.
uint64_t json_time_read (text_t text);

//  The tree as compact JSON: borrowed from it, until it changes.
text_t json_print (struct json_object *tree);

#endif
