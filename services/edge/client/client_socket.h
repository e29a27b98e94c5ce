//  client_socket — how a client is connected: by a WebSocket, or by an event stream, on which it
//  only receives.

#ifndef CLIENT_SOCKET_H
#define CLIENT_SOCKET_H

#include "events/event_stream.h"
#include "net/websocket.h"

//  One of them; the other is NULL.
typedef struct {
    websocket_t *websocket;
    event_stream_t *events;
} client_socket_t;

//  As websocket.h has these.
const client_address_t *client_socket_address (const client_socket_t *self);
bool client_socket_is_full (const client_socket_t *self);
void client_socket_want_write (const client_socket_t *self);
//  Nothing comes on an event stream.
void client_socket_read (const client_socket_t *self, bool on);
void client_socket_abort (const client_socket_t *self);

#endif
