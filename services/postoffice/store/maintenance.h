//  maintenance — the store's own database link: brings the schema up to date, says every two
//  seconds that this process lives, takes over the work of those that do not, keeps partitions
//  for today and tomorrow, and tells other postoffices, and hears from them, who writes to which
//  session.
//
//  Behind a pooler it is not up before something that another connection says was heard: a pooler
//  that gives each transaction another server keeps neither LISTEN nor any setting of ours.

#ifndef MAINTENANCE_H
#define MAINTENANCE_H

#include "store/store_model.h"

#include <uv.h>

typedef struct maintenance maintenance_t;

typedef struct {
    void (*changed) (void *owner, bool is_up); //  up: the schema is the right one, and we listen
    void (*unfit) (void *owner);               //  see store.h
    void (*noticed) (void *owner, store_notice_t what, text_t session); //  likewise
    void (*clocked) (void *owner, int64_t database_ms); //  likewise
    uint64_t (*room) (void *owner);            //  likewise
} maintenance_events_t;

maintenance_t *maintenance_new (uv_loop_t *loop, const store_config_t *config,
                                const maintenance_events_t *events, void *owner);
void maintenance_destroy (maintenance_t **self_p);
//  Up, and the database answers: it is asked for something every two seconds in any case.
bool maintenance_is_alive (const maintenance_t *self);

//  See store_notify.
int maintenance_notify (maintenance_t *self, store_notice_t what, text_t session);

#endif
