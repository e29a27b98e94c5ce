//  lines — how fast, and how many at once, messages go to one account or channel: a line for each,
//  with a queue in which attempts wait for their turn, first come, first served.
//
//  A turn stands inside the attempt. It always comes from the loop, never from within a call here.
//  A line that nobody is in, and that may be used at once, is forgotten.

#ifndef LINES_H
#define LINES_H

#include "base/list.h"
#include "base/loop_timer.h"
#include "base/text.h"

typedef struct lines lines_t;

typedef struct {
    list_t link; //  in the queue
    struct line *line;
    loop_timer_t *limit; //  of the wait; NULL: it does not wait
    void *owner;
} line_turn_t;

typedef struct {
    unsigned most;   //  turns at once
    uint64_t gap_ms; //  from one turn to the next
} line_rule_t;

//  It is the owner's turn, which lines_leave ends; or it was not within the time, and there is
//  nothing to end.
typedef void line_fn (void *owner, bool has_come);

lines_t *lines_new (uv_loop_t *loop, line_fn *came);
//  Nobody is in a line; the loop must turn until the timers are gone.
void lines_destroy (lines_t **self_p);

void lines_take (lines_t *self, text_t name, const line_rule_t *rule, line_turn_t *turn,
                 uint64_t within_ms, void *owner);
//  Whether it waits or has come; nothing is to be done for a zeroed turn.
void lines_leave (line_turn_t *turn);
//  Nothing goes by this line for so long.
void lines_hold (line_turn_t *turn, uint64_t milliseconds);
//  Logins in a row that the line's far side has refused; while there is one the line stays.
unsigned *lines_refused (line_turn_t *turn);

//  Of all lines of the channel.
unsigned lines_waiting (const lines_t *self);

#endif
