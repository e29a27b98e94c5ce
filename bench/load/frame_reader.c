//  frame_reader — see frame_reader.h.

#include "frame_reader.h"

//  What stands behind the first occurrence of the mark; empty when there is none.
static text_t
s_behind (text_t frame, text_t mark)
{
    const char *place = memmem (frame.data, frame.size, mark.data, mark.size);
    if (!place)
        return TEXT_EMPTY;
    place += mark.size;
    return (text_t){ place, frame.size - (size_t) (place - frame.data) };
}

static bool
s_begins (text_t text, text_t with)
{
    return text.size >= with.size && memcmp (text.data, with.data, with.size) == 0;
}

frame_event_t
frame_event (text_t frame)
{
    text_t event = s_behind (frame, TEXT ("\"event\":\""));
    if (s_begins (event, TEXT ("ack\"")))
        return FRAME_ACK;
    if (s_begins (event, TEXT ("new message\"")))
        return FRAME_NEW_MESSAGE;
    if (s_begins (event, TEXT ("connection update\"")))
        return s_behind (frame, TEXT ("\"sessionCreated\":true")).size > 0
                   ? FRAME_CONNECTION_UPDATE
                   : FRAME_REFUSAL;
    if (s_begins (event, TEXT ("busy\"")) || s_begins (event, TEXT ("error\""))
        || s_begins (event, TEXT ("failure\"")))
        return FRAME_REFUSAL;
    return FRAME_OTHER;
}

bool
frame_number_behind (text_t frame, text_t mark, uint64_t *number)
{
    text_t digits = s_behind (frame, mark);
    size_t at = 0;
    *number = 0;
    for (; at < digits.size && digits.data[at] >= '0' && digits.data[at] <= '9'; at++)
        *number = *number * 10 + (uint64_t) (digits.data[at] - '0');
    return at > 0;
}

bool
frame_number (text_t frame, uint32_t *number)
{
    uint64_t found;
    if (!frame_number_behind (frame, TEXT ("\"messageId\":\"m-"), &found))
        return false;
    *number = (uint32_t) found;
    return true;
}

bool
frame_has (text_t frame, text_t words)
{
    return memmem (frame.data, frame.size, words.data, words.size) != NULL;
}
