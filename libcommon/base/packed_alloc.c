#include "base/packed_alloc.h"

#include <stdlib.h>

void *
packed_new (size_t size, text_t *texts, size_t count)
{
    size_t whole = size;
    for (size_t at = 0; at < count; at++)
        whole += texts[at].size + 1;
    char *memory = malloc (whole);
    if (!memory)
        abort ();
    memset (memory, 0, size);
    char *place = memory + size;
    for (size_t at = 0; at < count; at++) {
        if (texts[at].size)
            memcpy (place, texts[at].data, texts[at].size);
        place[texts[at].size] = 0;
        texts[at].data = place;
        place += texts[at].size + 1;
    }
    return memory;
}
