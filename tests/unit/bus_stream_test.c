//  bus_stream — the queue of what waits: its ceiling, and when the room of what is sent comes back.

#include "bus/bus_stream.h"

#include <criterion/criterion.h>

#define LIMIT 10000
#define RECORDS_MOST 2000

static bus_stream_t *s_stream;

static void
s_begin (void)
{
    s_stream = bus_stream_new (NODE_EDGE, 1, LIMIT, 500, 0);
}

static void
s_end (void)
{
    bus_stream_destroy (&s_stream);
}

TestSuite (bus_stream, .init = s_begin, .fini = s_end);

//  Returns the record's size; 0 when it is refused.
static size_t
s_put (void)
{
    bus_record_t record = { .kind = BUS_HEARTBEAT };
    size_t before = bus_stream_queued (s_stream);
    return bus_stream_put (s_stream, &record) == 0 ? bus_stream_queued (s_stream) - before : 0;
}

static unsigned
s_fill (void)
{
    unsigned count = 0;
    while (s_put () > 0)
        cr_assert_lt (++count, RECORDS_MOST);
    return count;
}

//  What the gauge says: there is one stream.
static size_t
s_held (void)
{
    return (size_t) bus_counts[BUS_COUNT_QUEUE_HELD];
}

//  Bytes that are sent and still in memory.
static size_t
s_sent (void)
{
    return s_held () - bus_stream_queued (s_stream);
}

Test (bus_stream, only_what_is_not_sent_counts)
{
    size_t record = s_put ();
    unsigned room = LIMIT / (unsigned) record;
    cr_assert_eq (s_fill (), room - 1);
    for (unsigned sent = 1; sent < room; sent += room / 7) {
        bus_stream_note_sent (s_stream, sent * record);
        cr_assert_eq (s_fill (), sent);
        cr_assert_leq (s_held (), 2u * LIMIT);
    }
}

Test (bus_stream, a_refused_record_moves_nothing)
{
    size_t record = s_put ();
    s_fill ();
    bus_stream_note_sent (s_stream, record);
    s_fill ();
    cr_assert_eq (s_sent (), record, "a hundredth is sent");
    cr_assert_eq (s_put (), 0);
    cr_assert_eq (s_sent (), record);
}

Test (bus_stream, half_sent_is_closed_up)
{
    size_t record = s_put ();
    s_put ();
    s_put ();
    bus_stream_note_sent (s_stream, record);
    s_put ();
    cr_assert_eq (s_sent (), record);
    bus_stream_note_sent (s_stream, record);
    s_put ();
    cr_assert_eq (s_sent (), 0);
    cr_assert_eq (s_held (), 3 * record);
}

//  Ours is 500 ms: the larger one holds, unless it is out of reason.
Test (bus_stream, heartbeats_are_agreed_on)
{
    cr_assert_eq (bus_heartbeat_of (500, 500), 500);
    cr_assert_eq (bus_heartbeat_of (500, 200), 500);
    cr_assert_eq (bus_heartbeat_of (500, 2000), 2000);
    cr_assert_eq (bus_heartbeat_of (500, 0), 500);
    cr_assert_eq (bus_heartbeat_of (500, BUS_HEARTBEAT_MOST_MS), BUS_HEARTBEAT_MOST_MS);
    cr_assert_eq (bus_heartbeat_of (500, BUS_HEARTBEAT_MOST_MS + 1), 500);
}

Test (bus_stream, a_heartbeat_is_sent_when_it_is_due)
{
    bus_stream_agree (s_stream, "edge-1", BUS_PROTOCOL_HIGHEST, 1000, 1000);
    unsigned beats = 0;
    for (uint64_t now = 500; now <= 10000; now += 500) {
        cr_assert_eq (bus_stream_put_heartbeat (s_stream, now), 0);
        beats += bus_stream_queued (s_stream) > 0;
        bus_stream_note_sent (s_stream, bus_stream_queued (s_stream));
    }
    cr_assert_eq (beats, 10);
    cr_assert_not (bus_stream_is_silent (s_stream, 3000));
    cr_assert (bus_stream_is_silent (s_stream, 3001));
}

Test (bus_stream, gauge)
{
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_EDGE], 0);
    s_fill ();
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_EDGE], (int64_t) bus_stream_queued (s_stream));
    bus_stream_destroy (&s_stream);
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_EDGE], 0);
    bus_stream_destroy (&s_stream);
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_POSTOFFICE], 0);
}
