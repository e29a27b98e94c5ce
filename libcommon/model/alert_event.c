#include "model/alert_event.h"

const alert_event_row_t alert_events[ALERT_EVENTS] = {
#define NOBODY false
#define GROUPS true
#define ALERT_EVENT(NAME, name, PLACE, least, most, WHOM, words)                                   \
    [ALERT_ON_##NAME] = { name, ALERT_PLACE_##PLACE, least, most, WHOM, words },
#include "model/alert_events.def"
#undef ALERT_EVENT
};

const char *const webhook_event_names[WEBHOOK_EVENTS] = {
#define WEBHOOK_EVENT(NAME, name, words) [WEBHOOK_##NAME] = name,
#include "model/webhook_events.def"
#undef WEBHOOK_EVENT
};

alert_event_t
alert_event_named (text_t name)
{
    int event = 0;
    while (event < ALERT_EVENTS && !text_is (name, text_of (alert_events[event].name)))
        event++;
    return (alert_event_t) event;
}

webhook_event_t
webhook_event_named (text_t name)
{
    int event = 0;
    while (event < WEBHOOK_EVENTS && !text_is (name, text_of (webhook_event_names[event])))
        event++;
    return (webhook_event_t) event;
}
