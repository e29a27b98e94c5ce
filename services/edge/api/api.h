//  api — the edge's half of the HTTP API. It finds the operation of a request (api_operations.def),
//  makes a principal of whoever asks, refuses early what the tables refuse, and hands the rest to
//  who carries it out. It knows no rules of sessions.
//
//      asked ─┬► refused at once: a problem (problems.def)
//             ├► answered here: PLACE EDGE (the feed, the events, the document)
//             ├► under way to a postoffice: a bot that answers later, or somebody who acknowledges
//             │  an alert, by a signed address
//             └► under way to a postoffice (api_calls.h)

#ifndef API_H
#define API_H

#include "api/api_calls.h"
#include "client/door.h"
#include "client/limits.h"
#include "config/apps.h"
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
    const apps_t *apps;
    const door_t *door;
    limits_t *limits;
    api_calls_t *calls;
    text_t answer_key; //  of auth/answer_url.h; empty: no bot answers later
    text_t alert_key;  //  of auth/alert_url.h; empty: no alert is acknowledged by a link
    api_local_t local[API_OPERATIONS]; //  by operation: each of PLACE EDGE has one
} api_config_t;

//  Paths that begin with this are the API's.
#define API_PATHS "/api/"

//  And these are of bots that answer later (api_bot_answer).
bool api_is_of_bots (const http_head_t *head);

//  And these are links in alerts (alert_page.h).
bool api_is_of_alerts (const http_head_t *head);

//  Borrows what the config names.
api_t *api_new (const api_config_t *config);
void api_destroy (api_t **self_p);

//  http_site_t's.
void api_asked (void *owner, request_t *request, const http_head_t *head);
void api_too_many (void *owner, request_t *request, const http_head_t *head, unsigned seconds);

#endif
