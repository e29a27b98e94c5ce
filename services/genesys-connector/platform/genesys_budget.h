//  genesys_budget — how fast one token may be used. The platform counts in fixed windows of a
//  minute for each token, and nobody is told when a window begins: what may be called at once, and
//  what comes back within a minute, must together stay below the rate in every minute there is.
//
//  Of a rate of 300 a minute 45 may be called at once and 240 come back in a minute; 15 are for
//  calls that arrive later than they were sent. Polls have a third of both, and others take nothing
//  of that third's turn: of what waits, each third call is a poll.
//
//  Pure: the time is given, in milliseconds of any clock that does not go back.

#ifndef GENESYS_BUDGET_H
#define GENESYS_BUDGET_H

#include "base/token_bucket.h"

typedef enum {
    SHARE_OPEN,  //  as much as there is
    SHARE_POLL,  //  a third of it
    SHARE_SPARE, //  only while more than half of what may be called at once is left
} genesys_share_t;

typedef struct {
    token_bucket_t all, polls;
    uint64_t token_us;      //  one call comes back in so long
    uint64_t held_until_ms; //  a 429 was answered
    unsigned burst, poll_burst;
    unsigned since_poll; //  calls of others
} genesys_budget_t;

//  Full. Of one that is in use the rate is changed.
void genesys_budget_init (genesys_budget_t *self, uint64_t per_minute);

//  In how many milliseconds a call of this share could be made; 0: now.
uint64_t genesys_budget_wait_ms (const genesys_budget_t *self, genesys_share_t share,
                                 uint64_t now_ms);
//  One is made, whether or not it could.
void genesys_budget_take (genesys_budget_t *self, genesys_share_t share, uint64_t now_ms);
//  Is it a poll's turn, where polls and others wait?
bool genesys_budget_is_polls_turn (const genesys_budget_t *self);
//  Nothing is called until then; the longer one counts.
void genesys_budget_hold (genesys_budget_t *self, uint64_t until_ms);

//  Calls that could be made at once now.
uint64_t genesys_budget_left (const genesys_budget_t *self, uint64_t now_ms);
//  How long `polls` polls, one after the other, take of the polls' share.
uint64_t genesys_budget_polls_ms (const genesys_budget_t *self, uint64_t polls);

#endif
