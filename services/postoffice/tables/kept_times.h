//  kept_times — how long sessions stay in the database after their last activity.

#ifndef KEPT_TIMES_H
#define KEPT_TIMES_H

#include "base/text.h"

#include <stdint.h>

//  Takes an app and its time.
typedef void kept_add_fn (void *to, text_t app, uint64_t kept_ms);

typedef struct {
    uint64_t sessions_ms; //  SESSIONS_KEPT; 0: for ever
    //  Names the apps that have a time of their own (0: for ever); asked before each use, as the
    //  apps file may have changed. NULL: none has.
    void (*each) (void *owner, kept_add_fn *add, void *to);
    void *owner;
} kept_times_t;

#endif
