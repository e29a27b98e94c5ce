#include "events/event_text.h"

#include <stdio.h>
#include <string.h>

#define SEQ_DIGITS_MAX 16

static size_t
s_line_size (text_t text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] != '\n' && text.data[size] != '\r')
        size++;
    return size;
}

//  JSON may have line ends between its values: there a field of the event would end.
static int
s_put_data (buffer_t *to, text_t data)
{
    for (;;) {
        size_t size = s_line_size (data);
        if (buffer_put_string (to, "data: ") != 0
            || buffer_put_text (to, (text_t){ data.data, size }) != 0
            || buffer_put_string (to, "\n") != 0)
            return -1;
        if (size == data.size)
            return buffer_put_string (to, "\n");
        data = (text_t){ data.data + size + 1, data.size - size - 1 };
    }
}

int
event_text_put (buffer_t *to, log_position_t position, text_t data)
{
    char id[EVENT_ID_MAX + 16];
    if (position.seq == SEQ_UNKNOWN)
        return s_put_data (to, data);
    int size = snprintf (id, sizeof id, "id: %llu%s%s\n", (unsigned long long) position.seq,
                         position.check ? "-" : "", log_check_write (position.check).text);
    return buffer_put_text (to, (text_t){ id, (size_t) size }) == 0 ? s_put_data (to, data) : -1;
}

int
event_text_put_named (buffer_t *to, const char *name, text_t data, uint64_t retry_ms)
{
    char lines[100];
    int size = retry_ms ? snprintf (lines, sizeof lines, "retry: %llu\nevent: %s\n",
                                    (unsigned long long) retry_ms, name)
                        : snprintf (lines, sizeof lines, "event: %s\n", name);
    return buffer_put_text (to, (text_t){ lines, (size_t) size }) == 0 ? s_put_data (to, data)
                                                                       : -1;
}

int
event_text_put_comment (buffer_t *to)
{
    return buffer_put_string (to, ":\n\n");
}

int
event_id_read (text_t id, log_position_t *position)
{
    const char *dash = memchr (id.data, '-', id.size);
    size_t digits = dash ? (size_t) (dash - id.data) : id.size;
    *position = LOG_POSITION_UNKNOWN;
    if (id.size == 0)
        return 0;
    if (digits == 0 || digits > SEQ_DIGITS_MAX)
        return -1;
    log_position_t read = { 0 };
    for (size_t at = 0; at < digits; at++) {
        if (id.data[at] < '0' || id.data[at] > '9')
            return -1;
        read.seq = 10 * read.seq + (uint64_t) (id.data[at] - '0');
    }
    if (dash) {
        text_t check = { dash + 1, id.size - digits - 1 };
        if (check.size == 0 || log_check_read (check, &read.check) != 0)
            return -1;
    }
    *position = read;
    return 0;
}
