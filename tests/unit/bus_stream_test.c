//  bus_stream — the queue of what waits: its ceiling, and when the room of what is sent comes back.

#include "bus/bus_stream.h"

#include <criterion/criterion.h>

#define LIMIT 10000
#define RECORDS_MOST 1000

static bus_stream_t s_stream;

static void
s_begin (void)
{
    bus_stream_init (&s_stream, NODE_EDGE, 1, LIMIT, 0);
}

static void
s_end (void)
{
    bus_stream_free (&s_stream);
}

TestSuite (bus_stream, .init = s_begin, .fini = s_end);

//  Returns the record's size; 0 when it is refused.
static size_t
s_put (void)
{
    bus_record_t record = { .kind = BUS_HEARTBEAT };
    size_t before = bus_stream_queued (&s_stream);
    return bus_stream_put (&s_stream, &record) == 0 ? bus_stream_queued (&s_stream) - before : 0;
}

static unsigned
s_fill (void)
{
    unsigned count = 0;
    while (s_put () > 0)
        cr_assert_lt (++count, RECORDS_MOST);
    return count;
}

Test (bus_stream, only_what_waits_counts)
{
    size_t record = s_put ();
    unsigned room = LIMIT / (unsigned) record;
    cr_assert_eq (s_fill (), room - 1);
    for (unsigned sent = 1; sent < room; sent += room / 7) {
        s_stream.sent_offset += sent * record;
        cr_assert_eq (s_fill (), sent);
        cr_assert_leq (s_stream.queue.size, 2u * LIMIT);
    }
}

Test (bus_stream, a_refused_record_moves_nothing)
{
    size_t record = s_put ();
    s_fill ();
    s_stream.sent_offset = record;
    s_fill ();
    cr_assert_eq (s_stream.sent_offset, record, "a hundredth is sent");
    cr_assert_eq (s_put (), 0);
    cr_assert_eq (s_stream.sent_offset, record);
}

Test (bus_stream, half_sent_is_closed_up)
{
    size_t record = s_put ();
    s_put ();
    s_put ();
    s_stream.sent_offset = record;
    s_put ();
    cr_assert_eq (s_stream.sent_offset, record);
    s_stream.sent_offset = 2 * record;
    s_put ();
    cr_assert_eq (s_stream.sent_offset, 0);
    cr_assert_eq (s_stream.queue.size, 3 * record);
}

Test (bus_stream, gauge)
{
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_EDGE], 0);
    s_fill ();
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_EDGE], (int64_t)bus_stream_queued (&s_stream));
    bus_stream_free (&s_stream);
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_EDGE], 0);
    bus_stream_free (&s_stream);
    cr_assert_eq (bus_counts[BUS_COUNT_QUEUED_POSTOFFICE], 0);
}
