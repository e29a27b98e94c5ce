//  batch — the chunks that are stored together, in one transaction and one round trip.
//
//  A group is what one session has in it: chunks that continue each other, stored or refused as one
//  (the later ones were decided in the belief that the earlier ones are stored). Groups are sorted
//  by day and session, so that two postoffices never wait for each other in a circle.

#ifndef BATCH_H
#define BATCH_H

#include "store/append.h"
#include "pg/pg_values.h"

//  More days than this in one batch and it is cut: each may need two statements in one request.
#define BATCH_DAYS 4
//  A batch that is this large takes no more.
#define BATCH_BYTES (8u << 20)

typedef struct {
    list_t chunks;
    text_t session;     //  stands in the first chunk
    uint64_t day;
    bool sure;          //  the entry before is known to be stored
    bool lost;
} batch_group_t;

typedef struct {
    batch_group_t *groups;
    size_t count;
    size_t room;
    size_t chunks;
    size_t bytes;
    uint64_t days[BATCH_DAYS];
    size_t day_count;
    uint64_t sent_us;
    unsigned tries;
    bool careful;       //  one of its groups loses, or may: all are stored with append_batch
} batch_t;

batch_t *batch_new (size_t room);
//  Destroys the chunks that are still in it.
void batch_destroy (batch_t **self_p);
//  Room for one more group, of this day?
bool batch_takes (const batch_t *self, uint64_t day);
//  Moves chunks from the lane's list into a new group, as far as they continue each other and fit
//  into `most` chunks; the first one always does.
void batch_add (batch_t *self, list_t *lane, size_t most);
//  Once, when all have been added.
void batch_sort (batch_t *self);

//  How what is to be stored for one day can be said.
typedef enum {
    BATCH_ENTRY,   //  one entry and nothing else to check or to change: a plain insert
    BATCH_ENTRIES, //  several such: a plain insert, which fails as a whole when one of them loses
    BATCH_ALL,     //  append_batch
} batch_way_t;

//  The simplest way for the day with this index.
batch_way_t batch_way (const batch_t *self, size_t day);
//  Writes the parameters of that way's statement.
void batch_write (const batch_t *self, size_t day, batch_way_t way, int64_t writer,
                  pg_values_t *values);
//  The server says that this session lost.
void batch_lose (batch_t *self, size_t day, text_t session);
//  The seqs before the group's first entry and of its last one.
uint64_t batch_group_before (const batch_group_t *group);
uint64_t batch_group_last (const batch_group_t *group);

#endif
