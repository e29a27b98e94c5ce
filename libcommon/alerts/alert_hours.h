//  alert_hours — when a rule may call people: a window of the day on some days of the week, in a
//  zone of the IANA database (tzdata).
//
//  A window belongs to the day on which it begins, and may end on the next one. Clocks that are
//  changed: a time that there is twice begins a window with its first and ends it with its last;
//  one that there is not is the moment of the change.
//
//  Made once, when the configuration is read, which reads a file; reading it later changes nothing,
//  so that it may be made in one thread and used in another. Times are milliseconds since 1970.

#ifndef ALERT_HOURS_H
#define ALERT_HOURS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define ALERT_DAY_MINUTES 1440
#define ALERT_TIME_ROOM 48

typedef struct alert_hours alert_hours_t;

//  "Europe/Berlin", "Etc/GMT+5" or "UTC"; a name that the database has. Reads a file.
bool alert_zone_is_known (text_t zone);

//  The window from `from` to `to`, in minutes of the day: `to` is ALERT_DAY_MINUTES at most, and
//  not later than `from` when it is one of the next day. `days`: bit 0 is Monday; 0: each day.
//  NULL: there is no such zone.
alert_hours_t *alert_hours_new (text_t zone, unsigned days, unsigned from, unsigned to);
void alert_hours_destroy (alert_hours_t **self_p);

//  When it is open next, `now_ms` when it is now. UINT64_MAX: not within the next 15 days.
uint64_t alert_hours_next (const alert_hours_t *self, uint64_t now_ms);

//  The time for people: "2026-11-26 22:01 CET", in UTC without hours.
void alert_hours_print (const alert_hours_t *self, uint64_t time_ms, char to[ALERT_TIME_ROOM]);

#endif
