//  workers — which worker takes which topic, and where each turn is.
//
//  A topic is a queue group: a turn goes to one worker that subscribes to it, within the credit
//  that the worker gave, to the one with the most credit left. Turns belong to the folds of their
//  sessions; here they stand in lists, one list for each state:
//
//      QUEUED ──want──► WAITING ──dispatched──► DISPATCHED ──ACCEPTED──► ACCEPTED ──forget──► gone
//                        ▲  ▲                     │ declined, not in time   │
//                        │  └─────────────────────┤                         │
//      RECOVERED ────────┘ recovery is over       │ worker lost             │
//          ▲──────────────────────────────────────┴─────────────────────────┘
//
//  The scenarios that made it so:
//  - A worker that was only cut off still has its turns. Those of a lost worker, and those that
//    were loaded from the store, are RECOVERED: for recovery_ms a worker may say ACCEPTED, and the
//    turn is its again, so that the bot hears a question once. Then the turn starts anew.
//  - A delivery (its turn_t has a lease) of a lost worker may be done: the worker reports to any
//    postoffice. When the recovery is over it is QUEUED and in no list, and its owner gives the
//    lease back instead of handing it out blindly.
//  - Two workers have one turn (the first came back): the one that accepted first goes on, the
//    other is cancelled.
//  - A worker that has declined is full: it gets nothing until the next tick or until it has
//    finished something, or two postoffices would offer it the same work in a circle.
//  - A turn that a worker let lie goes to another one, if there is one (`avoid`).
//  - A session is loaded anew while its turns are out: the new turn inherits the place, the worker
//    and the time of the old one.

#ifndef WORKERS_H
#define WORKERS_H

#include "bus/bus_server.h"
#include "rules/fold.h"

typedef struct workers workers_t;

typedef struct {
    uint64_t accepted_within_ms; //  an offer that is not ACCEPTED by then goes to another worker
    uint64_t recovery_ms;       //  how long a loaded turn waits for a worker that has it already
    //  Asked before a turn waits for a worker. False: it is HELD, in a list of the owner's, until
    //  workers_release. NULL: all may.
    bool (*admit) (void *owner, turn_t *turn);
    //  One that is_probe is over, or not wanted any more.
    void (*probe_ended) (void *owner, const turn_t *turn);
    void *owner;
} workers_config_t;

workers_t *workers_new (bus_server_t *bus, const workers_config_t *config);
void workers_destroy (workers_t **self_p);

void workers_add (workers_t *self, peer_t peer, const bus_hello_t *hello);
//  What it had in flight waits for another. Unknown peers are ignored.
void workers_remove (workers_t *self, peer_t peer);

//  The turn's session wants it done: it waits, is handed out, or is given time to be claimed.
void workers_want (workers_t *self, turn_t *turn);

//  A turn that was HELD waits for a worker.
void workers_release (workers_t *self, turn_t *turn);

//  What the worker subscribed to; "" when it is not known. It may speak of items of these topics
//  only.
const char *workers_topics (const workers_t *self, peer_t peer);

//  Is the peer a worker? Has it subscribed to the topic?
bool workers_is_one (const workers_t *self, peer_t peer);
bool workers_takes (const workers_t *self, peer_t peer, text_t topic);

//  Tells one worker of the topic, of those that know notices. It may be lost.
void workers_notice (workers_t *self, const bus_notice_t *notice);

//  The worker says that it has the turn in flight. Ignored when it is not of its topics.
void workers_accepted (workers_t *self, turn_t *turn, peer_t worker);

//  The worker does not take it: it goes to another at once. One that is ending gets nothing more;
//  one that is full is left alone for a moment. Unknown peers and items are ignored.
void workers_declined (workers_t *self, peer_t peer, const bus_declined_t *declined);

//  The turn is over, or not wanted any more: out of all lists, its credit free again. With `cancel`
//  the worker is told to stop.
void workers_forget (workers_t *self, turn_t *turn, bool cancel);

//  The new turn is the same as the old one, which is about to be destroyed: takes its place.
void workers_inherit (workers_t *self, turn_t *turn, turn_t *old);

//  Each topic of each worker, and how many items more this worker would take now.
void workers_topics_each (const workers_t *self,
                          void (*each) (void *owner, text_t topic, uint64_t room), void *owner);

//  How many turns of the topic workers have, offered or accepted.
uint64_t workers_in_flight (workers_t *self, text_t topic);

//  Nobody can come back now, as the bus refuses peers: recoveries begin anew.
//  To be called again and again while that is so.
void workers_hold (workers_t *self);

//  To be called a few times a second: looks after offers and recoveries that took too long.
void workers_tick (workers_t *self);

#endif
