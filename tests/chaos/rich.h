//  rich — a client that acts as client.js does, with one message in flight or several: `resume`
//  after every connect, unacknowledged messages said again in order with their old messageId,
//  `busy` and `going away` obeyed, reconnects with back-off and jitter.
//
//  Its messages are numbered from 0 and have the ids "m-0", "m-1" … (a visitor's) or "a-0" … (an
//  agent's, whose `barge in` is "b-0" …). An agent who has lost control takes it again before
//  saying anything: what was refused for good has no order among what is said then. It complains of
//  everything that comes twice, out of order or unasked.

#ifndef RICH_H
#define RICH_H

#include "client.h"

#define RICH_WINDOW 8

typedef struct {
    //  It is in its session, on a new connection.
    void (*is_in) (void *owner);
    //  One more message of its own is stored.
    void (*stored) (void *owner);
    //  A frame of the log that is not of its own: a message, or somebody came or went.
    void (*heard) (void *owner, text_t frame, uint32_t seq);
} rich_events_t;

typedef struct {
    client_t client;
    const rich_events_t *events;
    void *owner;
    bool is_agent;
    unsigned window;        //  messages in flight: 1, as client.js, to RICH_WINDOW
    unsigned text_size;     //  bytes of its messages' text, about
    uint32_t wanted;        //  so many are to be said
    uint32_t said;          //  so many were, at least once
    uint32_t stored;        //  acknowledged, from the first one without a hole
    uint32_t again;         //  the next one to send on this connection
    uint64_t said_ms[RICH_WINDOW];
    uint64_t sent_us[RICH_WINDOW];
    uint32_t *stored_seqs;  //  of each that is stored
    uint32_t stored_room;
    uint32_t last_seq;      //  highest that it was told
    char check[20];         //  that came with it
    //  It asked on a connection that it has whether anything is missing: what came before the
    //  answer comes again behind it, once and in order, and client.js passes over it.
    bool is_probing;
    uint32_t probed_seq;    //  what it said that it has
    uint32_t repeated;      //  what it has been told again
    uint32_t repeats_to;
    uint32_t again_below;   //  up to there it is told again what it had: the history has changed
    bool is_in;
    bool orders_control;    //  says `barge in` as soon as it can
    bool awaits_control;    //  and nothing else until that is acknowledged
    uint32_t takes;         //  how often it has said so
    unsigned attempts;
    uint64_t leaving_us;    //  `going away`: reconnect after this; UINT64_MAX: not said
    //  Times at which something happens; 0: not.
    uint64_t busy_until;
    uint64_t join_by;
    uint64_t ack_by;
    uint64_t leave_by;
    uint64_t stable_at;
    uint64_t quiet_at;
    uint64_t probe_by;
    wait_t ack_wait;
} rich_t;

void rich_init (rich_t *self, crowd_context_t *scene, const rich_events_t *events, void *owner,
                who_t who, bool is_agent);
void rich_free (rich_t *self);
void rich_tick (rich_t *self);
//  Nothing of its own is unanswered.
bool rich_is_quiet (const rich_t *self);

#endif
