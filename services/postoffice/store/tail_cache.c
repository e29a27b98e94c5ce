#include "store/tail_cache.h"

#include "base/keyed_hash.h"

#include <assert.h>
#include <stdlib.h>

typedef struct {
    uint64_t mark;     //  64 bits of the session's hash: two sessions that share them do not occur
    uint64_t last_seq; //  0: nothing here
} footstep_t;

struct tail_cache {
    size_t places;
    footstep_t steps[];
};

tail_cache_t *
tail_cache_new (unsigned bits)
{
    size_t places = (size_t) 1 << bits;
    tail_cache_t *self = calloc (1, sizeof *self + places * sizeof (footstep_t));
    assert (self);
    self->places = places;
    return self;
}

void
tail_cache_destroy (tail_cache_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

static uint64_t
s_mark (text_t session)
{
    return keyed_hash (hash_key_of_process (), session);
}

void
tail_cache_note (tail_cache_t *self, text_t session, uint64_t last_seq)
{
    uint64_t mark = s_mark (session);
    self->steps[mark & (self->places - 1)] = (footstep_t){ mark, last_seq };
}

bool
tail_cache_ends_at (const tail_cache_t *self, text_t session, uint64_t seq)
{
    uint64_t mark = s_mark (session);
    const footstep_t *step = &self->steps[mark & (self->places - 1)];
    return seq > 0 && step->mark == mark && step->last_seq == seq;
}

void
tail_cache_forget (tail_cache_t *self)
{
    memset (self->steps, 0, self->places * sizeof (footstep_t));
}
