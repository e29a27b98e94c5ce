//  bus_office — one postoffice as a client sees it: a row with its state, its socket and its stream.
//
//  resting → dialling → greeted → up → resting …   (and free, when its address is gone)
//  Every stream has a socket of its own, so that nothing of an older one can come out of it.

#ifndef BUS_OFFICE_H
#define BUS_OFFICE_H

#include "bus/bus_client.h"
#include "bus/bus_directory.h"
#include "bus/bus_stream.h"
#include "parts/backoff.h"

#define OFFICE_NODE_MAX 128

typedef enum {
    OFFICE_FREE,     //  no address
    OFFICE_RESTING,  //  until due_ms, then it is dialled
    OFFICE_DIALLING, //  HELLO waits for the connection
    OFFICE_GREETED,  //  HELLO is out: WELCOME must come until due_ms
    OFFICE_UP,
} office_state_t;

typedef struct {
    bus_client_t *client;
    unsigned number;
    office_state_t state;
    uint64_t due_ms;
    uint64_t since_ms;      //  when it came into this state
    uint64_t complained_ms; //  the last line in the log about why it is not up
    backoff_t backoff;
    bus_socket_t *socket;   //  of dialling, greeted and up
    bus_stream_t stream;
    uint64_t incarnation;
    char address[BUS_ADDRESS_MAX];
    char node[OFFICE_NODE_MAX];                    //  as it says itself
    char label[OFFICE_NODE_MAX + BUS_ADDRESS_MAX]; //  what keys are weighed with
} bus_office_t;

#endif
