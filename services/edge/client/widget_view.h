//  widget_view — what the stock widget can bear of a bot's answer.
//
//  The log keeps the answer as the bot gave it, and other clients get it so. The widget's handler
//  fails, and loses the frame, over `system` TRANSFER_CALL, over permissions that it does not know,
//  and over one without `data`; it knows no `system` that is not a string. Of an answer with
//  nothing that it shows it draws an empty entry (docs/client-protocol.md, section 4).

#ifndef WIDGET_VIEW_H
#define WIDGET_VIEW_H

#include "bus/bus_record.h"
#include "base/buffer.h"

typedef enum {
    WIDGET_VIEW_SAME,    //  as it is
    WIDGET_VIEW_CHANGED, //  as `to` has it
    WIDGET_VIEW_NOTHING, //  not at all
} widget_view_t;

//  What may have to be added to an entry's data.
#define WIDGET_VIEW_ROOM 16

//  How a widget is to be given the entry. `to` is a fresh buffer of the caller's, for as much as
//  the entry's data and WIDGET_VIEW_ROOM; it is written to only for WIDGET_VIEW_CHANGED.
widget_view_t widget_view (const bus_deliver_t *entry, buffer_t *to);

#endif
