//  fault_proxy — TCP connections that can be cut: each cable has a listener of its own and passes
//  bytes on, in both directions, to a server on 127.0.0.1, as well as it is told to.
//
//  All cables live in one thread of their own; the calls below come from one other thread and are
//  carried out soon after they return. Everything that a cable takes it passes on whole and in
//  order, however late, or it resets the connection.

#ifndef FAULT_PROXY_H
#define FAULT_PROXY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cables fault_proxy_t;

typedef enum {
    CABLE_GOOD,
    CABLE_SILENT, //  nothing comes through, not even the end of a connection
    CABLE_SLOW,   //  everything comes late, and little at a time
} cable_manner_t;

typedef struct {
    cable_manner_t manner;
    unsigned delay_ms;         //  CABLE_SLOW
    unsigned bytes_per_second; //  CABLE_SLOW: of each connection and direction
} cable_state_t;

fault_proxy_t *fault_proxy_new (void);
void fault_proxy_destroy (fault_proxy_t **self_p);

//  A cable from this numeric address and port to a port of 127.0.0.1, on which nobody has to listen
//  yet; others may be in use. Returns its number, or −1 when the address is taken.
int fault_proxy_lay (fault_proxy_t *self, const char *address, uint16_t port, uint16_t to_port);
void fault_proxy_set (fault_proxy_t *self, int cable, const cable_state_t *state);
//  From now on its connections go to this port. Those that are there stay where they are.
void fault_proxy_point (fault_proxy_t *self, int cable, uint16_t to_port);
//  Resets all connections that go through it now.
void fault_proxy_reset (fault_proxy_t *self, int cable);

#endif
