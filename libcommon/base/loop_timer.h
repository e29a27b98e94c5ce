//  loop_timer — a timer of the loop that its owner can destroy and forget at once: what libuv still
//  needs of it, the timer keeps itself until the loop has let go of it.
//
//  Times are on the loop's clock (uv_now). The function is called from the loop, never from within
//  a call here, and may start, stop or destroy its own timer.

#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct loop_timer loop_timer_t;
typedef void loop_timer_fn (void *owner);

//  Not started. The loop keeps turning while a started timer exists. Without a function (NULL) the
//  timer only makes the loop turn.
loop_timer_t *loop_timer_new (uv_loop_t *loop, loop_timer_fn *fn, void *owner);
//  Never fires again. The loop must turn once more before it can be closed.
void loop_timer_destroy (loop_timer_t **self_p);

//  Fires in first_ms (0: in the loop's next turn) and then every repeat_ms (0: only once). A timer
//  that runs already is started anew.
void loop_timer_start_ms (loop_timer_t *self, uint64_t first_ms, uint64_t repeat_ms);
//  Fires no later than in so many milliseconds: a timer that is due earlier is left as it is.
void loop_timer_start_within_ms (loop_timer_t *self, uint64_t first_ms);
void loop_timer_stop (loop_timer_t *self);
//  Is it going to fire?
bool loop_timer_is_active (const loop_timer_t *self);
//  From now on the loop may end while the timer runs.
void loop_timer_unref (loop_timer_t *self);

#endif
