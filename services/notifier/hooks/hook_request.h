//  hook_request — an item of `webhook.out` as what is sent: to whom, the headers, the body.
//
//  There are two kinds of items:
//
//      {"kind":"event","endpoint":"crm","payload":1,"type":"message.created","time":"…","data":{…}}
//      an entry for a channel (docs/work-items.md), of a person who writes by a channel of
//      webhooks: it goes to the endpoint that the channel's `reply` names
//
//  Of both becomes {"type", "timestamp", "version", "data"}.

#ifndef HOOK_REQUEST_H
#define HOOK_REQUEST_H

#include "auth/webhook_signature.h"
#include "base/buffer.h"
#include "bus/bus_record.h"
#include "config/app.h"
#include "hooks/hook_outcome.h"

#define HOOK_BODY_MOST 20000 //  bytes; Standard Webhooks advises to stay below 20 kB

typedef struct {
    const char *url;       //  borrowed from the app
    char id[WEBHOOK_ID_SIZE]; //  webhook-id, of the item's id
    uint64_t timestamp_s;  //  webhook-timestamp
    buffer_t signature;    //  webhook-signature
    buffer_t body;
} hook_request_t;

//  HOOK_TAKEN when it can be sent; else what it has come to without. `app` may be NULL: there is
//  none. hook_request_free follows in any case.
hook_outcome_t hook_request_make (hook_request_t *self, const app_t *app, const bus_work_t *work,
                                  uint64_t now_s);
void hook_request_free (hook_request_t *self);

#endif
