//  connection — the parts of one client's connection. The body is here because inbound, outbound
//  and gateway, which stand above the parts, bring them together; no part knows of a connection.

#ifndef CONNECTION_H
#define CONNECTION_H

#include "client/door.h"
#include "client/limits.h"
#include "session/attachment.h"

typedef struct inbounds inbounds_t;
//  Why the client is not read (inbound.c).
typedef struct pause pause_t;

struct connection {
    struct gateway *gateway; //  whose it is
    client_t *client;
    keepalive_t *keepalive;
    attachment_t *attachment;
    inbounds_t *inbounds;
    pause_t *pause; //  NULL: nothing is in the way
    uint64_t opened_ms;
    bool is_leaving; //  it was told to go to another edge
    door_ticket_t ticket; //  what it came in by
    limited_t limited;    //  how fast it may go on
};

//  Clients that were closed meanwhile leave their sessions: at the end of each event.
static inline void
connections_end_event (clients_t *clients)
{
    for (client_t *client; (client = clients_next_closed (clients));)
        attachment_close (((connection_t *) client_view (client)->owner)->attachment);
}

#endif
