#include "refusals.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

typedef struct {
    peer_t peer;
    uint64_t endpoint;
} run_key_t;

typedef struct {
    UT_hash_handle hh;
    run_key_t key;
    uint64_t since; //  the first ticket that was refused
} run_t;

struct refusals {
    run_t *runs;
};

refusals_t *
refusals_new (void)
{
    refusals_t *self = calloc (1, sizeof *self);
    assert (self);
    return self;
}

static run_t *
s_find (const refusals_t *self, peer_t peer, uint64_t endpoint)
{
    run_key_t key = { peer, endpoint };
    run_t *run;
    HASH_FIND (hh, self->runs, &key, sizeof key, run);
    return run;
}

static void
s_end (refusals_t *self, run_t *run)
{
    HASH_DEL (self->runs, run);
    free (run);
}

void
refusals_destroy (refusals_t **self_p)
{
    refusals_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    run_t *run, *next;
    HASH_ITER (hh, self->runs, run, next)
        s_end (self, run);
    free (self);
}

void
refusals_note (refusals_t *self, peer_t peer, const bus_post_t *post)
{
    run_t *run = s_find (self, peer, post->endpoint);
    if (!run) {
        run = calloc (1, sizeof *run);
        assert (run);
        run->key = (run_key_t){ peer, post->endpoint };
        run->since = post->post;
        HASH_ADD (hh, self->runs, key, sizeof run->key, run);
    }
    //  One that was decided on before, and is decided on again, may come behind later ones.
    if (post->post < run->since)
        run->since = post->post;
}

bool
refusals_include (refusals_t *self, peer_t peer, const bus_post_t *post)
{
    run_t *run = self->runs ? s_find (self, peer, post->endpoint) : NULL;
    if (!run)
        return false;
    if (post->follows >= run->since)
        return true;
    if (post->post > run->since)
        s_end (self, run);
    return false;
}

void
refusals_forget (refusals_t *self, peer_t peer, uint64_t endpoint)
{
    run_t *run = s_find (self, peer, endpoint);
    if (run)
        s_end (self, run);
}

void
refusals_forget_peer (refusals_t *self, peer_t peer)
{
    run_t *run, *next;
    HASH_ITER (hh, self->runs, run, next)
        if (run->key.peer == peer)
            s_end (self, run);
}

size_t
refusals_count (const refusals_t *self)
{
    return HASH_COUNT (self->runs);
}
