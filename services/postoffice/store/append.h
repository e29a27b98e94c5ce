//  chunk — a chunk that waits to be stored: the store's own deep copy, and whom to answer.

#ifndef CHUNK_H
#define CHUNK_H

#include "store/aged.h"
#include "base/list.h"
#include "store/store.h"

typedef struct {
    list_t place;           //  among its session's chunks: in a lane or in a batch
    aged_t age;            //  among everything that waits, oldest first
    store_chunk_t copy;     //  everything it points at stands behind this struct
    size_t size;            //  bytes of memory
    uint64_t request_id;
    store_appended_fn *appended;
    void *owner;
} chunk_t;

//  NULL when there is no memory for it.
chunk_t *chunk_new (const store_chunk_t *chunk);
void chunk_destroy (chunk_t **self_p);

//  True when `next` continues where this one ends, so that both can be stored as one.
bool chunk_continues (const chunk_t *self, const chunk_t *next);
//  Days since 1970 that its log rows belong to.
uint64_t chunk_day (const chunk_t *self);

#endif
