//  connections — all connections: by endpoint id, and in a list for each place.

#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "client/connection.h"

typedef struct {
    connection_t *by_endpoint; //  hash table
    list_t places[PLACE_COUNT];
    list_t living;  //  all, the one that was heard longest ago first
    uint64_t count;
    uint64_t next_endpoint;
} connections_t;

void connections_init (connections_t *self);

//  A new one, silent from now on. NULL when there is no memory.
connection_t *connections_add (connections_t *self, text_t app, text_t user, role_t role,
                               dialect_t dialect, websocket_t *socket, uint64_t now_ms);
//  Takes it out of everything and frees it. Its posts are gone already.
void connections_remove (connections_t *self, connection_t **connection_p);

//  NULL when there is none (any more).
connection_t *connections_find (const connections_t *self, uint64_t endpoint);

//  The one door: puts it at the end of the place's list.
void connections_move (connections_t *self, connection_t *connection, connection_place_t place,
                       uint64_t now_ms);
//  It was heard now.
void connections_heard (connections_t *self, connection_t *connection, uint64_t now_ms);

#endif
