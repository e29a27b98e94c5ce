#include "http/http_pace.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/loop_timer.h"
#include "base/token_bucket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash_table.h"

typedef struct http_origin {
    http_pace_t *pace;
    token_bucket_t bucket;
    list_t waiting; //  turns
    uint64_t waiting_count;
    uint64_t held_until_ms;
    loop_timer_t *timer; //  runs as long as somebody waits, or the bucket is not full
    UT_hash_handle hh;
    char name[];
} http_origin_t;

struct http_pace {
    uv_loop_t *loop;
    http_rate_t rate;
    http_turn_fn *come;
    http_origin_t *origins; //  by name
};

static void
s_forget (http_origin_t *self)
{
    HASH_DEL (self->pace->origins, self);
    loop_timer_destroy (&self->timer);
    free (self);
}

http_pace_t *
http_pace_new (uv_loop_t *loop, const http_rate_t *rate, http_turn_fn *come)
{
    http_pace_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->rate = *rate;
    self->come = come;
    return self;
}

void
http_pace_destroy (http_pace_t **self_p)
{
    http_pace_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    http_origin_t *origin, *next;
    HASH_ITER (hh, self->origins, origin, next)
    {
        assert (list_is_empty (&origin->waiting));
        s_forget (origin);
    }
    free (self);
}

//  In how many milliseconds the next call may begin: 0 is now.
static uint64_t
s_next_ms (const http_origin_t *self, uint64_t now_ms)
{
    const http_rate_t *rate = &self->pace->rate;
    uint64_t held_ms = self->held_until_ms > now_ms ? self->held_until_ms - now_ms : 0;
    uint64_t token_ms =
        token_bucket_wait_ms (&self->bucket, now_ms, rate->per_second, rate->burst);
    return held_ms > token_ms ? held_ms : token_ms;
}

//  In how many the origin is as if it had never been asked.
static uint64_t
s_rested_ms (const http_origin_t *self, uint64_t now_ms)
{
    uint64_t full_ms = self->bucket.full_us / 1000 + 1;
    uint64_t rested = full_ms > self->held_until_ms ? full_ms : self->held_until_ms;
    return rested > now_ms ? rested - now_ms : 0;
}

static void
s_await (http_origin_t *self, uint64_t now_ms)
{
    uint64_t wait_ms = list_is_empty (&self->waiting) ? s_rested_ms (self, now_ms)
                                                      : s_next_ms (self, now_ms);
    loop_timer_start_ms (self->timer, wait_ms, 0);
}

//  The timer is set before anybody is called: a turn may take another one, or end the pace.
static void
s_timer_fired (void *owner)
{
    http_origin_t *self = owner;
    uint64_t now_ms = clock_mono_ms ();
    list_t *first = list_first (&self->waiting);
    if (!first && s_rested_ms (self, now_ms) == 0) {
        s_forget (self);
        return;
    }
    bool has_come = first && s_next_ms (self, now_ms) == 0;
    if (has_come) {
        token_bucket_take (&self->bucket, now_ms, self->pace->rate.per_second);
        http_pace_leave (LIST_THING (first, http_turn_t, link));
    }
    s_await (self, now_ms);
    if (has_come)
        self->pace->come (LIST_THING (first, http_turn_t, link));
}

static http_origin_t *
s_origin (http_pace_t *self, const char *name)
{
    http_origin_t *origin;
    size_t size = strlen (name);
    HASH_FIND (hh, self->origins, name, size, origin);
    if (origin)
        return origin;
    origin = alloc_zeroed (sizeof *origin + size + 1);
    memcpy (origin->name, name, size);
    origin->pace = self;
    list_init (&origin->waiting);
    origin->timer = loop_timer_new (self->loop, s_timer_fired, origin);
    HASH_ADD_KEYPTR (hh, self->origins, origin->name, size, origin);
    return origin;
}

http_turn_when_t
http_pace_take (http_pace_t *self, const char *origin_name, http_turn_t *turn)
{
    list_init (&turn->link);
    turn->origin = NULL;
    if (self->rate.per_second == 0)
        return HTTP_TURN_NOW;
    http_origin_t *origin = s_origin (self, origin_name);
    uint64_t now_ms = clock_mono_ms ();
    bool is_free = list_is_empty (&origin->waiting) && s_next_ms (origin, now_ms) == 0;
    if (is_free)
        token_bucket_take (&origin->bucket, now_ms, self->rate.per_second);
    else if (origin->waiting_count >= self->rate.queue_limit)
        return HTTP_TURN_NEVER;
    else {
        list_append (&origin->waiting, &turn->link);
        origin->waiting_count++;
        turn->origin = origin;
    }
    s_await (origin, now_ms);
    return is_free ? HTTP_TURN_NOW : HTTP_TURN_LATER;
}

void
http_pace_leave (http_turn_t *turn)
{
    if (!turn->origin)
        return;
    list_remove (&turn->link);
    turn->origin->waiting_count--;
    turn->origin = NULL;
}

void
http_pace_hold (http_pace_t *self, const char *name, uint64_t milliseconds)
{
    uint64_t hold_ms =
        milliseconds < self->rate.hold_most_ms ? milliseconds : self->rate.hold_most_ms;
    if (self->rate.per_second == 0 || hold_ms == 0)
        return;
    http_origin_t *origin = s_origin (self, name);
    uint64_t now_ms = clock_mono_ms ();
    if (now_ms + hold_ms > origin->held_until_ms)
        origin->held_until_ms = now_ms + hold_ms;
    s_await (origin, now_ms);
}
