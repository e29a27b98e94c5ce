//  web_file — a file that is read without blocking the loop (libuv's threads do it), a piece at a
//  time, as fast as its reader takes it.

#ifndef WEB_FILE_H
#define WEB_FILE_H

#include "base/text.h"

#include <stdint.h>
#include <uv.h>

typedef struct web_file web_file_t;

typedef enum { WEB_FILE, WEB_DIRECTORY, WEB_NOTHING, WEB_TROUBLE } web_found_t;

typedef struct {
    //  With WEB_FILE its facts are known; else it is to be closed.
    void (*opened) (void *owner, web_found_t found);
    //  A piece of it; empty: it cannot be read, or has become shorter.
    void (*piece) (void *owner, text_t piece);
} web_file_events_t;

//  One thing at a time: `opened`, and then `piece` for each web_file_read, come later.
web_file_t *web_file_open (uv_loop_t *loop, const char *path, const web_file_events_t *events,
                           void *owner);
void web_file_read (web_file_t *self);
//  No more events. What is under way ends by itself.
void web_file_close (web_file_t **self_p);

typedef struct {
    uint64_t size;
    uv_timespec_t changed;
    uint64_t offset; //  so much was given; the size: the last piece was
    bool is_busy;    //  a request of it is under way
} web_file_facts_t;

const web_file_facts_t *web_file_facts (const web_file_t *self);

#endif
