#include "liveness.h"

#include "edge_counters.h"

//  A ping for each delivery, its pong, and the word to the office would cost as much as the
//  delivery itself. Too much that is brought again is harmless, so confirming may be late: a ping
//  goes out so long after the first write that it confirms, and so long after the one before it.
#define CONFIRM_AFTER_MS 250
#define CONFIRM_EVERY_MS 1000
//  Those that are due in the same moment are looked at together, and not all in one.
#define CONFIRM_STEP_MS 25

void
liveness_heard (relay_t *relay, connection_t *connection)
{
    connections_heard (&relay->connections, connection, relay_now (relay));
}

static void
s_want_ping (connection_t *connection)
{
    connection->ping_wanted = true;
    websocket_want_write (connection->socket);
}

static void
s_tell_seen (relay_t *relay)
{
    list_t *first;
    while ((first = list_first (&relay->changed))) {
        connection_t *connection = LIST_THING (first, connection_t, changed);
        bus_record_t record = { .kind = BUS_SEEN,
                                .seen = { .endpoint = connection->endpoint,
                                          .session = connection_session (connection),
                                          .seq = connection->confirmed_seq } };
        //  One on its way to a new office tells it with the next SEEN, or with its DETACH.
        if (connection->place == PLACE_IN) {
            if (bus_client_send (relay->bus, (unsigned) connection->office, &record) != 0)
                return;
            edge_count (EDGE_SEENS, 1);
        }
        list_remove (&connection->changed);
    }
}

static void s_on_confirm (uv_timer_t *timer);

//  All wait equally long, so the list is in the order of their times.
static void
s_confirm_later (relay_t *relay, connection_t *connection)
{
    connection->check_ms = relay_now (relay) + CONFIRM_AFTER_MS;
    list_append (&relay->unconfirmed, &connection->unconfirmed);
    if (!uv_is_active ((uv_handle_t *) relay->confirm))
        uv_timer_start (relay->confirm, s_on_confirm, CONFIRM_AFTER_MS, 0);
}

static void
s_consider_ping (relay_t *relay, connection_t *connection)
{
    list_remove (&connection->unconfirmed);
    if (connection->place == PLACE_CLOSING || connection->written_seq <= connection->pinged_seq)
        return;
    if (connection->ping_out || relay_now (relay) - connection->pinged_ms < CONFIRM_EVERY_MS)
        s_confirm_later (relay, connection);
    else
        s_want_ping (connection);
}

static void
s_on_confirm (uv_timer_t *timer)
{
    relay_t *relay = timer->data;
    uint64_t now = relay_now (relay);
    list_t *first;
    while ((first = list_first (&relay->unconfirmed))) {
        connection_t *connection = LIST_THING (first, connection_t, unconfirmed);
        if (connection->check_ms > now) {
            uint64_t wait_ms = connection->check_ms - now;
            uv_timer_start (timer, s_on_confirm,
                            wait_ms > CONFIRM_STEP_MS ? wait_ms : CONFIRM_STEP_MS, 0);
            break;
        }
        s_consider_ping (relay, connection);
    }
    s_tell_seen (relay);
}

void
liveness_written (relay_t *relay, connection_t *connection, uint64_t seq)
{
    if (seq <= connection->written_seq)
        return;
    connection->written_seq = seq;
    //  A rich client says itself what it has.
    if (connection->dialect == DIALECT_WIDGET && list_is_empty (&connection->unconfirmed))
        s_confirm_later (relay, connection);
}

bool
liveness_ping (relay_t *relay, connection_t *connection, uint64_t *number)
{
    if (!connection->ping_wanted || connection->ping_out)
        return false;
    connection->ping_wanted = false;
    connection->pinged_ms = relay_now (relay);
    connection->ping_out = true;
    connection->pinged_seq = connection->written_seq;
    *number = ++connection->ping_number;
    return true;
}

void
liveness_pong (relay_t *relay, connection_t *connection, text_t payload)
{
    liveness_heard (relay, connection);
    //  Others are allowed (RFC 6455, 5.5.3) and say nothing but that it lives.
    if (!connection->ping_out || payload.size != sizeof connection->ping_number
        || memcmp (payload.data, &connection->ping_number, payload.size) != 0)
        return;
    connection->ping_out = false;
    edge_count (EDGE_PONGS, 1);
    if (connection->place == PLACE_CLOSING || connection->dialect != DIALECT_WIDGET)
        return;
    if (connection->pinged_seq > connection->confirmed_seq) {
        connection->confirmed_seq = connection->pinged_seq;
        list_append (&relay->changed, &connection->changed);
    }
}

uint64_t
liveness_seen (const connection_t *connection)
{
    return connection->dialect == DIALECT_WIDGET && connection->confirmed_seq > 0
               ? connection->confirmed_seq
               : SEQ_UNKNOWN;
}

void
liveness_forget (connection_t *connection)
{
    list_remove (&connection->changed);
    list_remove (&connection->unconfirmed);
    connection->seq = 0;
    connection->written_seq = 0;
    connection->pinged_seq = 0;
    connection->confirmed_seq = 0;
    connection->catching_up = false;
}

static void
s_look_after (relay_t *relay, connection_t *connection, uint64_t silent_ms)
{
    //  While it is not read its pongs are not read either.
    if (connection->paused)
        return;
    if (silent_ms >= relay->config->ping_every + relay->config->pong_within)
        relay_close (relay, connection, CLOSE_NO_PONG);
    else if (!connection->ping_out && !connection->ping_wanted)
        s_want_ping (connection);
}

void
liveness_tick (relay_t *relay)
{
    uint64_t now = relay_now (relay);
    list_t *all = &relay->connections.living;
    list_t *next;
    for (list_t *at = all->next; at != all; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, living);
        if (now - connection->heard_ms < relay->config->ping_every)
            break;
        s_look_after (relay, connection, now - connection->heard_ms);
    }
    s_tell_seen (relay);
}
