//  transcript — what was said in a session before, as lines for a person: pages of the list of
//  messages (GET …/messages, newest first) become text, oldest first.
//
//  Only messages are in it: nothing that is hidden, and no whisper.

#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "base/buffer.h"

#define TRANSCRIPT_MOST 120000u //  bytes: of a longer one the beginning is left out

typedef struct {
    char **lines; //  newest first
    size_t count, most;
    size_t size;
    bool is_cut;  //  there was more
} transcript_t;

//  At most so many messages.
void transcript_begin (transcript_t *self, size_t most);
//  Adds a page. `before`: the next one has what stands before this seq; 0: enough is known. −1: it
//  is no page.
__attribute__ ((warn_unused_result)) int transcript_add (transcript_t *self, text_t page,
                                                         uint64_t *before);
//  Appends the lines, each with its end. The buffer has room for TRANSCRIPT_MOST and 100 more.
void transcript_put (const transcript_t *self, buffer_t *to);
//  Safe on a zeroed struct, and twice.
void transcript_free (transcript_t *self);

#endif
