//  append — one session's append on its way into the log: the request, borrowed from its changeset,
//  and whom to answer.
//
//  The struct is open to batch.c and group_commit.c: an append moves between their lists and
//  arrays.

#ifndef APPEND_H
#define APPEND_H

#include "base/list.h"
#include "store/store_model.h"

typedef struct {
    list_t link;            //  among those that wait
    store_append_t request; //  what it points at belongs to the asker, until the answer
    uint64_t day;           //  days since 1970 that its log rows belong to
    uint64_t since_ms;      //  when it was asked
    size_t size;            //  bytes, for the ceilings
    bool tail_known;        //  the entry before is known to be stored
    bool lost;              //  the server says that the log was not as supposed
    uint64_t request_id;
    store_appended_fn *appended;
    void *owner;
} append_t;

append_t *append_new (const store_append_t *request);
//  Answers nobody.
void append_destroy (append_t **self_p);

//  The seqs before its first entry and of its last one.
uint64_t append_before (const append_t *self);
uint64_t append_last (const append_t *self);

#endif
