//  json_twice — an object that has two members of one name. RFC 8259 leaves open which of them
//  counts, and json-c takes the last one without a word: in a configuration that is a mistake.

#ifndef JSON_TWICE_H
#define JSON_TWICE_H

#include "base/text.h"

//  Where in a valid JSON text the first name begins that its object has had already; `name` gets
//  it, as it is written. json.size: there is none. However it is written (\u0061 is a), it is the
//  same name. Names that begin with `spared` may be there often.
size_t json_twice_at (text_t json, text_t spared, text_t *name);

#endif
