//  json_half — half of a surrogate pair in a JSON text: \uD83D without \uDE00 behind it, say.
//  RFC 8259 lets it pass, no UTF-8 can hold it, and json-c makes U+FFFD of it: in a configuration
//  that is a mistake.

#ifndef JSON_HALF_H
#define JSON_HALF_H

#include "base/text.h"

//  Where in a valid JSON text the first one begins. json.size: there is none.
size_t json_half_at (text_t json);

#endif
