//  bus_link — one postoffice as a client sees it: its address, its socket and its stream.
//
//  backoff → connecting → handshaking → up → backoff …   (and free, when its address is gone)
//  Every stream has a socket of its own, so that nothing of an older one can come out of it.
//
//  A link calls its owner back when the postoffice comes up, goes down or says something, always
//  from the loop.

#ifndef BUS_LINK_H
#define BUS_LINK_H

#include "bus/bus_keys.h"
#include "bus/bus_record.h"
#include "base/random_id.h"

#include <uv.h>

typedef struct bus_link bus_link_t;

//  What all links of a client share: who we are, and what to do when something happens.
typedef struct {
    uv_loop_t *loop;
    const char *node;
    const char *topics;
    node_role_t role;
    uint64_t credit;
    uint64_t heartbeat_ms;
    uint64_t queue_limit;
    random_id_t boot; //  of this process start
    uint64_t dials;   //  so far
    bus_keys_t *keys; //  NULL: plain
    void *client;
    //  Is this the same process as another postoffice that is up?
    bool (*is_duplicate) (void *client, const bus_link_t *link);
    void (*up) (void *client, bus_link_t *link);
    void (*down) (void *client, bus_link_t *link);
    void (*record) (void *client, bus_link_t *link, const bus_record_t *record);
    //  The loop has woken up.
    void (*woken) (void *client);
    //  The link wants bus_link_step no later than in so many milliseconds.
    void (*wake_in) (void *client, uint64_t milliseconds);
} bus_link_owner_t;

//  The owner must outlive the link.
bus_link_t *bus_link_new (bus_link_owner_t *owner, unsigned number);
//  Says GOODBYE behind what is still queued. Calls nobody.
void bus_link_destroy (bus_link_t **self_p);

unsigned bus_link_number (const bus_link_t *self);
bool bus_link_is_free (const bus_link_t *self);
bool bus_link_is_up (const bus_link_t *self);
//  Neither up nor about to be: nothing is lost when the address is forgotten.
bool bus_link_is_idle (const bus_link_t *self);
//  UINT64_MAX: nothing is due.
uint64_t bus_link_due_ms (const bus_link_t *self);
const char *bus_link_address (const bus_link_t *self);

//  What WELCOME said: the node's name and which start of its process it is.
const char *bus_link_node (const bus_link_t *self);
uint64_t bus_link_incarnation (const bus_link_t *self);
//  What the postoffice is weighed as: another one than that of any other link that is up.
void bus_link_set_label (bus_link_t *self, const char *node, const char *address);
//  The weight of a session at this postoffice, by the hash key of its WELCOME.
uint64_t bus_link_weight (const bus_link_t *self, text_t session);

//  A free link gets an address, or one that is not up loses it.
void bus_link_take (bus_link_t *self, const char *address);
void bus_link_forget (bus_link_t *self);

//  Does what is due for a postoffice that is not up.
void bus_link_step (bus_link_t *self);
//  Once per heartbeat, for one that is up: ends it when it is silent, else sends a heartbeat.
void bus_link_look (bus_link_t *self);

//  Returns 0; −1 when the postoffice is not up or its queue is full.
__attribute__ ((warn_unused_result)) int bus_link_send (bus_link_t *self,
                                                        const bus_record_t *record);

#endif
