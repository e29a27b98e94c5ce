//  deployment — the router under test with everything that can be done to it: the stack's
//  processes, and a cable between every two that talk.
//
//  Discovery is by DNS: each process has a hosts file of its own (nss_wrapper) in which the name
//  `postoffice` has as many addresses as there are postoffices. Each of those is the cable
//  between just this process and that postoffice.
//
//  What the router does that it must not (a process that ends by itself, that does not end well
//  or cannot be started again) is noted in the trouble given.

#ifndef DEPLOYMENT_H
#define DEPLOYMENT_H

#include "plan.h"
#include "findings.h"

#include "fault_proxy.h"
#include "stack.h"

//  SITE_WORKER is the scripted one (deliveries/chaos_worker.c).
typedef enum {
    SITE_EDGE,
    SITE_POSTOFFICE,
    SITE_CONNECTOR,
    SITE_WORKER,
    SITE_KINDS
} deployment_kind_t;

typedef struct site deployment_t;

//  With the spare.
#define DEPLOYMENT_EDGES_MOST 7

//  `place` is a directory for hosts files and logs. NULL when something needed is not there.
deployment_t *deployment_new (const plan_t *plan, const char *place, findings_t *trouble);
void deployment_destroy (deployment_t **self_p);

router_stack_t *deployment_stack (deployment_t *self);
fault_proxy_t *deployment_cables (deployment_t *self);
findings_t *deployment_trouble (deployment_t *self);
//  Without the spare, which has the next number.
unsigned deployment_count (const deployment_t *self, deployment_kind_t kind);
//  "edge-3" for number 2; valid until the next four calls.
const char *deployment_name (deployment_kind_t kind, unsigned number);
bool deployment_has_disk (const deployment_t *self);
//  The file in which the scripted workers tell what they did.
const char *deployment_receiver (const deployment_t *self);

//  Cables of one kind; `ends` counts all, the spare's included.
//  SESSION_CLOSE_AFTER of the router under test.
#define SITE_CLOSE_AFTER_MS 5000

typedef enum { SITE_BUS, SITE_POSTGRES, SITE_CLIENTS, SITE_CABLE_KINDS } deployment_cables_t;
unsigned deployment_cable_count (const deployment_t *self, deployment_cables_t kind);
int deployment_cable (const deployment_t *self, deployment_cables_t kind, unsigned number);
//  The cable of the bus between this worker and this postoffice.
unsigned deployment_worker_cable (const deployment_t *self, unsigned worker, unsigned office);
//  Between which two the cable is.
void deployment_cable_ends (const deployment_t *self, deployment_cables_t kind, unsigned number,
                            const char **here, const char **there);

//  Ports that clients connect to: of the edge itself, and of the cable to it.
uint16_t deployment_door (const deployment_t *self, unsigned edge, bool through_cable);
//  Which edges clients know, as bits: all but the spare, and the spare while it is up. In a rollout
//  those that the balancer has.
unsigned deployment_known_edges (const deployment_t *self);

//  What is not running is not known (any more), and the other way round.
void deployment_set_known (deployment_t *self, deployment_kind_t kind, unsigned number,
                           bool is_known);

//  Looks whether all that should run do; takes down their memory. Starts again what did not.
void deployment_watch (deployment_t *self);
//  SIGKILL, and it is meant to be down.
void deployment_kill (deployment_t *self, deployment_kind_t kind, unsigned number);
//  Starts one that is down. False when it cannot be started, which is noted as trouble.
bool deployment_launch (deployment_t *self, deployment_kind_t kind, unsigned number);
//  SIGTERM, not waited for: deployment_watch sees to it that it ends in time and well.
void deployment_end (deployment_t *self, deployment_kind_t kind, unsigned number);
bool deployment_is_down (const deployment_t *self, deployment_kind_t kind, unsigned number);

//  The most memory of any process of this kind so far, kB: of its own peak, and its Pss.
void deployment_memory (const deployment_t *self, deployment_kind_t kind, uint64_t *peak_kb,
                        uint64_t *pss_kb);

#endif
