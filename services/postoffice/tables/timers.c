#include "tables/timers.h"

#include <assert.h>
#include <stdio.h>

#define PREFIX ":timer:"

static const char *const s_names[TIMER_KINDS] = {
#define TIMER(NAME, name, action, depends, words) [TIMER_##NAME] = name,
#include "tables/timers.def"
#undef TIMER
};

static const timer_depends_t s_depends[TIMER_KINDS] = {
#define TIMER(NAME, name, action, depends, words) [TIMER_##NAME] = DEPENDS_##depends,
#include "tables/timers.def"
#undef TIMER
};

timer_depends_t
timer_depends (timer_kind_t kind)
{
    return s_depends[kind];
}

text_t
timer_item (char room[TIMER_ITEM_MAX], timer_kind_t kind, text_t session)
{
    int size =
        snprintf (room, TIMER_ITEM_MAX, PREFIX "%s:%.*s", s_names[kind], TEXT_ARGS (session));
    assert (size > 0 && size < TIMER_ITEM_MAX);
    return (text_t){ room, (size_t) size };
}

timer_kind_t
timer_kind_of (text_t item)
{
    size_t prefix = strlen (PREFIX);
    if (item.size <= prefix || memcmp (item.data, PREFIX, prefix) != 0)
        return TIMER_KINDS;
    text_t rest = { item.data + prefix, item.size - prefix };
    const char *end = memchr (rest.data, ':', rest.size);
    rest.size = end ? (size_t) (end - rest.data) : 0;
    timer_kind_t kind = (timer_kind_t) 0;
    while (kind < TIMER_KINDS && !text_is (rest, text_of (s_names[kind])))
        kind++;
    return kind;
}
