//  tail_loss — a standby that lags, and is promoted in the middle of it all: what was committed
//  while it lagged is lost, acknowledged or not. That is the fault's doing, and is counted apart.
//  What was lost is known exactly: the old primary is started once more behind the run, and its log
//  is compared with the new one's.
//
//      level ─stopped─► lagging ─primary killed, standby promoted, cables pointed to it─► over

#ifndef TAIL_LOSS_H
#define TAIL_LOSS_H

#include "deployment.h"

typedef struct tail_loss tail_loss_t;

//  An entry of the old log with a client's own number that is not in the new log at its place.
typedef struct {
    uint32_t talk;
    bool is_agent;       //  the agent's message, else the visitor's
    uint32_t number;
    bool is_stored_again; //  at another place: it was sent again
} lost_message_t;

//  NULL when there can be no standby. The fail-over comes when `seconds` have passed.
tail_loss_t *tail_loss_new (deployment_t *site, uint64_t seconds);
void tail_loss_destroy (tail_loss_t **self_p);

//  Does what is due; takes some seconds when it is the fail-over.
void tail_loss_turn (tail_loss_t *self);
bool tail_loss_has_come (const tail_loss_t *self);

//  Behind the run. False when the logs cannot be read, which is said on standard error.
bool tail_loss_read (tail_loss_t *self);
//  In all: entries of all kinds, and messages of clients that are nowhere.
uint64_t tail_loss_entries (const tail_loss_t *self);
uint64_t tail_loss_messages (const tail_loss_t *self);

//  The message was lost where it stood; and it is nowhere else either. One that was sent again may
//  stand behind others that were said after it: their turn had come when the router had it already.
bool tail_loss_has (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t number);
bool tail_loss_is_gone (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t number);
//  All of these were lost where they stood: from … to - 1.
bool tail_loss_explains (const tail_loss_t *self, uint32_t talk, bool is_agent, uint32_t from,
                         uint32_t to);

//  For tests: what is lost, in any order.
tail_loss_t *tail_loss_of (const lost_message_t *messages, size_t count);

#endif
