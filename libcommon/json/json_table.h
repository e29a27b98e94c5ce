//  json_table — the objects of a JSON configuration as tables: each member's name, type, limits,
//  who reads it and what it is for. The tables read a text into structs, with the line of a
//  mistake; they print a JSON Schema, and the page in the documents.
//
//  Rules that hold for every table:
//  - A member whose name begins with "//" is a comment. Of every other name there is one at most.
//  - An unknown member is a mistake. An unknown object in a table that is `open` is a section of a
//    newer program: there is a warning, and it is ignored.
//  - A secret "key" may be given as "keyFile" instead: the path of a file that holds it, beginning
//    at the configuration's own folder. A file is read only by the processes that need the secret.
//  - Values for other processes are checked and not kept. Texts that are kept are copies, each
//    followed by a NUL and without another one.

#ifndef JSON_TABLE_H
#define JSON_TABLE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    JSON_FIELD_TEXT,   //  text_t
    JSON_FIELD_SECRET, //  text_t, never printed
    JSON_FIELD_NUMBER, //  uint64_t, a whole number
    JSON_FIELD_BOOL,   //  bool
    JSON_FIELD_TEXTS,  //  json_texts_t, an array of strings
    JSON_FIELD_OBJECT, //  the struct of `table`
    JSON_FIELD_ROWS,   //  json_rows_t, an array of objects of `table`
} json_field_type_t;

typedef struct {
    text_t *items;
    size_t count;
} json_texts_t;

typedef struct {
    void *rows; //  structs of the table's size
    size_t count;
} json_rows_t;

struct json_object;

//  What a text must look like beside its length, for the reader, the schema and people.
typedef struct {
    bool (*is_valid) (text_t text); //  followed by a NUL, and without a control character
    const char *pattern; //  a regular expression for the schema: nothing that is valid is
                         //  refused by it
    const char *words;   //  "an origin is like …"
} json_format_t;

typedef struct json_table json_table_t;

typedef struct {
    const char *name; //  NULL ends a table
    json_field_type_t type;
    size_t offset;
    bool is_required;
    bool has_lines;       //  a text or secret may have several lines
    bool is_url;          //  what stands behind its '?' may be a secret
    bool is_hidden;       //  json_table_values does not show it, as with secrets
    size_t mark;          //  offset of a bool that becomes true when the member is given, whoever
                          //  reads it; 0: there is none
    unsigned readers;     //  bits of the processes that keep it
    uint64_t least, most; //  of a number; bytes of a text, `least` 0 or 1; rows of
                          //  JSON_FIELD_ROWS; of JSON_FIELD_TEXTS `most` elements of `least`
                          //  bytes at most
    const char *fallback; //  value when it is absent; NULL: empty, or 0
    const json_format_t *format; //  of a text, or of each of its texts; may be NULL
    const json_table_t *table;   //  of an object, or of each of its rows
    const char *help;
} json_field_t;

struct json_table {
    const json_field_t *fields;
    size_t size; //  of the struct
    bool is_open;
    bool has_mark; //  the struct begins with a bool, which becomes true when the object is there
};

//  What a reading asks of its owner.
typedef struct {
    const json_table_t *table;
    unsigned reader; //  this process' bit
    //  Puts the contents of a secret's file into the buffer; else returns what is wrong, for
    //  people. NULL: secrets in files are not read.
    const char *(*read_secret) (void *owner, text_t path, buffer_t *to);
    void *owner;
    buffer_t *complaint; //  gets "line 12: what is wrong"
    buffer_t *warnings;  //  gets lines of that kind, each with a line end; may be full
} json_table_reading_t;

//  Fills the struct, which must be zeroed, from the text of a whole configuration. 0; −1 with a
//  complaint: then the struct has been given back, too.
__attribute__ ((warn_unused_result)) int json_table_read (const json_table_reading_t *reading,
                                                          text_t json, void *to);
//  Gives back what json_table_read, or a caller with alloc_text, put into the struct.
void json_table_free (const json_table_t *table, void *of);

//  A JSON Schema (2020-12) of the configuration. 0, or −1 when the buffer is full.
__attribute__ ((warn_unused_result)) int json_table_schema (const json_table_t *table,
                                                            const char *title, buffer_t *to);
//  What is in force for an object of a configuration that was read without a mistake: an array of
//  {"path":"bot.url","value":…,"source":"file"|"default"|"unset","secret":false}, one for each
//  member. Of secrets it says whether they are set. 0, or −1 when the buffer is full.
__attribute__ ((warn_unused_result)) int
json_table_values (const json_table_t *table, struct json_object *object, buffer_t *to);
//  A Markdown table of all members, with the readers' names by their bits.
__attribute__ ((warn_unused_result)) int
json_table_markdown (const json_table_t *table, const char *const *reader_names, buffer_t *to);

#endif
