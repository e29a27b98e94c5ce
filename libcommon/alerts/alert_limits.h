//  alert_limits — how long an alert may be, by where it goes (alert_limits.def): the one place of
//  these numbers.

#ifndef ALERT_LIMITS_H
#define ALERT_LIMITS_H

//  ALERT_MOST_SMS and so on, in bytes.
enum {
#define ALERT_LIMIT(NAME, bytes, where, words) ALERT_MOST_##NAME = (bytes),
#include "alerts/alert_limits.def"
#undef ALERT_LIMIT
};

#endif
