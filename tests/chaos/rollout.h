//  rollout — what is done to the router in `chaos --rollout`: nothing fails; everything is
//  replaced, one after the other, with the times of deploy/k8s, and edges come and go.
//
//  The grace times are those of a pod: it is taken off the balancer, which new connections notice
//  within a second; it goes on for the rest of its preStop; it gets SIGTERM, and ends by itself.
//  Before the first of them one more is started (maxSurge: 1, maxUnavailable: 0).

#ifndef ROLLOUT_H
#define ROLLOUT_H

#include "report.h"

#include <signal.h>

//  All of it, while the crowd talks. Ends sooner when `is_over` is set.
void rollout_run (report_t *run, const volatile sig_atomic_t *is_over);

#endif
