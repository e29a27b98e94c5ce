//  edge_fixture — edge as a real process between clients (raw WebSockets) and a scripted postoffice
//  (bus_server on the test's own loop). There is one stage in a test; its functions assert.

#ifndef EDGE_FIXTURE_H
#define EDGE_FIXTURE_H

#include "bus_rig.h"
#include "process.h"
#include "ws_client.h"

#define HEARD_MOST 4096

//  One record that the edge said; its texts are copies.
typedef struct {
    bus_record_t record;
    bool taken; //  a test has looked at it
} heard_t;

typedef struct {
    rig_t rig;
    bus_server_t *bus;
    char address[RIG_ADDRESS_MAX];
    peer_t peer;
    heard_t heard[HEARD_MOST];
    unsigned count;
    process_t *edge;
    uint16_t port;
} stage_t;

//  `more` are settings in place of the usual ones, ended by NULL. With EDGE_TLS_CERTIFICATE among
//  them the clients of the harness speak TLS; with EDGE_OVER_TLS in the environment of the test all
//  do, with a certificate that is made for it.
stage_t *stage_start (const char *const *more);
#define START(...) stage_start ((const char *const[]){ __VA_ARGS__, NULL })
//  The edge ends in order, or has ended.
void stage_end (stage_t *self);

//  Binds anew to the same address after the first time.
void stage_open_postoffice (stage_t *self);
//  And the edge has noticed.
void stage_lose_postoffice (stage_t *self);

//  For a second it has nothing to do: it sleeps. `after` says what was before.
void stage_expect_quiet (stage_t *self, const char *after);

ws_client_t *stage_connect (stage_t *self, const char *target);
//  A TCP connection that says nothing; the caller closes it.
int stage_mute (const stage_t *self);
//  The same from another address of the loopback, such as "127.0.0.2".
int stage_mute_from (const stage_t *self, const char *source);
//  A client joins s-1; returns its endpoint.
uint64_t stage_join (stage_t *self, ws_client_t *client);
void stage_message (ws_client_t *client, const char *session, const char *message_id);

//  What the postoffice was told and the test has not looked at yet. find: NULL when there is none
//  of the kind now; hear waits for one.
heard_t *stage_find (stage_t *self, bus_kind_t kind);
const bus_record_t *stage_hear (stage_t *self, bus_kind_t kind);

//  What the postoffice says.
void stage_say (stage_t *self, const bus_record_t *record);
void stage_attached (stage_t *self, const bus_record_t *attach, verdict_t verdict, uint64_t seq);
//  The client is told `busy` for this message.
void stage_busy (ws_client_t *client, const char *message_id);
void stage_posted (stage_t *self, const bus_record_t *post, verdict_t verdict, uint64_t seq);
void stage_deliver (stage_t *self, uint64_t endpoint, uint64_t seq, const char *data,
                    bool end_of_window);

#endif
