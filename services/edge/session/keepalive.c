#include "session/keepalive.h"

#include "tables/edge_metrics.h"

//  A ping for each delivery, its pong, and the word to the office would cost as much as the
//  delivery itself. Too much that is brought again is harmless, so confirming may be late: a ping
//  goes out so long after the first write that it confirms, and so long after the one before it.
#define CONFIRM_AFTER_MS 250
#define CONFIRM_EVERY_MS 1000
//  Those that are due in the same moment are looked at together, and not all in one.
#define CONFIRM_STEP_MS 25

void
keepalive_heard (gateway_t *gateway, connection_t *connection)
{
    connections_heard (&gateway->connections, connection, gateway_now (gateway));
}

static void
s_want_ping (connection_t *connection)
{
    connection->ping_wanted = true;
    websocket_want_write (connection->socket);
}

static void
s_send_receipts (gateway_t *gateway)
{
    list_t *first;
    while ((first = list_first (&gateway->changed))) {
        connection_t *connection = LIST_THING (first, connection_t, changed);
        bus_record_t record = { .kind = BUS_RECEIPT,
                                .receipt = { .endpoint = connection->endpoint,
                                             .session = connection_session (connection),
                                             .seq = connection->confirmed_seq } };
        //  One on its way to a new office tells it with the next RECEIPT, or with its DETACH.
        if (connection->place == PLACE_IN) {
            if (bus_client_send (gateway->bus, (unsigned) connection->office, &record) != 0)
                return;
            edge_count (EDGE_RECEIPTS, 1);
        }
        list_remove (&connection->changed);
    }
}

static void s_on_confirm (uv_timer_t *timer);

//  All wait equally long, so the list is in the order of their times.
static void
s_confirm_later (gateway_t *gateway, connection_t *connection)
{
    connection->check_ms = gateway_now (gateway) + CONFIRM_AFTER_MS;
    list_append (&gateway->unconfirmed, &connection->unconfirmed);
    if (!uv_is_active ((uv_handle_t *)gateway->confirm))
        uv_timer_start (gateway->confirm, s_on_confirm, CONFIRM_AFTER_MS, 0);
}

static void
s_consider_ping (gateway_t *gateway, connection_t *connection)
{
    list_remove (&connection->unconfirmed);
    if (connection->place == PLACE_CLOSING || connection->written_seq <= connection->pinged_seq)
        return;
    if (connection->ping_out || gateway_now (gateway) - connection->pinged_ms < CONFIRM_EVERY_MS)
        s_confirm_later (gateway, connection);
    else
        s_want_ping (connection);
}

static void
s_on_confirm (uv_timer_t *timer)
{
    gateway_t *gateway = timer->data;
    uint64_t now = gateway_now (gateway);
    list_t *first;
    while ((first = list_first (&gateway->unconfirmed))) {
        connection_t *connection = LIST_THING (first, connection_t, unconfirmed);
        if (connection->check_ms > now) {
            uint64_t wait_ms = connection->check_ms - now;
            uv_timer_start (timer, s_on_confirm,
                            wait_ms > CONFIRM_STEP_MS ? wait_ms : CONFIRM_STEP_MS, 0);
            break;
        }
        s_consider_ping (gateway, connection);
    }
    s_send_receipts (gateway);
}

void
keepalive_written (gateway_t *gateway, connection_t *connection, uint64_t seq)
{
    if (seq <= connection->written_seq)
        return;
    connection->written_seq = seq;
    //  A rich client says itself what it has.
    if (connection->dialect == DIALECT_WIDGET && list_is_empty (&connection->unconfirmed))
        s_confirm_later (gateway, connection);
}

bool
keepalive_ping (gateway_t *gateway, connection_t *connection, uint64_t *number)
{
    if (!connection->ping_wanted || connection->ping_out)
        return false;
    connection->ping_wanted = false;
    connection->pinged_ms = gateway_now (gateway);
    connection->ping_out = true;
    connection->pinged_seq = connection->written_seq;
    *number = ++connection->ping_number;
    return true;
}

void
keepalive_pong (gateway_t *gateway, connection_t *connection, text_t payload)
{
    keepalive_heard (gateway, connection);
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
        list_append (&gateway->changed, &connection->changed);
    }
}

uint64_t
keepalive_received_seq (const connection_t *connection)
{
    return connection->dialect == DIALECT_WIDGET && connection->confirmed_seq > 0
               ? connection->confirmed_seq
               : SEQ_UNKNOWN;
}

void
keepalive_forget (connection_t *connection)
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
s_look_after (gateway_t *gateway, connection_t *connection, uint64_t silent_ms)
{
    //  While it is not read its pongs are not read either.
    if (connection->paused)
        return;
    if (silent_ms >= gateway->config->ping_every + gateway->config->pong_within)
        gateway_close (gateway, connection, CLOSE_NO_PONG);
    else if (!connection->ping_out && !connection->ping_wanted)
        s_want_ping (connection);
}

void
keepalive_tick (gateway_t *gateway)
{
    uint64_t now = gateway_now (gateway);
    list_t *all = &gateway->connections.living;
    list_t *next;
    for (list_t *at = all->next; at != all; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, living);
        if (now - connection->heard_ms < gateway->config->ping_every)
            break;
        s_look_after (gateway, connection, now - connection->heard_ms);
    }
    s_send_receipts (gateway);
}
