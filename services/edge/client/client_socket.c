#include "client/client_socket.h"

const client_address_t *
client_socket_address (const client_socket_t *self)
{
    return self->events ? event_stream_address (self->events)
                        : websocket_address (self->websocket);
}

bool
client_socket_is_full (const client_socket_t *self)
{
    return self->events ? event_stream_is_full (self->events)
                        : websocket_is_full (self->websocket);
}

void
client_socket_want_write (const client_socket_t *self)
{
    if (self->events)
        event_stream_want_write (self->events);
    else
        websocket_want_write (self->websocket);
}

void
client_socket_read (const client_socket_t *self, bool on)
{
    if (self->websocket)
        websocket_read (self->websocket, on);
}

void
client_socket_abort (const client_socket_t *self)
{
    if (self->events)
        event_stream_abort (self->events);
    else
        websocket_abort (self->websocket);
}
