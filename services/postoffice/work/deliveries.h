//  deliveries — work items that only tell the outside something: leased from the database as fast
//  as workers take them, handed out, and finished by what the workers report.
//
//  However many wait, they cost nothing here: only what workers have room for is taken. The places
//  of an item in memory:
//
//      (append) ──lease──► PROMISED ─stored, leased─┐
//                             └─ not stored, or not leased: gone
//      (database) ─take─► OUT ◄──────────────────────┘
//                          │ ─────────── DONE ────────────► REPORTED ─stored─► (database)
//                          │  waiting, dispatched, accepted,    ▲    │ or stale: SETTLED
//                          │  recovered: see workers.h          │    └─ not known: sent again
//                          └─ lease over: ready again, at once ─┘
//
//  - An item that a changeset makes is leased by the append that stores it, when a worker has room
//    for it: the first attempt costs no further round trip. It counts against that room from the
//    moment on in which it is promised. When nobody knows whether the append was stored, the item
//    is not known here, and is released if it is there (work_store.h).
//  - What the database says last counts: a report of an attempt behind which another one has begun
//    is stale. So a worker that comes back after its lease, at this postoffice or at another one,
//    does no harm, and one that comes back before that is heard.
//  - A worker is lost and does not come back in time: the item is ready again, as a further
//    attempt. It is not handed out again from here, as its worker may have reported it elsewhere,
//    which only the database knows. (A postoffice that was stopped, or cut off, has lost all its
//    workers.)
//  - A worker has lease_ms for an item, from its last ACCEPTED on: one that is slow says ACCEPTED
//    again. One that forgets an item loses it, and the item is ready again as a further attempt.
//  - When this process dies, its leases are released by others (work_store.h).
//  - A report for an item that is not here (its postoffice has died) is stored all the same.
//
//  Timers (topic `timer`) are taken on the postoffice's own behalf, TIMERS_MOST at a time, and
//  given to their sessions: one that runs is finished in the transaction of its entries, one that
//  is stale by a report. Whatever else becomes of one, its lease ends, and it is run again.

#ifndef DELIVERIES_H
#define DELIVERIES_H

#include "bus/bus_server.h"
#include "config/apps.h"
#include "store/work_store.h"
#include "work/workers.h"

typedef struct deliveries deliveries_t;

//  Leased at a time: each may be a session to load, which is not to stand before commits.
#define TIMERS_MOST 200

typedef struct {
    //  A timer is due: it is run, or found to be stale, and deliveries_timer_ended called. The
    //  texts live as long as the call.
    void (*run_timer) (void *owner, const work_taken_t *timer);
    void *owner;
    const apps_t *apps; //  borrowed: have paces of destinations; or NULL
    uint64_t lease_ms;
    uint64_t kept_ms; //  how long finished items of all kinds stay in the database
} deliveries_config_t;

//  Borrows the bus and the workers.
deliveries_t *deliveries_new (uv_loop_t *loop, bus_server_t *bus, workers_t *workers,
                              const store_config_t *store, const deliveries_config_t *config);
//  The schema is the right one now.
void deliveries_open (deliveries_t *self);
//  Before the workers are destroyed.
void deliveries_destroy (deliveries_t **self_p);

//  ACCEPTED: true when it is of a delivery here.
bool deliveries_accepted (deliveries_t *self, peer_t peer, const bus_accepted_t *accepted);
//  DONE of an item whose topic is not one of turns: answered with SETTLED.
void deliveries_done (deliveries_t *self, peer_t peer, const bus_done_t *done);

//  An append is about to store the item: true when it is to lease it, because a worker of the topic
//  has room for it. Then deliveries_hand_out or deliveries_let_go follows. One with a destination
//  is always taken from the table: deliveries_look.
bool deliveries_lease (deliveries_t *self, const store_work_t *work);
//  The append is stored, and the item leased: it goes to a worker.
void deliveries_hand_out (deliveries_t *self, text_t session, text_t app, const store_work_t *work);
//  The item is not leased, or nobody knows.
void deliveries_let_go (deliveries_t *self, text_t item);
//  The item is cancelled: a worker that has it is told so.
void deliveries_cancel (deliveries_t *self, text_t item);
//  An item was not leased, and is in the table: if a take under way was to blame, or its
//  destination, a take follows.
void deliveries_look (deliveries_t *self);

typedef enum {
    TIMER_RAN,   //  and is finished, in the transaction of its entries
    TIMER_STALE, //  nothing is to be done
    TIMER_AGAIN, //  it is to be run again, after so long
    TIMER_LOST,  //  it could not be run now
    TIMER_BAD,   //  it can never be run
} timer_end_t;
void deliveries_timer_ended (deliveries_t *self, text_t item, uint64_t attempt, timer_end_t end,
                             uint64_t again_ms);

//  The process is about to end: no more timers are taken.
void deliveries_drain (deliveries_t *self);

//  To be called a few times a second.
void deliveries_tick (deliveries_t *self);

#endif
