//  genesys_body — what Genesys is sent: the bodies of its calls. The same arguments are the same
//  bytes, whichever process writes them.
//
//  Each appends to the buffer and returns 0, or −1 when there is no room. Texts are UTF-8.

#ifndef GENESYS_BODY_H
#define GENESYS_BODY_H

#include "base/buffer.h"

//  Bytes that a body takes beside what JSON makes of its texts (GENESYS_ESCAPED for a byte).
#define GENESYS_BODY_FRAME 1000u
#define GENESYS_ESCAPED 6u

//  The visitor, and when it was.
typedef struct {
    text_t id;         //  32 hexadecimal digits, of the session
    text_t name;       //  that agents are shown; empty: none
    uint64_t time_ms;
    text_t message_id; //  ours; empty: the call has none
} genesys_from_t;

//  The attributes are a JSON object of strings, or empty: there are none.
int genesys_put_text (buffer_t *to, const genesys_from_t *from, text_t text, text_t attributes);

typedef struct {
    text_t url;
    text_t mime; //  empty: it is not known
} genesys_file_t;
int genesys_put_file (buffer_t *to, const genesys_from_t *from, const genesys_file_t *file);

//  What was chosen in a structured message of Genesys.
typedef struct {
    text_t type;       //  "Button", "QuickReply" or "DatePicker"
    text_t message_id; //  of the message, at Genesys
    text_t payload;
    text_t label;
} genesys_choice_t;
int genesys_put_choice (buffer_t *to, const genesys_from_t *from, const genesys_choice_t *choice);

int genesys_put_typing (buffer_t *to, const genesys_from_t *from);

//  Of one of their messages. `code` and `reason` are of a failure.
typedef struct {
    text_t message_id;
    text_t to; //  the visitor's id
    uint64_t time_ms;
    text_t status; //  "Delivered" or "Failed"
    text_t code;
    text_t reason;
} genesys_receipt_t;
int genesys_put_receipt (buffer_t *to, const genesys_receipt_t *receipt);

#define GENESYS_DISCONNECT TEXT ("{\"state\":\"disconnected\"}")

#endif
