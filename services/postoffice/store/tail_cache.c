#include "store/tail_cache.h"

#include "base/alloc.h"
#include "base/keyed_hash.h"

#include <stdlib.h>

typedef struct {
    uint64_t mark;     //  64 bits of the session's hash: two sessions that share them do not occur
    uint64_t last_seq; //  0: nothing here
} tail_t;

struct tail_cache {
    size_t rows;
    tail_t tails[];
};

tail_cache_t *
tail_cache_new (unsigned bits)
{
    size_t rows = (size_t) 1 << bits;
    tail_cache_t *self = alloc_zeroed (sizeof *self + rows * sizeof (tail_t));
    self->rows = rows;
    return self;
}

void
tail_cache_destroy (tail_cache_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
tail_cache_note (tail_cache_t *self, text_t session, uint64_t last_seq)
{
    uint64_t mark = keyed_hash (hash_key_of_process (), session);
    self->tails[mark & (self->rows - 1)] = (tail_t){ mark, last_seq };
}

bool
tail_cache_ends_at (const tail_cache_t *self, text_t session, uint64_t seq)
{
    uint64_t mark = keyed_hash (hash_key_of_process (), session);
    const tail_t *tail = &self->tails[mark & (self->rows - 1)];
    return seq > 0 && tail->mark == mark && tail->last_seq == seq;
}

void
tail_cache_forget (tail_cache_t *self)
{
    memset (self->tails, 0, self->rows * sizeof (tail_t));
}
