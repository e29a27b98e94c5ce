//  tcp_talk — a TCP client that says any bytes at all, ends as it likes, and says how it was
//  answered and ended. Only 127.0.0.1; every wait has a deadline.

#ifndef TCP_TALK_H
#define TCP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int handle;
    char *heard; //  followed by a NUL
    size_t size;
    size_t room;
    bool has_ended; //  the server has closed
    bool was_reset;
} tcp_talk_t;

//  Asserts that somebody listens. A receive buffer of 0 is the system's.
tcp_talk_t tcp_talk_new (uint16_t port, int receive_buffer);
void tcp_talk_free (tcp_talk_t *self);

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
