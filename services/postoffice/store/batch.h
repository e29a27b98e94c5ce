//  batch — the appends that are stored together, in one transaction and one round trip.
//
//  An append is what one session asks to be stored: the request, borrowed from its changeset, and
//  whom to answer. A session has at most one append in a batch. Appends are sorted by day and
//  session, so that two postoffices never wait for each other in a circle.
//
//  Both structs are open to group_commit.c: an append moves between its list and the batch, and a
//  batch is read.

#ifndef BATCH_H
#define BATCH_H

#include "base/list.h"
#include "pg/pg_values.h"
#include "store/store_model.h"

typedef struct {
    list_t link;            //  among those that wait
    store_append_t request; //  what it points at belongs to the asker, until the answer
    uint64_t day;           //  days since 1970 that its log rows belong to
    uint64_t since_ms;      //  when it was asked
    size_t size;            //  bytes, for the ceilings
    bool tail_known;        //  the entry before is known to be stored
    bool lost;              //  the server says that the log was not as supposed
    text_t *waits;          //  work that is not leased as asked; of the server's answer
    size_t wait_count;
    uint64_t request_id;
    store_appended_fn *appended;
    void *owner;
} append_t;

append_t *append_new (const store_append_t *request);
//  Answers nobody.
void append_destroy (append_t **self_p);

//  More days than this in one batch and it is cut: each may need two statements in one request.
#define BATCH_DAYS 4
//  A batch that is this large takes no more.
#define BATCH_BYTES (8u << 20)

typedef struct {
    append_t **appends; //  sorted; NULL where one was taken
    size_t count;
    size_t bytes;
    uint64_t since_ms;         //  when the oldest of them was asked
    uint64_t days[BATCH_DAYS]; //  of its appends, sorted
    size_t day_count;
} batch_t;

//  Takes from the head of the list as much as fits: one append at least, `most` at most.
batch_t *batch_new (list_t *waiting, size_t most);
//  Destroys the appends that are still in it.
void batch_destroy (batch_t **self_p);

//  Puts all appends back before what waits, in the order in which they were asked.
void batch_put_back (batch_t *self, list_t *waiting);
//  How what is to be stored for one day can be said.
typedef enum {
    BATCH_ENTRY,   //  one entry and nothing else to check or to change: a plain insert
    BATCH_ENTRIES, //  several such: a plain insert, which fails as a whole when one of them loses
    BATCH_ALL,     //  the function `append`
} batch_way_t;

//  The simplest way for the day with this index; `checked`: an append of the batch has lost or may
//  lose, so all go through `append`, which says which.
batch_way_t batch_way (const batch_t *self, size_t day, bool checked);
//  Writes the parameters of that way's statement.
void batch_write (const batch_t *self, size_t day, batch_way_t way, int64_t writer,
                  pg_values_t *values);
//  The server says that this session lost.
void batch_lose (batch_t *self, size_t day, text_t session);
//  The server says that this item of the session is not leased. The text must live until the
//  append's answer.
void batch_wait (batch_t *self, size_t day, text_t session, text_t item);

#endif
