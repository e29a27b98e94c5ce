//  conversation — one session: a visitor who sends and an agent who listens, each on a connection
//  of its own, both in our own client's dialect or both in the stock widget's.
//
//  The widget hears of no acknowledgements: its message counts as acknowledged when it is
//  delivered, which is behind the commit. A browser answers pings, and so does this.
//
//  The visitor joins, then the agent, who takes control, so that no bot is asked, and says hello.
//  When the visitor has been given the hello, and the listeners, if any, have joined, the
//  pair is ready.

#ifndef CONVERSATION_H
#define CONVERSATION_H

#include "histogram.h"
#include "ledger.h"
#include "ws_link.h"

#include <stdbool.h>

//  What all pairs share: where they connect to, and what is measured.
typedef struct {
    ws_loop_t *loop;
    const uint16_t *ports;  //  of the edges; pairs are spread over them
    unsigned port_count;
    const char *run;        //  distinguishes this run's users and sessions from those of others
    unsigned data_size;     //  bytes of each message's `data`
    unsigned listeners;     //  further agents in each session
    unsigned
        window; //  closed loop: messages under way per visitor; 0: conversation_send is called
    bool is_widget;         //  speaks as the stock widget does
    bool is_patient;        //  what is answered with busy is said again
    bool is_open;           //  visitors send: begun, and not yet stopped
    uint64_t from_us;       //  messages sent from here …
    uint64_t to_us;         //  … to here are counted
    unsigned ready;         //  pairs that are
    unsigned gone;          //  connections that ended by themselves
    char why[64];           //  the last of them
    uint64_t busies;        //  messages that were answered so, each time counted
    uint64_t overheard;     //  messages delivered to listeners
    uint64_t acked;         //  in the time that is counted
    uint64_t delivered;
    histogram_t ack_delay;  //  send → ack
    histogram_t delivery_delay;
    faults_t faults;
} measurement_t;

typedef struct pair conversation_t;

//  NULL with errno set when it cannot connect.
conversation_t *conversation_new (measurement_t *measurement, unsigned number);
void conversation_destroy (conversation_t **self_p);
//  The visitor sends a message that was due at that time. False when it cannot be sent.
bool conversation_send (conversation_t *self, uint64_t due_us);
//  Patient: says again, in order, what was answered with busy. To be called every now and then.
void conversation_go_on (conversation_t *self);
//  Closed loop: sends as many as the window allows.
void conversation_fill (conversation_t *self);
//  True when nothing is under way.
bool conversation_is_quiet (const conversation_t *self);
const ledger_t *conversation_tally (const conversation_t *self);

#endif
