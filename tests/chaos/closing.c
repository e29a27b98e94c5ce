//  closing — see closing.h.

#include "closing.h"

//  Entries of one transaction belong together: control is given back in that of the closing.
static void
s_note_time (closing_t *self, uint64_t stored_us)
{
    if (stored_us == self->last_us)
        return;
    self->before_us = self->last_us;
    self->last_us = stored_us;
}

closing_fault_t
closing_pass (closing_t *self, event_t event, unsigned role, uint64_t stored_us,
              uint64_t close_after_us)
{
    bool was_closed = self->is_closed;
    s_note_time (self, stored_us);
    if (event == EVENT_USER_JOINED || event == EVENT_USER_LEFT)
        self->is_present[role == ROLE_AGENT] = event == EVENT_USER_JOINED;
    if (event == EVENT_SESSION_CLOSED) {
        self->closed++;
        self->is_closed = true;
        return was_closed                                       ? CLOSING_TWICE
               : self->is_present[0] || self->is_present[1]     ? CLOSING_IN_COMPANY
               : stored_us < self->before_us + close_after_us   ? CLOSING_EARLY
                                                                : CLOSING_GOOD;
    }
    if (event == EVENT_SESSION_REOPENED) {
        self->reopened++;
        self->is_closed = false;
        return was_closed ? CLOSING_GOOD : CLOSING_OPEN;
    }
    return was_closed ? CLOSING_GOES_ON : CLOSING_GOOD;
}

const char *
closing_words (closing_fault_t fault)
{
    static const char *const s_words[] = { "is well",
#define CLOSING_WORDS(name, words) words,
                                           CLOSING_FAULTS (CLOSING_WORDS)
#undef CLOSING_WORDS
    };
    return s_words[fault];
}
