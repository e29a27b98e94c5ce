//  bus_rig — both ends of the bus on one loop, and what they were told.
//
//  A client says SIGNAL with a rising `endpoint`, a server POSTED with a rising `post`, so that the
//  other side can tell whether anything is lost, doubled or out of order within a stream.

#ifndef BUS_RIG_H
#define BUS_RIG_H

#include "bus/bus_client.h"
#include "bus/bus_server.h"

//  Three of them are longer than a busy machine leaves a test without its turn.
#define RIG_HEARTBEAT_MS 200
#define RIG_QUEUE_LIMIT (1024 * 1024)
#define RIG_POSTOFFICES_MAX 8
#define RIG_ADDRESS_MAX 128
#define RIG_PEERS_MAX 256

typedef struct rig {
    uv_loop_t loop;
    uv_timer_t wake;
} rig_t;

typedef struct rig_server {
    bus_server_t *bus;
    char address[RIG_ADDRESS_MAX]; //  for clients: "127.0.0.1:1234"
    unsigned ups, downs;
    peer_t peer;       //  the last one that came up
    char node[64];     //  and what it called itself
    char topics[64];
    uint64_t credit;
    uint64_t records;
    uint64_t next;     //  of the only client
    bool is_broken;    //  something was lost, doubled or out of order
    unsigned answer_every; //  0: never; else every so manieth record is answered with POSTED
    uint64_t answered;
    uint64_t refused;
} rig_server_t;

typedef struct rig_client {
    bus_client_t *bus;
    unsigned ups, downs;
    int postoffice; //  the last one that came up
    uint64_t records;
    uint64_t next[RIG_POSTOFFICES_MAX];
    bool is_broken;
    bool is_answering; //  sends a SIGNAL from within the callback of each record
    uint64_t said[RIG_POSTOFFICES_MAX]; //  in this stream
} rig_client_t;

void rig_start (rig_t *self);
//  Runs the loop until every handle is closed; fails the test when one stays.
void rig_stop (rig_t *self);
//  Turns the loop once, or waits 5 ms at most.
void rig_turn (rig_t *self);

#define RIG_UNTIL(rig, milliseconds, condition)                                                    \
    do {                                                                                           \
        uint64_t rig_deadline = eventually_deadline (milliseconds);                                \
        while (!(condition)) {                                                                     \
            cr_assert (clock_mono_ms () < rig_deadline, "did not come true in %d ms: %s",          \
                       (int) (milliseconds), #condition);                                          \
            rig_turn (rig);                                                                        \
        }                                                                                          \
    } while (0)
void rig_turn_for (rig_t *self, uint64_t milliseconds);

//  A postoffice whose owner the test is. Binds to the address, or to any port when that is empty,
//  and writes there what it is bound to. The address of the config does not count.
bus_server_t *rig_postoffice_new (rig_t *rig, char address[RIG_ADDRESS_MAX],
                                  const bus_server_config_t *config,
                                  const bus_server_events_t *events, void *owner);
//  Binds to any port, or again to the one of the address when that is set.
void rig_server_start (rig_server_t *self, rig_t *rig, const char *node);
void rig_server_start_with (rig_server_t *self, rig_t *rig, const bus_server_config_t *config);
void rig_client_start (rig_client_t *self, rig_t *rig, const char *node, const char *addresses);
void rig_client_start_with (rig_client_t *self, rig_t *rig, const bus_client_config_t *config);

//  Each says the next thing. Returns what the bus did.
int rig_client_say (rig_client_t *self, unsigned postoffice, text_t sender);
int rig_server_say (rig_server_t *self, peer_t peer, uint64_t number, text_t session);

#endif
