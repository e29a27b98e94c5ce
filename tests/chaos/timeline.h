//  timeline — where a client has been, and for how long: what a pause is explained with. Keeps
//  the last steps of its way, too.

#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdint.h>

//  All of a client's time belongs to one of them.
typedef enum {
    WHERE_BACKING_OFF, //  not connected, for as long as its own rules say
    WHERE_SENT_AWAY,   //  not connected, for as long as the router said
    WHERE_CONNECTING,  //  until it is let in
    WHERE_IN,          //  in its session
    WHERES
} where_t;

#define STEPS_KEPT 40

typedef struct {
    uint64_t at_us;
    char text[80];
} step_t;

//  A zeroed struct is one that backs off.
typedef struct {
    where_t where;
    uint64_t since_us;
    uint64_t spent_us[WHERES]; //  until since_us
    step_t steps[STEPS_KEPT];
    unsigned step_count;       //  of all; the last ones are kept
} timeline_t;

const char *where_word (where_t where);

void timeline_move (timeline_t *self, where_t where, uint64_t now_us);
__attribute__ ((format (printf, 3, 4))) void timeline_step (timeline_t *self, uint64_t now_us,
                                                            const char *format, ...);
//  How long it has been in each, in all.
void timeline_spent (const timeline_t *self, uint64_t now_us, uint64_t spent_us[WHERES]);
//  Copies the steps since then, and the one before them; returns how many. There is room for
//  STEPS_KEPT.
unsigned timeline_steps (const timeline_t *self, uint64_t since_us, step_t *steps);

#endif
