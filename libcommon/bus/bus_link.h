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
#include "bus/bus_resolver.h"
#include "base/loop_timer.h"
#include "base/random_id.h"

#include <uv.h>

#define BUS_NODE_MAX 128

typedef struct bus_link bus_link_t;

//  What is known of a postoffice. It changes as the link does.
typedef struct {
    unsigned number;
    bool is_free; //  the link has no address
    bool is_up;
    char address[BUS_ADDRESS_MAX];
    char node[BUS_NODE_MAX]; //  what WELCOME said: its name,
    uint64_t incarnation;    //  and which start of its process it is
    hash_key_t hash_key;
    uint64_t features;       //  bits that both know
    bool is_second;          //  another link is up to the same process
    char label[BUS_NODE_MAX + BUS_ADDRESS_MAX]; //  what it is weighed as; the owner sets it
} bus_postoffice_t;

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
    bus_resolver_t *resolver; //  knows which addresses are still in use
    loop_timer_t *timer;      //  started no later than when a link wants bus_link_step
    void *client;
    //  Is this the same process as another postoffice that is up?
    bool (*is_duplicate) (void *client, const bus_postoffice_t *postoffice);
    //  It is up or down now.
    void (*changed) (void *client, const bus_postoffice_t *postoffice);
    //  The loop has woken up.
    void (*woken) (void *client);
    void *reader;
    void (*record) (void *reader, unsigned number, const bus_record_t *record);
} bus_link_owner_t;

//  The owner must outlive the link.
bus_link_t *bus_link_new (bus_link_owner_t *owner, unsigned number);
//  Says GOODBYE behind what is still queued. Calls nobody.
void bus_link_destroy (bus_link_t **self_p);

bus_postoffice_t *bus_link_postoffice (bus_link_t *self);

//  A free link gets an address.
void bus_link_take (bus_link_t *self, const char *address);
//  Does what is due for a postoffice that is not up, and frees the link when its address is not
//  used any more. Returns when to call it again; UINT64_MAX: nothing is due.
uint64_t bus_link_step (bus_link_t *self);
//  The list of the postoffices' keys is another one: a key that has left it is not spoken to.
void bus_link_check_key (bus_link_t *self);
//  Once per heartbeat, for one that is up: ends it when it is silent, else sends a heartbeat.
void bus_link_look (bus_link_t *self);

//  Returns 0; −1 when the postoffice is not up or its queue is full.
__attribute__ ((warn_unused_result)) int bus_link_send (bus_link_t *self,
                                                        const bus_record_t *record);

#endif
