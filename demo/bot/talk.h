//  talk — what the demo bot says to a Stentor request. No network in here.

#ifndef TALK_H
#define TALK_H

#include <stddef.h>

#define TALK_FOREVER 0xffffffffu //  ms: no answer at all

typedef struct {
    unsigned status;
    const char *content_type;
    unsigned after_ms; //  how long the bot thinks
    char *body;        //  the caller frees it
} reply_t;

reply_t talk (const char *request, size_t size);

#endif
