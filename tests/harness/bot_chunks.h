//  bot_chunks — a scripted body in HTTP chunks. Both return bytes that the caller frees, and their
//  number.

#ifndef HARNESS_BOT_CHUNKS_H
#define HARNESS_BOT_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

//  Chunks of a few bytes, with the end.
char *bot_chunked (const char *body, size_t size, size_t *chunked);
//  A chunk for each piece between two \x1e, with such a mark behind each but the last: whoever
//  writes them out leaves the marks away. `ends`: with the end.
char *bot_in_parts (const char *body, size_t size, bool ends, size_t *sent);

#endif
