#include "config/app_calls.h"

typedef struct {
    const app_t *app;
    unsigned channels;
    app_call_t *calls;
    size_t count, most;
} list_of_calls_t;

static void
s_add (list_of_calls_t *self, call_channel_t channel, const app_person_t *person, text_t address)
{
    for (size_t at = 0; at < self->count; at++)
        if (self->calls[at].channel == channel && text_is (self->calls[at].address, address))
            return;
    if (self->count < self->most)
        self->calls[self->count++] = (app_call_t){ channel, person, address };
}

static bool
s_calls_by (const list_of_calls_t *self, call_channel_t channel)
{
    return self->channels & CALL_BIT (channel);
}

static void
s_add_person (list_of_calls_t *self, const app_person_t *person)
{
    const app_slack_t *slack = &self->app->slack;
    if (s_calls_by (self, CALL_EMAIL) && person->email.size > 0)
        s_add (self, CALL_EMAIL, person, person->email);
    if (s_calls_by (self, CALL_SMS) && person->phone.size > 0)
        s_add (self, CALL_SMS, person, person->phone);
    if (!s_calls_by (self, CALL_SLACK))
        return;
    if (slack->has_token && person->slack.size > 0)
        s_add (self, CALL_SLACK, person, person->slack);
    else if (slack->has_token && slack->channel.size > 0)
        s_add (self, CALL_SLACK, NULL, slack->channel);
    else if (slack->has_webhook)
        s_add (self, CALL_SLACK, NULL, TEXT_EMPTY);
}

static bool
s_is_of (const app_person_t *person, text_t group)
{
    for (size_t at = 0; at < person->groups.count; at++)
        if (text_is (person->groups.items[at], group))
            return true;
    return false;
}

size_t
app_calls_of (const app_t *app, const json_texts_t *recipients, unsigned channels,
              app_call_t calls[], size_t most)
{
    list_of_calls_t self = { app, channels, calls, 0, most };
    const app_person_t *people = app->people.rows;
    for (size_t to = 0; to < recipients->count; to++) {
        text_t recipient = recipients->items[to];
        size_t kind = strcspn (recipient.data, ":") + 1;
        text_t name = { recipient.data + kind, recipient.size - kind };
        if (*recipient.data == 's' && s_calls_by (&self, CALL_SLACK))
            s_add (&self, CALL_SLACK, NULL, name);
        for (size_t at = 0; at < app->people.count; at++)
            if (*recipient.data == 'p'   ? text_is (people[at].id, name)
                : *recipient.data == 'g' ? s_is_of (&people[at], name)
                                         : false)
                s_add_person (&self, &people[at]);
    }
    return self.count;
}

bool
app_calls_reach (const app_t *app, unsigned channels, const app_person_t *person)
{
    app_call_t call;
    list_of_calls_t self = { app, channels, &call, 0, 1 };
    s_add_person (&self, person);
    return self.count > 0;
}
