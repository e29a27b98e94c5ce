//  failure_data — the `data` of a `failure` and of a retry notice: how often the bot was tried, and
//  when it is tried next. The widget counts the seconds down and shows an apology of its own.

#ifndef FAILURE_DATA_H
#define FAILURE_DATA_H

#include "base/buffer.h"

//  The widget has words for three failures; the last one is final.
#define BOT_TRIES_MOST 3

//  A buffer of this ceiling has room for it.
#define FAILURE_DATA_MAX 500

//  Appends it. The error is a short text of ours, delay_s the seconds until the next try (0: none).
void failure_data_write (buffer_t *to, unsigned tries, uint64_t delay_s, const char *error);

#endif
