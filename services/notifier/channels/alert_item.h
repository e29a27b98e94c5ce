//  alert_item — the body of a notification: what the postoffice has rendered for one person by one
//  channel. Texts are escaped for their channel already; they are what people wrote, in part, and
//  may hold anything that UTF-8 can.

#ifndef ALERT_ITEM_H
#define ALERT_ITEM_H

#include "base/text.h"

#include <stdint.h>

struct json_object;

#define ALERT_ITEM_MOST (1u << 20) //  bytes of a body

//  What a body does not have is empty or 0.
typedef struct {
    text_t app, session; //  ids
    text_t alert;        //  its id
    text_t rule;         //  its name
    text_t event;
    uint64_t step;
    text_t time;         //  RFC 3339, of the event
    text_t person, name; //  whom it is for
    text_t address;      //  of the channel: a mail address, a number, a channel of Slack
    text_t subject;
    text_t text;
    text_t html;
    text_t link;         //  where it can be acknowledged
    text_t console;      //  where the session is
    uint64_t suppressed; //  alerts that were not sent before this one
    struct json_object *tree; //  that the texts stand in
} alert_item_t;

//  All texts empty.
void alert_item_clear (alert_item_t *self);
//  Returns 0, and the texts live until alert_item_free; −1 when the body is no JSON object or a
//  member is of another kind than it should be.
__attribute__ ((warn_unused_result)) int alert_item_read (alert_item_t *self, text_t body);
//  Safe behind a read that failed.
void alert_item_free (alert_item_t *self);

#endif
