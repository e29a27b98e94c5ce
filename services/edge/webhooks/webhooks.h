//  webhooks — POST /webhooks/<app>/<channel>[/status]: outside systems write in (docs/webhooks.md).
//
//  A request is read in this order: path, size, signature, form; only then something is done. What
//  is said is stored before it is answered. Limits count what was signed; what was not counts for
//  its address only (address/callers.h).

#ifndef WEBHOOKS_H
#define WEBHOOKS_H

#include "client/limits.h"
#include "config/apps.h"
#include "net/http_request.h"
#include "webhooks/webhook_call.h"

#define WEBHOOK_PATHS "/webhooks/"

typedef struct webhooks webhooks_t;

typedef struct {
    const apps_t *apps;
    limits_t *limits;
    questions_t *questions;
    const char *public_url; //  of this edge, as outside systems have it; "": it is not known
    uint64_t requests_most; //  under way; more get 503
} webhooks_config_t;

//  Copies the config, and borrows what it names.
webhooks_t *webhooks_new (const webhooks_config_t *config);
//  All requests are gone.
void webhooks_destroy (webhooks_t **self_p);

bool webhooks_is_path (const http_head_t *head);
//  Within the request's `asked`: it is answered, now or later.
void webhooks_asked (webhooks_t *self, request_t *request, const http_head_t *head);

#endif
