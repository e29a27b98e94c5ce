#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

void
alloc_failed (void)
{
    //  The log needs memory itself.
    static const char line[] = "{\"level\":\"fatal\",\"event\":\"out of memory\"}\n";
    ssize_t written = write (STDERR_FILENO, line, sizeof line - 1);
    (void) written;
    abort ();
}

void *
alloc_array (size_t count, size_t size)
{
    void *memory = calloc (count ? count : 1, size ? size : 1);
    if (!memory)
        alloc_failed ();
    return memory;
}

void *
alloc_resized (void *memory, size_t size)
{
    void *resized = realloc (memory, size ? size : 1);
    if (!resized)
        alloc_failed ();
    return resized;
}

char *
alloc_text (text_t text)
{
    char *copy = alloc_resized (NULL, text.size + 1);
    if (text.size)
        memcpy (copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

void *
alloc_packed (size_t size, text_t *texts, size_t count)
{
    size_t whole = size;
    for (size_t at = 0; at < count; at++)
        whole += texts[at].size + 1;
    char *memory = alloc_resized (NULL, whole);
    memset (memory, 0, size);
    char *free_from = memory + size;
    for (size_t at = 0; at < count; at++) {
        if (texts[at].size)
            memcpy (free_from, texts[at].data, texts[at].size);
        free_from[texts[at].size] = '\0';
        texts[at].data = free_from;
        free_from += texts[at].size + 1;
    }
    return memory;
}
