//  site — the router under test with everything that can be done to it: the stack's processes, and
//  a cable between every two that talk.
//
//  Discovery is by DNS: each process has a hosts file of its own (nss_wrapper) in which the name
//  `postoffice` has as many addresses as there are postoffices. Each of those is the cable between
//  just this process and that postoffice.
//
//  What the router does that it must not (a process that ends by itself, that does not end well or
//  cannot be started again) is noted in the trouble given.

#ifndef SITE_H
#define SITE_H

#include "plan.h"
#include "trouble.h"

#include "cables.h"
#include "stack.h"

typedef enum { SITE_EDGE, SITE_POSTOFFICE, SITE_CONNECTOR, SITE_KINDS } site_kind_t;

typedef struct site site_t;

//  `place` is a directory for hosts files and logs. NULL when something needed is not there.
site_t *site_new (const plan_t *plan, const char *place, trouble_t *trouble);
void site_destroy (site_t **self_p);

router_stack_t *site_stack (site_t *self);
cables_t *site_cables (site_t *self);
trouble_t *site_trouble (site_t *self);
//  Without the spare, which has the next number.
unsigned site_count (const site_t *self, site_kind_t kind);
//  "edge-3" for number 2; valid until the next four calls.
const char *site_name (site_kind_t kind, unsigned number);
bool site_has_disk (const site_t *self);

//  Cables of one kind; `ends` counts all, the spare's included.
typedef enum { SITE_BUS, SITE_POSTGRES, SITE_CLIENTS, SITE_CABLE_KINDS } site_cables_t;
unsigned site_cable_count (const site_t *self, site_cables_t kind);
int site_cable (const site_t *self, site_cables_t kind, unsigned number);
//  Between which two the cable is.
void site_cable_ends (const site_t *self, site_cables_t kind, unsigned number, const char **here,
                      const char **there);

//  Ports that clients connect to: of the edge itself, and of the cable to it.
uint16_t site_door (const site_t *self, unsigned edge, bool through_cable);
//  Whether the spare edge is up: only then clients know it.
bool site_has_spare_edge (const site_t *self);

//  What is not running is not known (any more), and the other way round.
void site_set_known (site_t *self, site_kind_t kind, unsigned number, bool is_known);

//  Looks whether all that should run do; takes down their memory. Starts again what did not.
void site_watch (site_t *self);
//  SIGKILL, and it is meant to be down.
void site_kill (site_t *self, site_kind_t kind, unsigned number);
//  Starts one that is down. False when it cannot be started, which is noted as trouble.
bool site_launch (site_t *self, site_kind_t kind, unsigned number);
//  SIGTERM, not waited for: site_watch sees to it that it ends in time and well.
void site_end (site_t *self, site_kind_t kind, unsigned number);
bool site_is_down (const site_t *self, site_kind_t kind, unsigned number);

//  The most memory of any process of this kind so far, kB: of its own peak, and its Pss.
void site_memory (const site_t *self, site_kind_t kind, uint64_t *peak_kb, uint64_t *pss_kb);

#endif
