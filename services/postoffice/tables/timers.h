//  timers — the kinds of timers that a session has, and how the item of one is called. The kinds
//  are rows of timers.def.

#ifndef TIMERS_H
#define TIMERS_H

#include "base/text.h"
#include "model/model.h"

#include <stdbool.h>

#define TOPIC_TIMER TEXT ("timer")

typedef enum {
#define TIMER(NAME, name, action, depends, words) TIMER_##NAME,
#include "tables/timers.def"
#undef TIMER
    TIMER_KINDS
} timer_kind_t;

#define TIMER_ITEM_MAX (SESSION_KEY_MAX + 32)

//  ":timer:close:<session key>", written into `room`: a session has one of each kind.
text_t timer_item (char room[TIMER_ITEM_MAX], timer_kind_t kind, text_t session);

//  What must be as it was for a timer to count (timers.def).
typedef enum {
    DEPENDS_LOG,
    DEPENDS_CONTROL,
    DEPENDS_STEP,
    DEPENDS_OPEN,
    DEPENDS_SILENCE
} timer_depends_t;
timer_depends_t timer_depends (timer_kind_t kind);

//  The kind of an item; TIMER_KINDS when it is of none that is known here.
timer_kind_t timer_kind_of (text_t item);

#endif
