#include "strays.h"

#include "edge_counters.h"
#include "intake.h"
#include "received.h"

//  With 16,384 connections each is looked at every 32 s; with fewer than this many, at each tick.
#define LOOKS_PER_TICK 256
#define FRAME_BYTES 128
//  Of what it owes at most so much is asked for: it may be better then.
#define DEBT_SECONDS 10

static void
s_look_at (relay_t *relay, connection_t *connection)
{
    uint64_t known = websocket_passed_on (connection->socket) + connection->stray_bytes;
    uint64_t read = received_bytes (websocket_descriptor (connection->socket));
    if (read < known + FRAME_BYTES)
        return;
    uint64_t frames = (read - known) / FRAME_BYTES;
    uint64_t most = relay->config->frames_per_second * DEBT_SECONDS;
    connection->stray_bytes += frames * FRAME_BYTES;
    edge_count (EDGE_STRAY_BYTES, (int64_t) (frames * FRAME_BYTES));
    intake_owe (relay, connection, frames < most ? frames : most);
}

void
strays_tick (relay_t *relay)
{
    list_t *all = &relay->connections.looked;
    uint64_t most = relay->connections.count;
    for (uint64_t looks = 0; looks < LOOKS_PER_TICK && looks < most; looks++) {
        connection_t *connection = LIST_THING (list_first (all), connection_t, looked);
        list_append (all, &connection->looked);
        if (connection->place != PLACE_CLOSING)
            s_look_at (relay, connection);
    }
}
