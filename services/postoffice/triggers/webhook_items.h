//  webhook_items — what an app's servers are told of a changeset: for each endpoint of
//  `webhooksOut` that has chosen an event, a delivery in the same changeset, so that it is stored
//  with its cause or not at all:
//
//      item         ":webhook:<endpoint>:<event>:<session key>:<seq>:<time>", of the entry; the
//                   time is in it because a session that retention has dropped may begin anew
//      topic        webhook.out
//      destination  "webhook:<app>/<endpoint>"
//      lane         none: an endpoint that refuses one holds up no other
//      body         {"kind":"event", "endpoint", "payload", "type", "time", "data"}
//
//  docs/webhooks.md has `data`. Hidden entries, and what agents whisper, make none. Alerts that are
//  raised and dead letters stand in no changeset: their items are made where they are
//  (store/schema/alerts.sql).
//
//  Entries for people who write by a channel of webhooks are items already (rules/channel_items.h):
//  they get the destination of the endpoint that the channel's `reply` names.

#ifndef WEBHOOK_ITEMS_H
#define WEBHOOK_ITEMS_H

#include "config/app.h"
#include "model/alert_event.h"
#include "rules/entries.h"

#define TOPIC_WEBHOOK TEXT ("webhook.out")
#define WEBHOOK_PREFIX ":webhook:"
#define WEBHOOK_ITEM_MAX (SESSION_KEY_MAX + 64 + 100)
//  Bytes of `data`: with what the notifier puts around it, less than 20 kB are sent.
#define WEBHOOK_DATA_MOST 19500

//  Names of the app's endpoints that have chosen the event; APP_WEBHOOKS_MOST at most.
size_t webhook_endpoints (const app_t *app, webhook_event_t event, text_t *names);

//  No more operations go into the changeset.
void webhook_items_end (switchboard_t *self);

#endif
