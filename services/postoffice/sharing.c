#include "sharing.h"

void
sharing_loaded (sharing_t *self, bool is_foreign)
{
    self->is_fresh = true;
    self->is_due = self->is_due || is_foreign;
}

void
sharing_stored (sharing_t *self, uint64_t now_ms)
{
    self->is_fresh = false;
    self->stored_ms = now_ms;
}

void
sharing_asked (sharing_t *self)
{
    self->is_due = true;
}

bool
sharing_heard (sharing_t *self, uint64_t now_ms)
{
    bool is_news = !self->is_shared;
    self->is_shared = true;
    self->unanswered_ms = 0;
    self->is_due = true;
    return is_news && self->stored_ms && now_ms - self->stored_ms < SHARING_RECENT_MS;
}

bool
sharing_is_on (sharing_t *self, uint64_t now_ms)
{
    if (!self->is_shared)
        return false;
    if (self->unanswered_ms == 0)
        self->unanswered_ms = now_ms;
    if (now_ms - self->unanswered_ms > SHARING_UNANSWERED_MS)
        self->is_shared = false;
    return true;
}

bool
sharing_tells (sharing_t *self, uint64_t now_ms)
{
    return sharing_is_on (self, now_ms) || self->is_fresh;
}

bool
sharing_says (const sharing_t *self, uint64_t now_ms)
{
    return self->is_due
           && (self->said_ms == 0 || now_ms - self->said_ms >= SHARING_SAY_EVERY_MS);
}

void
sharing_said (sharing_t *self, uint64_t now_ms)
{
    self->is_due = false;
    self->said_ms = now_ms;
}
