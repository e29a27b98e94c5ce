#include "session/split_hosting.h"

void
split_hosting_loaded (split_hosting_t *self, bool has_other)
{
    self->is_fresh = true;
    self->is_due = self->is_due || has_other;
}

void
split_hosting_stored (split_hosting_t *self, uint64_t now_ms)
{
    self->is_fresh = false;
    self->stored_ms = now_ms;
}

void
split_hosting_asked (split_hosting_t *self)
{
    self->is_due = true;
}

bool
split_hosting_heard (split_hosting_t *self, uint64_t now_ms)
{
    bool is_news = !self->is_shared;
    self->is_shared = true;
    self->unanswered_ms = 0;
    self->is_due = true;
    return is_news && self->stored_ms && now_ms - self->stored_ms < SPLIT_HOSTING_RECENT_MS;
}

bool
split_hosting_was_deaf (const split_hosting_t *self, uint64_t since_ms)
{
    return self->stored_ms && self->stored_ms + SPLIT_HOSTING_RECENT_MS >= since_ms;
}

bool
split_hosting_is_on (split_hosting_t *self, uint64_t now_ms)
{
    if (!self->is_shared)
        return false;
    if (self->unanswered_ms == 0)
        self->unanswered_ms = now_ms;
    if (now_ms - self->unanswered_ms > SPLIT_HOSTING_UNANSWERED_MS)
        self->is_shared = false;
    return true;
}

bool
split_hosting_tells (split_hosting_t *self, uint64_t now_ms)
{
    return split_hosting_is_on (self, now_ms) || self->is_fresh;
}

bool
split_hosting_says (const split_hosting_t *self, uint64_t now_ms)
{
    return self->is_due
           && (self->said_ms == 0 || now_ms - self->said_ms >= SPLIT_HOSTING_SAY_EVERY_MS);
}

void
split_hosting_said (split_hosting_t *self, uint64_t now_ms)
{
    self->is_due = false;
    self->said_ms = now_ms;
}
