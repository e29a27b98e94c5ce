//  api_calls — requests of the HTTP API that a postoffice carries out, while they are under way.
//
//  A call's life:
//
//      begun ──► [body] ──► sent to a postoffice ─┬─ REPLY ──────────► answered
//                                ▲                ├─ its first piece ► the next one is asked for
//                                │                ├─ deadline ───────► 504
//                                │                ├─ asker gone ─────► forgotten
//                                └── a GET again ─┴─ postoffice down ► else 503
//
//  Each REQUEST has a number of its own: a reply to one before the last finds no call.

#ifndef API_CALLS_H
#define API_CALLS_H

#include "api/api_request.h"
#include "bus/bus_client.h"
#include "client/door.h"
#include "client/limits.h"
#include "config/apps.h"
#include "net/http_request.h"

typedef struct api_calls api_calls_t;

typedef struct {
    bus_client_t *bus;
    const apps_t *apps;
    limits_t *limits;
    uint64_t requests_most; //  under way; more get 503
} api_calls_config_t;

//  Borrows what the config names.
api_calls_t *api_calls_new (uv_loop_t *loop, const api_calls_config_t *config);
//  All requests are gone.
void api_calls_destroy (api_calls_t **self_p);

//  Within the request's `asked`: it is answered, now or later. `fields` are lines of the answer.
void api_calls_begin (api_calls_t *self, request_t *request, const http_head_t *head,
                      const api_request_t *asked, const door_pass_t *pass, text_t fields);

//  What the bus says.
void api_calls_reply (api_calls_t *self, const bus_reply_t *reply);
void api_calls_postoffice_down (api_calls_t *self, unsigned postoffice);

#endif
