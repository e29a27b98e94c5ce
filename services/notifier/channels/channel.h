//  channel — one way out: a topic, and what makes one attempt at an item of it.
//
//  `start` begins an attempt. The item is the channel's until worker_item_done, or until `cancel`
//  is called, behind which the channel says nothing more of it. The attempt's memory
//  (worker_item_view_t.attempt) has `attempt_size` bytes, zeroed. An attempt must end by itself
//  within `try_ms` of the means.

#ifndef CHANNEL_H
#define CHANNEL_H

#include "channels/schedule.h"
#include "config/apps.h"
#include "http/http_client.h"
#include "worker/worker.h"

#include <uv.h>

//  What all channels are given, by the notifier, which owns it; it lives longer than the channels.
typedef struct {
    uv_loop_t *loop;
    const apps_t *apps;
    http_client_t *http;     //  for hosts that the operator names; not guarded
    http_client_t *guarded;  //  for hosts that an app names (http/address_guard.h)
    const char *ca_file;     //  certificates to trust beside the system's; "": none
    const char *mail_name;   //  of EHLO; "": the domain of the sender
    const char *twilio_url;  //  without a slash at its end
    const char *slack_url;
    const char *public_url;  //  of the edge, as Twilio has it; "": it is not told of
    uint64_t try_ms;         //  time limit of one attempt, with what it waits for
    schedule_t alerts;       //  of notify.…
    schedule_t webhooks;     //  of webhook.out
} channel_means_t;

typedef struct {
    const char *topic; //  such as "notify.email"
    size_t attempt_size;
    //  The channel's state; never NULL.
    void *(*open) (const channel_means_t *means);
    //  When no attempt is left; the loop must turn until the handles are gone. Sets it to NULL.
    void (*close) (void **self_p);
    void (*start) (void *self, worker_item_t *item);
    void (*cancel) (void *self, worker_item_t *item);
    //  Of an attempt that is overdue, as in worker.h; or NULL.
    void (*remember) (void *self, worker_item_t *item, worker_report_t *report);
    //  Of `notifier --send-test`, or NULL: sends something to the address at once, for an app that
    //  may not be there. Begins it; `code` is the exit code as soon as it is known.
    //  The apps are gone when it returns.
    const char *name; //  "email"
    void (*send_test) (const channel_means_t *means, const char *app, const char *address,
                       int *code);
} channel_t;

#endif
