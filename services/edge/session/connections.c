#include "session/connections.h"

#include "tables/edge_metrics.h"
#include "base/random_id.h"
#include "session/posts.h"

#include <assert.h>
#include <stdlib.h>

void
connections_init (connections_t *self)
{
    *self = (connections_t){ .by_endpoint = NULL };
    for (int place = 0; place < PLACE_COUNT; place++)
        list_init (&self->places[place]);
    list_init (&self->living);
    //  A restarted edge does not use the old one's numbers again; half the range is left to count.
    self->next_endpoint = (random_id_number () >> 2) + 1;
}

static edge_metric_t
s_gauge (const connection_t *connection)
{
    return connection->dialect == DIALECT_RICH ? EDGE_CONNECTIONS_RICH : EDGE_CONNECTIONS_WIDGET;
}

connection_t *
connections_add (connections_t *self, text_t app, text_t user, role_t role, dialect_t dialect,
                 websocket_t *socket, uint64_t now_ms)
{
    connection_t *connection = calloc (1, sizeof *connection + app.size + user.size + 2);
    if (!connection)
        return NULL;
    memcpy (connection->names, app.data, app.size);
    memcpy (connection->names + app.size + 1, user.data, user.size);
    connection->app_size = (uint16_t) app.size;
    connection->user_size = (uint16_t) user.size;
    connection->role = (uint8_t) role;
    connection->dialect = (uint8_t) dialect;
    connection->socket = socket;
    connection->office = -1;
    list_init (&connection->placed);
    list_init (&connection->living);
    list_init (&connection->waiting);
    list_init (&connection->parting);
    list_init (&connection->resting);
    list_init (&connection->unconfirmed);
    list_init (&connection->changed);
    list_init (&connection->posts);
    outbox_init (&connection->outbox);
    if (connection_stamp (connection, &VISITOR_UNKNOWN) != 0) {
        free (connection);
        return NULL;
    }
    connection->endpoint = self->next_endpoint++;
    HASH_ADD (hh, self->by_endpoint, endpoint, sizeof connection->endpoint, connection);
    self->count++;
    edge_count (s_gauge (connection), 1);
    edge_count (EDGE_OPENED, 1);
    connections_move (self, connection, PLACE_SILENT, now_ms);
    connections_heard (self, connection, now_ms);
    return connection;
}

void
connections_remove (connections_t *self, connection_t **connection_p)
{
    connection_t *connection = *connection_p;
    *connection_p = NULL;
    assert (list_is_empty (&connection->posts));
    HASH_DELETE (hh, self->by_endpoint, connection);
    self->count--;
    edge_count (s_gauge (connection), -1);
    edge_count (EDGE_OUTBOX_BYTES, -(int64_t) connection->outbox.bytes);
    list_remove (&connection->placed);
    list_remove (&connection->living);
    list_remove (&connection->waiting);
    list_remove (&connection->parting);
    list_remove (&connection->resting);
    list_remove (&connection->unconfirmed);
    list_remove (&connection->changed);
    outbox_clear (&connection->outbox);
    free (connection->session);
    free (connection->sender);
    free (connection->held);
    posts_hold_nothing (connection);
    free (connection);
}

connection_t *
connections_find (const connections_t *self, uint64_t endpoint)
{
    connection_t *connection;
    HASH_FIND (hh, self->by_endpoint, &endpoint, sizeof endpoint, connection);
    return connection;
}

void
connections_move (connections_t *self, connection_t *connection, connection_place_t place,
                  uint64_t now_ms)
{
    assert (connection->place != PLACE_CLOSING || place == PLACE_CLOSING);
    list_append (&self->places[place], &connection->placed);
    connection->place = place;
    connection->placed_ms = now_ms;
    connection->asked = false;
}

void
connections_heard (connections_t *self, connection_t *connection, uint64_t now_ms)
{
    list_append (&self->living, &connection->living);
    connection->heard_ms = now_ms;
}
