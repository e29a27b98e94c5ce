//  api — the edge's half of the HTTP API. It finds the operation of a request (api_operations.def),
//  makes a principal of whoever asks, refuses early what the tables refuse, and hands the rest to
//  the session's postoffice as a REQUEST; the REPLY is the answer. It knows no rules of sessions.
//
//  A request's life:
//
//      asked ──► refused at once: a problem (problems.def)
//        │
//        └► [body] ──► sent to a postoffice ─┬─ REPLY ──────────► answered
//                           ▲                ├─ deadline ───────► 504
//                           │                ├─ asker gone ─────► forgotten; the REPLY is nobody's
//                           └── a GET again ─┴─ postoffice down ► else 503
//
//  A reply that comes too late finds no request of its number, and is ignored.

#ifndef API_H
#define API_H

#include "api/api_request.h"
#include "bus/bus_client.h"
#include "client/door.h"
#include "client/limits.h"
#include "config/apps.h"
#include "model/problem.h"
#include "net/http_request.h"

typedef struct api api_t;

//  Who carries out an operation of PLACE EDGE, once it is known that the asker may: answers the
//  request, now or later. `fields` are lines of the answer, for request_set_fields. All of it lives
//  until the call returns.
typedef void api_asked_fn (void *owner, request_t *request, const http_head_t *head,
                           const api_request_t *asked, const door_pass_t *pass, text_t fields);
typedef struct {
    api_asked_fn *asked;
    void *owner;
} api_local_t;

typedef struct {
    bus_client_t *bus;
    const apps_t *apps;
    const door_t *door;
    limits_t *limits;
    uint64_t requests_most; //  under way; more get 503
    api_local_t local[API_OPERATIONS]; //  by operation: each of PLACE EDGE has one
} api_config_t;

//  Paths that begin with this are the API's.
#define API_PATHS "/api/"

//  Borrows what the config names.
api_t *api_new (uv_loop_t *loop, const api_config_t *config);
//  All requests are gone.
void api_destroy (api_t **self_p);

//  http_site_t's.
void api_asked (void *owner, request_t *request, const http_head_t *head);
void api_too_many (void *owner, request_t *request, const http_head_t *head, unsigned seconds);

//  For who carries out an operation of PLACE EDGE: answers the request with a problem. `more` are
//  further lines of the head.
void api_refuse (request_t *request, problem_t problem, const char *more, text_t detail);
//  It comes too fast, and may come again after so many seconds.
void api_refuse_for (request_t *request, uint64_t seconds);

//  What the bus says.
void api_reply (api_t *self, const bus_reply_t *reply);
void api_postoffice_down (api_t *self, unsigned postoffice);

#endif
