//  alert_template — the words of an alert: a text with {{names}} in it (alert_placeholders.def),
//  without any logic. A name that is none is refused when the configuration is read.
//
//  Made once, when the configuration is read; reading it later changes nothing, so that it may be
//  made in one thread and used in another.

#ifndef ALERT_TEMPLATE_H
#define ALERT_TEMPLATE_H

#include "base/buffer.h"
#include "model/alert_event.h"

#define ALERT_TEMPLATE_MOST 4000 //  bytes of the source
#define ALERT_PIECES_MOST 200

typedef enum {
#define ALERT_PLACEHOLDER(NAME, name, WHERE, CUT, words) ALERT_VALUE_##NAME,
#include "alerts/alert_placeholders.def"
#undef ALERT_PLACEHOLDER
    ALERT_VALUES
} alert_value_t;

typedef enum {
#define ALERT_ESCAPER(NAME, where, words) ALERT_##NAME,
#include "alerts/alert_escapers.def"
#undef ALERT_ESCAPER
    ALERT_ESCAPERS
} alert_escaper_t;

//  "visitor.name".
const char *alert_value_name (alert_value_t value);

typedef struct alert_template alert_template_t;

//  NULL with `mistake`, a sentence for people: may the name stand in a rule of this event?
alert_template_t *alert_template_new (text_t source, alert_event_t on, buffer_t *mistake);
void alert_template_destroy (alert_template_t **self_p);

//  Does the name stand in it?
bool alert_template_has (const alert_template_t *self, alert_value_t value);

//  Puts at most `most` bytes, measured as they are put, into the buffer, which must have room for
//  them. What is too long is cut between characters, with "…" ("..." in an SMS) behind it, in the
//  order of alert_placeholders.def; the rule's own words behind all values that may be cut. A link
//  stands there whole or not at all, as does what a rule has in "<…>" for Slack. A value without
//  data is empty.
void alert_template_render (const alert_template_t *self, const text_t values[ALERT_VALUES],
                            alert_escaper_t escaper, size_t most, buffer_t *to);

#endif
