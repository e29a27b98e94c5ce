#include "sharing.h"

bool
sharing_heard (sharing_t *self)
{
    bool is_news = !self->is_shared;
    self->is_shared = true;
    self->unanswered_ms = 0;
    return is_news;
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
sharing_says (sharing_t *self, uint64_t now_ms)
{
    if (self->said_ms && now_ms - self->said_ms < SHARING_SAY_EVERY_MS)
        return false;
    self->said_ms = now_ms;
    self->is_asked = false;
    return true;
}
