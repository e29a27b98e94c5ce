#include "platform/genesys_budget.h"

#define MINUTE_US UINT64_C (60000000)
#define POLLS_PART 3

void
genesys_budget_init (genesys_budget_t *self, uint64_t per_minute)
{
    uint64_t burst = per_minute * 3 / 20, refill = per_minute * 4 / 5;
    self->burst = burst > 0 ? (unsigned) burst : 1;
    self->poll_burst = self->burst > POLLS_PART ? self->burst / POLLS_PART : 1;
    //  Rounded up: never faster than it should be.
    self->token_us = refill > 0 ? (MINUTE_US + refill - 1) / refill : MINUTE_US;
}

static uint64_t
s_wait_us (const genesys_budget_t *self, genesys_share_t share, uint64_t now_us)
{
    uint64_t all_us = token_bucket_wait_us (&self->all, now_us, self->token_us,
                                            self->burst * self->token_us);
    if (share != SHARE_POLL)
        return all_us;
    uint64_t poll_us = self->token_us * POLLS_PART;
    uint64_t polls_us =
        token_bucket_wait_us (&self->polls, now_us, poll_us, self->poll_burst * poll_us);
    return all_us > polls_us ? all_us : polls_us;
}

uint64_t
genesys_budget_wait_ms (const genesys_budget_t *self, genesys_share_t share, uint64_t now_ms)
{
    uint64_t held_ms = self->held_until_ms > now_ms ? self->held_until_ms - now_ms : 0;
    uint64_t wait_ms = (s_wait_us (self, share, now_ms * 1000) + 999) / 1000;
    if (share == SHARE_SPARE && genesys_budget_left (self, now_ms) * 2 <= self->burst)
        wait_ms = wait_ms > 0 ? wait_ms : 1;
    return held_ms > wait_ms ? held_ms : wait_ms;
}

void
genesys_budget_take (genesys_budget_t *self, genesys_share_t share, uint64_t now_ms)
{
    token_bucket_take_us (&self->all, now_ms * 1000, self->token_us);
    self->since_poll = share == SHARE_POLL ? 0 : self->since_poll + 1;
    if (share == SHARE_POLL)
        token_bucket_take_us (&self->polls, now_ms * 1000, self->token_us * POLLS_PART);
}

bool
genesys_budget_is_polls_turn (const genesys_budget_t *self)
{
    return self->since_poll >= POLLS_PART - 1;
}

void
genesys_budget_hold (genesys_budget_t *self, uint64_t until_ms)
{
    if (until_ms > self->held_until_ms)
        self->held_until_ms = until_ms;
}

uint64_t
genesys_budget_left (const genesys_budget_t *self, uint64_t now_ms)
{
    uint64_t now_us = now_ms * 1000, full_us = self->burst * self->token_us;
    uint64_t spent_us = self->all.full_us > now_us ? self->all.full_us - now_us : 0;
    return self->held_until_ms > now_ms || spent_us >= full_us
               ? 0
               : (full_us - spent_us) / self->token_us;
}

uint64_t
genesys_budget_polls_ms (const genesys_budget_t *self, uint64_t polls)
{
    return polls * self->token_us * POLLS_PART / 1000;
}
