//  visitor — what a client says of the person before it, checked and bounded (client_frame.c). None
//  of it is believed: it is shown to people, beside the id that the connection has.

#ifndef VISITOR_H
#define VISITOR_H

#include "base/text.h"

//  Texts are empty when they were not given, or not in their form.
typedef struct {
    text_t name;   //  at most DISPLAY_NAME_MAX bytes
    text_t email;  //  has an @ between other characters, no blanks
    text_t avatar; //  http://…, https://… or /…
    text_t path;   //  JSON array of strings: of the page's URL
    text_t query;  //  JSON object of strings: of the page's URL
} visitor_t;

#define VISITOR_UNKNOWN                                                                            \
    (visitor_t){ TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY }

#endif
