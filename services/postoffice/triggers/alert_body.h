//  alert_body — what an alert's item remembers of its cause: the body that alerts.h shows, written
//  and read.

#ifndef ALERT_BODY_H
#define ALERT_BODY_H

#include "alerts/alert_limits.h"
#include "alerts/alert_template.h"

//  A byte of a value takes six in JSON, at most.
#define ALERT_BODY_MOST (2000 + 6 * (ALERT_MOST_MAIL + ALERT_MOST_VALUE * ALERT_VALUES))

struct json_object;

typedef struct {
    text_t rule;
    alert_event_t event;
    uint64_t seq;
    uint64_t time_ms; //  since when it lasts, or when it was
    uint64_t role;    //  `by`
    text_t user;
    text_t values[ALERT_VALUES]; //  those of the cause; data NULL, or empty: not known
    struct json_object *object;  //  that the texts stand in, once it was read; or NULL
} alert_body_t;

//  The buffer takes ALERT_BODY_MOST bytes. Values are cut to ALERT_MOST_VALUE bytes, what was said
//  to ALERT_MOST_MAIL: between characters, with "…" behind what is cut.
void alert_body_write (const alert_body_t *self, buffer_t *to);

//  False: it is none; nothing is to be freed then. alert_body_free follows.
bool alert_body_read (alert_body_t *self, text_t body);
void alert_body_free (alert_body_t *self);

#endif
