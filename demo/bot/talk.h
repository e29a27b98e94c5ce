//  talk — what the demo bot says to a Stentor request. No network in here.

#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>

#define TALK_FOREVER 0xffffffffu //  ms: no answer at all

typedef struct {
    unsigned status;
    const char *content_type;
    unsigned after_ms; //  how long the bot thinks
    unsigned every_ms; //  the body is said line by line, one every so many ms; 0: as one
    bool stops;        //  and nothing follows behind the last line
    char *body;        //  the caller frees it
    char *later;       //  what the bot says so long after that, or NULL; likewise
    unsigned later_ms;
} reply_t;

//  `may_come_later`: it was told where it may answer later.
reply_t talk (const char *request, size_t size, bool may_come_later);

#endif
