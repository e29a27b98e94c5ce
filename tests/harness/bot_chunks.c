#include "bot_chunks.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 7

char *
bot_chunked (const char *body, size_t size, size_t *chunked)
{
    char *to = malloc ((size / CHUNK + 2) * (CHUNK + 8) + 8), *at = to;
    assert (to);
    for (size_t from = 0; from < size; from += CHUNK) {
        size_t part = size - from < CHUNK ? size - from : CHUNK;
        at += sprintf (at, "%zx\r\n", part);
        memcpy (at, body + from, part);
        at += part;
        at += sprintf (at, "\r\n");
    }
    at += sprintf (at, "0\r\n\r\n");
    *chunked = (size_t) (at - to);
    return to;
}

char *
bot_in_parts (const char *body, size_t size, bool ends, size_t *sent)
{
    size_t pieces = 1;
    for (size_t at = 0; at < size; at++)
        pieces += body[at] == '\x1e';
    char *to = malloc (size + pieces * 24 + 8), *at = to;
    assert (to);
    for (size_t from = 0; from < size;) {
        const char *mark = memchr (body + from, '\x1e', size - from);
        size_t piece = mark ? (size_t) (mark - body) - from : size - from;
        at += sprintf (at, "%zx\r\n", piece);
        memcpy (at, body + from, piece);
        at += piece;
        at += sprintf (at, "\r\n%s", mark ? "\x1e" : "");
        from += piece + (mark != NULL);
    }
    if (ends)
        at += sprintf (at, "0\r\n\r\n");
    *sent = (size_t) (at - to);
    return to;
}
