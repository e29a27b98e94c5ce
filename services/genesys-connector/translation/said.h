//  said — an entry of a session as what Genesys is sent of it: one message after the other, as long
//  texts are several, and a file is one of its own.
//
//  What a visitor chose in a structured message of Genesys goes back as that choice: its token is
//  "genesys:TYPE:MESSAGE:PAYLOAD", the last two percent-encoded, as the edge has written it. What
//  somebody else says is told with their name in front, as Genesys knows one person on our side.

#ifndef SAID_H
#define SAID_H

#include "base/buffer.h"
#include "translation/genesys_body.h"
#include "translation/genesys_item.h"

#define SAID_FILES_MOST 10

typedef enum { SAID_TEXT, SAID_FILE, SAID_CHOICE } said_kind_t;

typedef struct {
    said_kind_t kind;
    text_t text;             //  of a choice: what says the same in words, cut
    genesys_file_t file;
    genesys_choice_t choice;
} said_part_t;

typedef struct {
    said_part_t *parts;
    size_t count; //  0: there is nothing in it to tell
    buffer_t text, token; //  that the parts stand in
} said_t;

//  Of a new message. The item outlives it.
void said_read (said_t *self, const genesys_item_t *item);
//  The parts of a text.
void said_read_text (said_t *self, text_t text);
//  Safe on a zeroed struct, and twice.
void said_free (said_t *self);

#endif
