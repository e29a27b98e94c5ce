//  json_scan — a second look at bytes that json-c has taken as JSON, for what it takes and changes
//  without a word: a field's name is cut at an escaped NUL, a whole number beyond 64 bits becomes
//  the nearest one that fits, a real beyond a double becomes infinite; and for what is no JSON but
//  taken all the same: NaN, Infinity, names in single quotes, and control characters in strings,
//  which would become six bytes each when they are written.

#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "client_frame.h"

//  Returns FAULT_NONE, FAULT_NOT_JSON, FAULT_NUL_IN_KEY or FAULT_NUMBER.
frame_fault_t json_scan (text_t json);

//  How many values there are, about, in bytes that need not be JSON: what it costs to read them.
size_t json_scan_values (text_t json);

//  True when there is nothing but white space from `from` on.
bool json_scan_is_space (text_t text, size_t from);

#endif
