//  bot_parts — the reader of an answer that comes in parts: lines of JSON, or Server-Sent Events.
//
//      application/x-ndjson     each line is one JSON object; blank lines are signs of life
//      text/event-stream        each event's data is one JSON object. Events without a name, `part`
//                               and `done` count, all others and comments are signs of life
//
//  An object with `delta` is a part: its text goes on from what was said. Any other, and that of an
//  event `done`, is the whole answer, and nothing behind it is read. Bytes may come in any pieces;
//  what is held is no more than came.

#ifndef BOT_PARTS_H
#define BOT_PARTS_H

#include "bot_answer.h"

typedef enum { PARTS_NONE, PARTS_LINES, PARTS_EVENTS } parts_form_t;

#define PARTS_MOST 20000 //  lines of one answer

//  By the Content-Type of an answer; PARTS_NONE: it comes as a whole.
parts_form_t parts_form_of (text_t content_type);

typedef struct {
    parts_form_t form;
    size_t read;           //  bytes of the body that are behind us
    size_t looked_at;      //  up to here there is no end of a line
    unsigned lines;        //  that were read: each is a sign of life
    buffer_t said;         //  the parts' texts
    buffer_t data;         //  of the event that is being read
    bool has_data;
    char name[8];          //  of that event, as far as it matters
    buffer_t whole;        //  the answer that ends it: JSON object; empty: none yet
    bot_failure_t failure; //  BOT_FAILURES: none. Nothing is read behind it
} bot_parts_t;

//  A body of at most so many bytes. To be given back with bot_parts_free.
void bot_parts_init (bot_parts_t *self, parts_form_t form, size_t most);
//  Safe on a zeroed struct and safe to call twice.
void bot_parts_free (bot_parts_t *self);

//  The body up to now: all that was given before, and more. `is_end`: it is whole, so that its last
//  line needs no end.
void bot_parts_read (bot_parts_t *self, text_t body, bool is_end);

//  Is nothing more to come: has it the whole answer, or a failure?
static inline bool
bot_parts_is_over (const bot_parts_t *self)
{
    return self->whole.size > 0 || self->failure != BOT_FAILURES;
}

//  What came of the call, when its answer comes in parts: the whole answer, whatever happens behind
//  it; without one what was said, marked `truncated` unless the body is whole; a failure, when
//  nothing was said. A whole answer without `outputSpeech` gets what was said. Returns whether it
//  is truncated; `why` is the reason then. The struct is the caller's (bot_answer_free).
bool bot_parts_answer (const bot_parts_t *self, const http_answer_t *http, bot_answer_t *answer,
                       bot_failure_t *why);

#endif
