//  The id that a client of an event stream says, and any data as an event: what is written is one
//  event, and an id that was read is written so again.

#include "events/event_text.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    text_t text = { (const char *) data, size };
    log_position_t position;
    buffer_t event;
    buffer_init (&event, 10 * size + 1000);
    int rc = event_id_read (text, &position);
    assert (event_text_put (&event, position, text) == 0);
    text_t written = buffer_text (&event);
    const char *end = memmem (written.data, written.size, "\n\n", 2);
    assert (end == written.data + written.size - 2);
    assert (!memchr (written.data, '\r', written.size));
    if (rc == 0 && size > 0 && text.data[0] != '0')
        assert (written.size > size + 4 && memcmp (written.data, "id: ", 4) == 0
                && (position.check == 0 || memcmp (written.data + 4, text.data, size) == 0));
    buffer_free (&event);
    return 0;
}
