//  connection — the parts of one client's connection. The body is here because inbound, outbound
//  and gateway, which stand above the parts, bring them together; no part knows of a connection.

#ifndef CONNECTION_H
#define CONNECTION_H

#include "session/attachment.h"

//  Why the client is not read (inbound.c).
typedef struct pause pause_t;

struct connection {
    client_t *client;
    attachment_t *attachment;
    pause_t *pause; //  NULL: nothing is in the way
};

static inline keepalive_t *
connection_keepalive (const connection_t *self)
{
    return attachment_endpoint (self->attachment)->keepalive;
}

#endif
