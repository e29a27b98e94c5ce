//  file_watch — files that are looked at again and again. A disk may be slow and the loop must not
//  be, so that each look is in libuv's thread pool.
//
//      owner          loop                    pool
//      new      ──►   waits every_ms    ──►   look
//                     looked            ◄──
//                     waits every_ms    ──►   look
//      end      ──►                     ◄──
//                     gone
//
//  One look is under way at most. While it is, the loop leaves alone what `look` touches.

#ifndef FILE_WATCH_H
#define FILE_WATCH_H

#include <stdint.h>
#include <uv.h>

typedef struct file_watch file_watch_t;

typedef struct {
    void (*look) (void *owner);   //  in the pool
    void (*looked) (void *owner); //  in the loop, after each look
    void (*gone) (void *owner);   //  in the loop: nothing looks any more, and the watch is gone
} file_watch_events_t;

//  Borrows events. The first look is every_ms from now.
file_watch_t *file_watch_new (uv_loop_t *loop, const file_watch_events_t *events,
                              uint64_t every_ms, void *owner);
//  `looked` is not called any more. `gone` is called within, or later when a look is under way; it
//  may free the owner. The loop must turn once more before it is closed.
void file_watch_end (file_watch_t **self_p);

#endif
