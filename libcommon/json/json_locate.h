//  json_locate — on which line of a JSON text a value stands, so that a complaint about what is in
//  it can name the line. json-c keeps no positions; this walks the text a second time.

#ifndef JSON_LOCATE_H
#define JSON_LOCATE_H

#include "base/text.h"

//  The line, counted from 1, of the byte at `offset` (or of the end).
unsigned json_locate_line_at (text_t json, size_t offset);

//  The line on which the value at `path` begins: "/apps/1/bot/url", numbers are places in arrays.
//  When the last steps lead nowhere, the line of the value that the walk came to. The text is
//  expected to be what json-c has accepted; of anything else the line is only a guess.
unsigned json_locate_line (text_t json, const char *path);

#endif
