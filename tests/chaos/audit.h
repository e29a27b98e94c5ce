//  audit — what PostgreSQL has, against what everybody said and heard: each session's log has no
//  gap and each message once and in order; what was acknowledged is in it; the bot answered every
//  question once, and nothing while an agent was in control; everything that was for somebody was
//  told to them. A session is closed once when all have left it, and never while somebody is there.

#ifndef AUDIT_H
#define AUDIT_H

#include "crowd.h"

typedef struct {
    uint64_t entries;
    uint64_t sessions;
    uint64_t unfinished; //  work items
    uint64_t closed;     //  times that a session was closed
    uint64_t reopened;
} audit_t;

//  Work items that are not finished; −1 when PostgreSQL cannot be asked.
int64_t audit_unfinished (deployment_t *site);
//  Sessions of leavers that are closed now; −1 as above.
int64_t audit_closed (deployment_t *site);
//  After crowd_end. Notes all that is wrong; false when PostgreSQL cannot be asked.
//  `loss`: what a fail-over has lost, which is not; NULL: nothing.
bool audit_run (audit_t *self, deployment_t *site, crowd_t *crowd, const tail_loss_t *loss);

#endif
