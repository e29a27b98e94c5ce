//  bearer — a token that is renewed by a request (OAuth's client credentials, say): one renewal at
//  a time, whoever needs it waits.
//
//  A token is renewed before it runs out, and is used meanwhile. A token that was refused is
//  dropped, once, whoever says so. After a failure nobody is let in until a back-off is over, but
//  for those for whom the old token still holds.

#ifndef BEARER_H
#define BEARER_H

#include "base/list.h"
#include "base/text.h"

#include <stdint.h>

typedef struct bearer bearer_t;

//  Stands inside the one who waits; the loop of the renewal calls `come`, once, also when the
//  renewal failed: ask again then.
typedef struct bearer_wait {
    list_t link;
    bearer_t *bearer; //  NULL: it waits for nothing
    void (*come) (struct bearer_wait *wait);
} bearer_wait_t;

//  Begins a renewal, which ends by bearer_renewed or bearer_failed, at once or later.
typedef void bearer_renew_fn (void *owner, bearer_t *self);

typedef struct {
    const char *name;          //  for the log; copied
    uint64_t margin_ms;        //  before its end; never more than a fifth of its lifetime
    uint64_t waiters;          //  that may wait at once
    uint64_t backoff_first_ms; //  after a failure
    uint64_t backoff_most_ms;
    uint64_t (*now_ms) (void); //  NULL: the monotonic clock
    bearer_renew_fn *renew;
    void *owner;
} bearer_config_t;

typedef enum {
    BEARER_HERE,
    BEARER_LATER, //  `come` will be called
    BEARER_NEVER, //  the last renewal failed a moment ago, or too many wait
} bearer_when_t;

bearer_t *bearer_new (const bearer_config_t *config);
//  Nobody waits any more, and no renewal is under way.
void bearer_destroy (bearer_t **self_p);

bearer_when_t bearer_want (bearer_t *self, bearer_wait_t *wait);
void bearer_leave (bearer_wait_t *wait);
//  Of the token that is held: valid until the loop turns; "" when there is none.
const char *bearer_token (const bearer_t *self);
//  Tells tokens apart.
uint64_t bearer_serial (const bearer_t *self);
//  The far side did not take the token of that serial.
void bearer_refused (bearer_t *self, uint64_t serial);

//  The renewal's end. A token that cannot stand in a header is a failure.
void bearer_renewed (bearer_t *self, text_t token, uint64_t lifetime_ms);
//  `reason` is for the log; `retry_after_ms` makes the back-off longer.
void bearer_failed (bearer_t *self, const char *reason, uint64_t retry_after_ms);

#endif
