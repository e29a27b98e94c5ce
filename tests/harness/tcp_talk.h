//  tcp_talk — a TCP client that says any bytes at all, ends as it likes, and says how it was
//  answered and ended. Only 127.0.0.1; every wait has a deadline.

#ifndef TCP_TALK_H
#define TCP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_st;

typedef struct {
    int handle;
    struct ssl_st *tls; //  where the port speaks it (tls_wire_at); NULL: in clear
    char *heard; //  followed by a NUL
    size_t size;
    size_t room;
    bool has_ended; //  the server has closed
    bool was_reset;
} tcp_talk_t;

//  Asserts that somebody listens, and that a handshake succeeds where there is one. A receive
//  buffer of 0 is the system's.
tcp_talk_t tcp_talk_new (uint16_t port, int receive_buffer);
void tcp_talk_free (tcp_talk_t *self);
//  In clear, whatever the port speaks.
tcp_talk_t tcp_talk_in_clear (uint16_t port, int receive_buffer);

//  False when the server takes no more.
bool tcp_talk_say (tcp_talk_t *self, const void *bytes, size_t size);
//  Says nothing more, and still hears.
void tcp_talk_half_close (tcp_talk_t *self);
//  Ends it with a reset.
void tcp_talk_reset (tcp_talk_t *self);

//  Hears for so long, or until it has heard `most` bytes in all, or the end.
void tcp_talk_hear (tcp_talk_t *self, size_t most, uint64_t milliseconds);
//  Hears until the server ends it: true when it did, in order.
bool tcp_talk_hear_end (tcp_talk_t *self, uint64_t milliseconds);

//  The statuses of the answers that were heard, such as "200 404": each is taken by the length that
//  it says. The answers to HEAD have none: `heads` says with an 'H' which ones these are ("-H-").
//  What is no answer is "?".
const char *tcp_talk_statuses (const tcp_talk_t *self, const char *heads);

#endif
