#include "channels/item_memory.h"

#include "json/json_members.h"

#include <stddef.h>
#include <stdio.h>

#define NUMBER_MOST 1000000u
//  1, 2, 4 … 32 minutes, then each hour: a day.
#define MISSING_FIRST_MS 60000u
#define MISSING_DOUBLES 6
#define MISSING_LAST_MS 3600000u
#define MISSING_MOST 29

static const struct {
    const char *name;
    size_t offset;
} s_rows[] = {
    { "unsure", offsetof (item_memory_t, unsure) },
    { "refused", offsetof (item_memory_t, refused) },
    { "waited", offsetof (item_memory_t, waited) },
    { "lost", offsetof (item_memory_t, lost) },
    { "parts", offsetof (item_memory_t, parts) },
    { "missing", offsetof (item_memory_t, missing) },
};

static unsigned
s_number (text_t value)
{
    unsigned number = 0;
    for (size_t at = 0; at < value.size && number < NUMBER_MOST; at++) {
        if (value.data[at] < '0' || value.data[at] > '9')
            return 0;
        number = number * 10 + (unsigned) (value.data[at] - '0');
    }
    return number;
}

void
item_memory_read (item_memory_t *self, text_t json)
{
    *self = (item_memory_t){ .unsure = 0 };
    json_members_t members = json_members_of (json);
    text_t name, value;
    while (json_members_next (&members, &name, &value))
        for (size_t row = 0; row < sizeof s_rows / sizeof *s_rows; row++)
            if (text_is (name, text_of (s_rows[row].name)))
                *(unsigned *) ((char *) self + s_rows[row].offset) = s_number (value);
}

text_t
item_memory_write (const item_memory_t *self, char room[ITEM_MEMORY_SIZE])
{
    size_t size = 0;
    for (size_t row = 0; row < sizeof s_rows / sizeof *s_rows; row++)
        size += (size_t) snprintf (room + size, ITEM_MEMORY_SIZE - size, "%s\"%s\":%u",
                                   row ? "," : "{", s_rows[row].name,
                                   *(const unsigned *) ((const char *) self
                                                        + s_rows[row].offset));
    size += (size_t) snprintf (room + size, ITEM_MEMORY_SIZE - size, "}");
    return (text_t){ room, size };
}

bool
item_memory_waits (item_memory_t *self, uint64_t *after_ms)
{
    if (self->missing >= MISSING_MOST)
        return false;
    *after_ms = self->missing < MISSING_DOUBLES ? (uint64_t) MISSING_FIRST_MS << self->missing
                                                : MISSING_LAST_MS;
    self->missing++;
    self->waited++;
    return true;
}
