#include "model/model.h"

enum { EPHEMERAL, DURABLE };

typedef struct {
    const char *wire;
    bool durable;
} event_row_t;

static const event_row_t s_events[] = {
#define EVENT(number, NAME, wire, log, words) [number] = { wire, log },
#include "model/events.def"
#undef EVENT
};

static const event_row_t *
s_event (uint64_t event)
{
    if (event >= sizeof s_events / sizeof *s_events || !s_events[event].wire)
        return NULL;
    return &s_events[event];
}

const char *
event_wire_name (uint64_t event)
{
    const event_row_t *row = s_event (event);
    return row ? row->wire : NULL;
}

bool
event_is_durable (uint64_t event)
{
    const event_row_t *row = s_event (event);
    return row && row->durable;
}

typedef struct {
    const char *code;
    bool again;
    const char *words;
} verdict_row_t;

static const verdict_row_t s_verdicts[] = {
#define VERDICT(number, NAME, code, again, words) [number] = { code, again, words },
#include "model/verdicts.def"
#undef VERDICT
};

static const verdict_row_t *
s_verdict (uint64_t verdict)
{
    static const verdict_row_t unknown = { "unknown", false,
                                           "an answer that this version does not know" };
    return verdict < VERDICT_COUNT ? &s_verdicts[verdict] : &unknown;
}

const char *
verdict_code (uint64_t verdict)
{
    return s_verdict (verdict)->code;
}

const char *
verdict_words (uint64_t verdict)
{
    return s_verdict (verdict)->words;
}

bool
verdict_again (uint64_t verdict)
{
    return s_verdict (verdict)->again;
}

const char *
role_name (uint64_t role)
{
    static const char *const names[] = { "unknown",  "visitor", "agent", "bot",
                                         "platform", "router",  "api" };
    return names[role < sizeof names / sizeof *names ? role : 0];
}
