//  long_text — a text in pieces of a length that Genesys takes.

#ifndef LONG_TEXT_H
#define LONG_TEXT_H

#include "base/text.h"

//  Units of UTF-16 of one message: what Genesys documents of its own messages. Of what it is sent
//  the limit is not known.
#define GENESYS_TEXT_MOST 4000

//  Takes a piece of at most `most` units (2 at least) from the front of the text: all of it, or up
//  to the last line end in its second half, else up to a blank there, else as much as there is
//  room for, between characters. What it is cut at, a line end or a blank, is in no piece. False:
//  the text is empty.
bool long_text_next (text_t *rest, size_t most, text_t *piece);

#endif
