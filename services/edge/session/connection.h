//  connection — the parts of one client's connection. The body is here because inbound, outbound
//  and gateway, which stand above the parts, bring them together; no part knows of a connection.

#ifndef CONNECTION_H
#define CONNECTION_H

#include "session/attachment.h"
#include "base/list.h"

//  A frame that waits until it may be taken.
typedef struct {
    size_t size;
    char bytes[];
} deferred_frame_t;

struct connection {
    client_t *client;
    keepalive_t *keepalive;
    attachment_t *attachment;
    //  inbound.c's
    list_t throttled;           //  sends too fast
    deferred_frame_t *deferred; //  NULL: none
};

#endif
