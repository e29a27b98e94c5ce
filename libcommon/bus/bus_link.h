//  bus_link — one postoffice as a client sees it: its address, its socket and its stream.
//
//  resting → dialling → greeted → up → resting …   (and free, when its address is gone)
//  Every stream has a socket of its own, so that nothing of an older one can come out of it.
//
//  The struct is its client's to read; only the functions here change it. They call the client back
//  when the postoffice comes up, goes down or says something, always from the loop.

#ifndef BUS_LINK_H
#define BUS_LINK_H

#include "bus/bus_resolver.h"
#include "bus/bus_stream.h"
#include "base/backoff.h"
#include "base/random_id.h"

#define LINK_NODE_MAX 128

typedef enum {
    LINK_FREE,        //  no address
    LINK_BACKOFF,     //  until due_ms, then it is dialled
    LINK_CONNECTING,  //  HELLO waits for the connection
    LINK_HANDSHAKING, //  HELLO is out: WELCOME must come until due_ms
    LINK_UP,
} bus_link_state_t;

typedef struct bus_link bus_link_t;

//  What all postoffices of a client share: who we are, and what to do when something happens.
typedef struct {
    uv_loop_t *loop;
    const char *node;
    const char *topics;
    node_role_t role;
    uint64_t credit;
    uint64_t heartbeat_ms;
    uint64_t queue_limit;
    random_id_t boot; //  of this process start
    uint64_t dials;  //  so far
    void *client;
    //  Is this the same process as another postoffice that is up?
    bool (*is_duplicate) (void *client, const bus_link_t *postoffice);
    void (*up) (void *client, bus_link_t *postoffice);
    void (*down) (void *client, bus_link_t *postoffice);
    void (*record) (void *client, bus_link_t *postoffice, const bus_record_t *record);
    //  The loop has woken up.
    void (*woken) (void *client);
    //  The postoffice wants bus_link_step no later than in so many milliseconds.
    void (*wake_in) (void *client, uint64_t milliseconds);
} bus_link_owner_t;

struct bus_link {
    bus_link_owner_t *owner;
    unsigned number;
    bus_link_state_t state;
    uint64_t due_ms;        //  UINT64_MAX: nothing is due
    uint64_t since_ms;      //  when it came into this state
    uint64_t complained_ms; //  the last line in the log about why it is not up
    backoff_t backoff;
    bus_socket_t *socket;   //  of dialling, greeted and up
    bus_stream_t stream;
    uint64_t incarnation;
    char address[BUS_ADDRESS_MAX];
    char node[LINK_NODE_MAX];                    //  as it says itself
    char label[LINK_NODE_MAX + BUS_ADDRESS_MAX]; //  what the client weighs keys with
};

//  The host must outlive the postoffice.
bus_link_t *bus_link_new (bus_link_owner_t *owner, unsigned number);
//  Says GOODBYE behind what is still queued. Calls nobody.
void bus_link_destroy (bus_link_t **self_p);

//  A free postoffice gets an address, or one that is not up loses it.
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
