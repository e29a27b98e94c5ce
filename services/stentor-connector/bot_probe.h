//  bot_probe — an item that asks whether an app's bot is well (TOPIC_BOT_HEALTH): one GET of the
//  app's healthUrl, without the bot's key. 2xx: it is. Never tried again: its postoffice asks when
//  it wants to know.

#ifndef BOT_PROBE_H
#define BOT_PROBE_H

#include "config/apps.h"
#include "http/http_client.h"
#include "worker/worker_item.h"

#define BOT_PROBE_SIZE 64 //  bytes of an attempt's memory

bool bot_probe_is (const bus_work_t *work);
//  Within that time, or a few seconds, whichever is shorter.
void bot_probe_start (http_client_t *http, const apps_t *apps, uint64_t timeout_ms,
                      worker_item_t *item);
void bot_probe_cancel (http_client_t *http, worker_item_t *item);

#endif
