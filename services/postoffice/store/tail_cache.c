#include "store/tail_cache.h"

#include "base/alloc.h"
#include "base/keyed_hash.h"

#include <assert.h>
#include <stdlib.h>

typedef struct {
    uint64_t mark;     //  64 bits of the session's hash: two sessions that share them do not occur
    uint64_t last_seq; //  0: nothing here
} tail_t;

//  One line of the processor's cache. Of two sessions in one place each would cost the other's
//  appends a look into the log, as long as both go on.
#define ROW_TAILS 4
typedef struct {
    tail_t tails[ROW_TAILS]; //  noted last first
} row_t;

struct tail_cache {
    size_t row_count;
    row_t rows[];
};

tail_cache_t *
tail_cache_new (unsigned bits)
{
    size_t row_count = ((size_t) 1 << bits) / ROW_TAILS;
    assert (row_count > 0);
    tail_cache_t *self = alloc_zeroed (sizeof *self + row_count * sizeof (row_t));
    self->row_count = row_count;
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
    tail_t *tails = self->rows[mark & (self->row_count - 1)].tails;
    size_t at = 0;
    while (at < ROW_TAILS - 1 && tails[at].mark != mark)
        at++;
    for (; at > 0; at--)
        tails[at] = tails[at - 1];
    tails[0] = (tail_t){ mark, last_seq };
}

bool
tail_cache_ends_at (const tail_cache_t *self, text_t session, uint64_t seq)
{
    uint64_t mark = keyed_hash (hash_key_of_process (), session);
    const tail_t *tails = self->rows[mark & (self->row_count - 1)].tails;
    for (size_t at = 0; at < ROW_TAILS; at++)
        if (tails[at].mark == mark)
            return seq > 0 && tails[at].last_seq == seq;
    return false;
}

void
tail_cache_forget (tail_cache_t *self)
{
    memset (self->rows, 0, self->row_count * sizeof (row_t));
}
