#include "rules/send_window.h"

#include "base/alloc.h"
#include "base/list.h"

#include <stdlib.h>
#include "base/hash_table.h"

typedef struct {
    peer_t peer;
    uint64_t endpoint;
} run_key_t;

typedef struct {
    UT_hash_handle hh;
    run_key_t key;
    list_t by_age;
    uint64_t since;    //  the first request_id that was refused
    uint64_t noted_ms; //  when the last one was
} run_t;

struct send_window {
    run_t *runs;
    list_t by_age; //  the one that was noted last is the last
};

send_window_t *
send_window_new (void)
{
    send_window_t *self = alloc_zeroed (sizeof *self);
    list_init (&self->by_age);
    return self;
}

static run_t *
s_find (const send_window_t *self, peer_t peer, uint64_t endpoint)
{
    run_key_t key = { peer, endpoint };
    run_t *run;
    HASH_FIND (hh, self->runs, &key, sizeof key, run);
    return run;
}

static void
s_end (send_window_t *self, run_t *run)
{
    HASH_DEL (self->runs, run);
    list_remove (&run->by_age);
    free (run);
}

void
send_window_destroy (send_window_t **self_p)
{
    send_window_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    run_t *run, *next;
    HASH_ITER (hh, self->runs, run, next)
        s_end (self, run);
    free (self);
}

static bool
s_is_of_no_run (const bus_post_t *post)
{
    return post->after == post->request_id;
}

static run_t *
s_begin (send_window_t *self, peer_t peer, const bus_post_t *post)
{
    if (HASH_COUNT (self->runs) >= SEND_WINDOW_MOST)
        s_end (self, LIST_THING (list_first (&self->by_age), run_t, by_age));
    run_t *run = alloc_zeroed (sizeof *run);
    run->key = (run_key_t){ peer, post->endpoint };
    run->since = post->request_id;
    list_init (&run->by_age);
    HASH_ADD (hh, self->runs, key, sizeof run->key, run);
    return run;
}

void
send_window_note (send_window_t *self, peer_t peer, const bus_post_t *post, uint64_t now_ms)
{
    if (s_is_of_no_run (post))
        return;
    run_t *run = s_find (self, peer, post->endpoint);
    if (!run)
        run = s_begin (self, peer, post);
    //  One that was decided on before, and is decided on again, may come behind later ones.
    if (post->request_id < run->since)
        run->since = post->request_id;
    run->noted_ms = now_ms;
    list_append (&self->by_age, &run->by_age);
}

bool
send_window_include (send_window_t *self, peer_t peer, const bus_post_t *post)
{
    run_t *run = self->runs && !s_is_of_no_run (post) ? s_find (self, peer, post->endpoint) : NULL;
    if (!run)
        return false;
    if (post->after >= run->since)
        return true;
    if (post->request_id > run->since)
        s_end (self, run);
    return false;
}

void
send_window_expire (send_window_t *self, uint64_t now_ms)
{
    for (list_t *first; (first = list_first (&self->by_age));) {
        run_t *run = LIST_THING (first, run_t, by_age);
        if (now_ms - run->noted_ms < SEND_WINDOW_KEPT_MS)
            return;
        s_end (self, run);
    }
}

void
send_window_forget (send_window_t *self, peer_t peer, uint64_t endpoint)
{
    run_t *run = s_find (self, peer, endpoint);
    if (run)
        s_end (self, run);
}

void
send_window_forget_peer (send_window_t *self, peer_t peer)
{
    run_t *run, *next;
    HASH_ITER (hh, self->runs, run, next)
        if (run->key.peer == peer)
            s_end (self, run);
}

size_t
send_window_count (const send_window_t *self)
{
    return HASH_COUNT (self->runs);
}
