//  platforms — POST /webhooks/<app>/genesys: a contact centre tells what its people say
//  (docs/genesys.md). It is there when the app has the section `genesys`.
//
//  A request is read in this order: path, size, signature, body; only then something is done. It is
//  answered 200 when what it says is stored, or is of no use here; 503 when it could not be stored
//  within a second: the platform comes again. A body that is theirs, and is not understood, is
//  answered 200 as well: a refusal would end the whole conversation there.

#ifndef PLATFORMS_H
#define PLATFORMS_H

#include "config/apps.h"
#include "net/http_request.h"
#include "webhooks/questions.h"

typedef struct platforms platforms_t;

typedef struct {
    const apps_t *apps;
    questions_t *questions;
    uint64_t window_ms;     //  see platform_ask_t
    uint64_t requests_most; //  under way; more get 503
} platforms_config_t;

//  Copies the config, and borrows what it names.
platforms_t *platforms_new (const platforms_config_t *config);
//  All requests are gone.
void platforms_destroy (platforms_t **self_p);

//  Is it for one of the apps' platforms?
bool platforms_is_path (const platforms_t *self, const http_head_t *head);
//  Within the request's `asked`: it is answered, now or later.
void platforms_asked (platforms_t *self, request_t *request, const http_head_t *head);

#endif
