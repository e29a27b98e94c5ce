//  bus_monitor — what ZeroMQ reports of a socket's connections: handshakes that fail, and at a
//  ROUTER who is connected without a stream.
//
//  ZeroMQ accepts whoever comes and tells nobody. A connection without a stream is a *stranger*: it
//  has said no HELLO yet, or its stream is over. A stranger is cut after BUS_STRANGER_MS, and when
//  there are more than BUS_STRANGERS_MAX, the oldest one is cut at once. So who only connects takes
//  neither memory nor descriptors from those that work.

#ifndef BUS_MONITOR_H
#define BUS_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define BUS_STRANGER_MS 5000
#define BUS_STRANGERS_MAX 256

typedef struct bus_monitor bus_monitor_t;

//  A handshake has failed. `address` is the other side's, or "" when it is not known.
typedef void bus_refused_fn (void *owner, const char *why, const char *address);

//  Watches the socket, and wakes the loop when there is something to take. NULL when there are no
//  descriptors left; errno says so. `refused` may be NULL.
bus_monitor_t *bus_monitor_new (uv_loop_t *loop, void *socket, bool has_keys,
                                bus_refused_fn *refused, void *owner);
//  Before the socket is closed. May be called from the callback, which is then the last one.
void bus_monitor_destroy (bus_monitor_t **self_p);

//  Takes what is reported, up to a limit.
void bus_monitor_take (bus_monitor_t *self);
//  There may be more to take: the loop must not sleep.
bool bus_monitor_is_ready (const bus_monitor_t *self);

//  The connection that was accepted with this descriptor, as a number that is never used twice; 0
//  when it is gone already.
uint64_t bus_monitor_connection (bus_monitor_t *self, int descriptor);
//  A stream has begun on the connection, or it is over.
void bus_monitor_stream (bus_monitor_t *self, uint64_t connection, bool has_begun);
//  From time to time: cuts strangers whose time is up.
void bus_monitor_look (bus_monitor_t *self);

#endif
