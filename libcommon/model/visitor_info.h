//  visitor_info — what is known of a visitor beside what the visitor says in messages: a small JSON
//  object that goes with an endpoint (ATTACH.info), is stored with the participant, and is shown to
//  agents. Nothing in it is proven, and nothing is decided by it. An edge that knows more adds
//  members; a reader passes over those that it does not know.

#ifndef VISITOR_INFO_H
#define VISITOR_INFO_H

#include "base/buffer.h"
#include "model/model.h"

//  Bytes of the JSON.
#define VISITOR_INFO_MAX 2048

#define VISITOR_AGENT_MAX 256
#define VISITOR_LANGUAGE_MAX 35
#define VISITOR_PAGE_MAX 512

//  Texts are empty when they are not known, and left out of the JSON then.
typedef struct {
    text_t name;          //  that is shown: at most DISPLAY_NAME_MAX bytes
    text_t page;          //  URL of http(s), without query and fragment
    text_t language;      //  tag of BCP 47: "de-CH"
    text_t address_class; //  "public_v4", "private" …: never the address itself
    text_t agent;         //  how the client's program names itself
} visitor_info_t;

#define VISITOR_INFO_NONE                                                                          \
    (visitor_info_t){ TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY }

//  Appends the JSON object. The texts are showable (utf8.h) and within their limits.
void visitor_info_write (const visitor_info_t *self, buffer_t *to);

//  The text when it is a JSON object within the limit that has anything in it; else empty.
text_t visitor_info_of (text_t json);

#endif
