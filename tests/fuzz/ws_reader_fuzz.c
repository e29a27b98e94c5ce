//  The frames of a client: the first byte says in what pieces the rest comes, and in any pieces the
//  same is heard.

#include "net/ws_reader.h"

#include <assert.h>
#include <stdlib.h>

#define LIMIT 2000
#define NOTHING 14695981039346656037u

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static uint64_t
s_mix (uint64_t heard, const void *data, size_t size)
{
    for (size_t at = 0; at < size; at++)
        heard = (heard ^ ((const uint8_t *) data)[at]) * 1099511628211u;
    return heard;
}

static bool
s_may_be_sent (unsigned code)
{
    return code == 1002 || code == 1003 || code == 1007 || code == 1009;
}

static uint64_t
s_take (uint64_t heard, const ws_event_t *event, size_t *message)
{
    heard = s_mix (heard, event->bytes.data, event->bytes.size);
    if (event->what == WS_HEARD_TEXT) {
        *message += event->bytes.size;
        assert (*message <= LIMIT);
        if (!event->is_whole)
            return heard;
        *message = 0;
    } else
        assert (event->bytes.size <= WS_CONTROL_MAX || event->what == WS_HEARD_FAULT);
    if (event->what == WS_HEARD_FAULT)
        assert (s_may_be_sent (event->code));
    heard = s_mix (heard, &event->what, sizeof event->what);
    return s_mix (heard, &event->code, sizeof event->code);
}

static uint64_t
s_hear (const uint8_t *data, size_t size, size_t piece)
{
    ws_reader_t reader;
    ws_reader_init (&reader, LIMIT);
    char *all = malloc (size + 1);
    assert (all);
    if (size)
        memcpy (all, data, size);
    uint64_t heard = NOTHING;
    size_t from = 0, message = 0;
    for (size_t to = 0; to < size;) {
        to = size - to < piece ? size : to + piece;
        for (;;) {
            ws_event_t event;
            size_t taken = ws_reader_next (&reader, all + from, to - from, &event);
            assert (taken <= to - from);
            from += taken;
            if (event.what == WS_HEARD_LESS)
                break;
            heard = s_take (heard, &event, &message);
        }
        assert (reader.is_over || to - from < WS_RESTS_MOST);
    }
    free (all);
    return heard;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t piece = data[0] % 64 + 1;
    assert (s_hear (data + 1, size - 1, piece) == s_hear (data + 1, size - 1, SIZE_MAX / 2));
    return 0;
}
