//  alert_event — what people are called about (alert_events.def), and what servers are told of
//  (webhook_events.def).

#ifndef ALERT_EVENT_H
#define ALERT_EVENT_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { ALERT_PLACE_SESSION, ALERT_PLACE_APP } alert_place_t;

typedef enum {
#define ALERT_EVENT(NAME, name, PLACE, least, most, WHOM, words) ALERT_ON_##NAME,
#include "model/alert_events.def"
#undef ALERT_EVENT
    ALERT_EVENTS
} alert_event_t;

typedef struct {
    const char *name;
    alert_place_t place;
    uint64_t least_s, most_s; //  of afterSeconds; both 0: it is a moment
    bool has_groups;          //  groups of agents are asked for
    const char *words;
} alert_event_row_t;
extern const alert_event_row_t alert_events[ALERT_EVENTS];
alert_event_t alert_event_named (text_t name); //  ALERT_EVENTS: none

typedef enum {
#define WEBHOOK_EVENT(NAME, name, words) WEBHOOK_##NAME,
#include "model/webhook_events.def"
#undef WEBHOOK_EVENT
    WEBHOOK_EVENTS
} webhook_event_t;

extern const char *const webhook_event_names[WEBHOOK_EVENTS];
webhook_event_t webhook_event_named (text_t name); //  WEBHOOK_EVENTS: none

#endif
