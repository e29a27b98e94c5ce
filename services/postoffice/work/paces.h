//  paces — how fast deliveries go to a destination, all postoffices and workers together: what an
//  app says of its mail server and its account (`email.perMinute`, `sms.perSecond`), and what Slack
//  takes. The take (store/schema/work.sql) keeps them.

#ifndef PACES_H
#define PACES_H

#include "config/apps.h"
#include "store/work_store.h"

typedef struct paces paces_t;

//  Borrows the apps; NULL: there are none.
paces_t *paces_new (const apps_t *apps);
void paces_destroy (paces_t **self_p);

//  Of each kind of destination its usual pace, and those of apps that have another one. Valid until
//  the next call.
const work_paces_t *paces_list (paces_t *self);

#endif
