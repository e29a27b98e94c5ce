//  app_calls — whom a step of a rule calls, and how: its recipients as single addresses, each once.

#ifndef APP_CALLS_H
#define APP_CALLS_H

#include "config/app.h"

typedef struct {
    call_channel_t channel;
    const app_person_t *person; //  NULL: a channel of Slack, which all see
    text_t address;             //  mail address, number, id in Slack; empty: Slack's webhook
} app_call_t;

//  Fills `calls`, `most` of them at most, and returns how many: of the recipients of a step, in
//  these ways (CALL_BIT). Borrowed from the app. A person whom Slack does not know is called in the
//  app's channel.
size_t app_calls_of (const app_t *app, const json_texts_t *recipients,
                     unsigned channels, app_call_t calls[], size_t most);

//  Can the person be called in one of these ways (CALL_BIT)?
bool app_calls_reach (const app_t *app, unsigned channels, const app_person_t *person);

#endif
