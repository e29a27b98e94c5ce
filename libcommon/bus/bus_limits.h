//  bus_limits — how large things may be. One chain: what a door lets in must fit into one record,
//  one record into one message, and several records into a queue. The settings take their limits
//  from here, so that nothing can be let in that cannot be delivered.

#ifndef BUS_LIMITS_H
#define BUS_LIMITS_H

//  A larger message closes the connection that it came on.
#define BUS_MESSAGE_MAX (4 * 1024 * 1024)
//  Of a batch: protocol and 7 zero bytes, stream, number.
#define BUS_HEADER_SIZE 24
//  One record may be as large as this.
#define BUS_RECORD_MAX (BUS_MESSAGE_MAX - BUS_HEADER_SIZE)

//  The most that a setting may let in at a door: a client's frame, a bot's answer.
#define BUS_DOOR_MAX (BUS_MESSAGE_MAX / 4)
//  What came in so, read and written out again: JSON may be twice as long then.
#define BUS_WRITTEN_MAX (2 * BUS_DOOR_MAX)
//  For what stands beside it in a record: ids, names, a sender, a list of endpoints.
#define BUS_BESIDE_MAX (BUS_MESSAGE_MAX / 8)

_Static_assert (BUS_WRITTEN_MAX + BUS_BESIDE_MAX <= BUS_RECORD_MAX, "what is let in fits");

//  What is remembered of an item of work, or of its lane, from one attempt to the next.
#define BUS_MEMORY_MOST 1024

//  The least ceiling of a queue: several of the largest things that are let in.
#define BUS_QUEUE_LEAST (2 * BUS_MESSAGE_MAX)

_Static_assert (BUS_QUEUE_LEAST >= 3 * (BUS_WRITTEN_MAX + BUS_BESIDE_MAX), "several fit");

#endif
