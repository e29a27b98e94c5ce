//  genesys_login — the token of one OAuth client (client credentials), got when it is needed and
//  renewed before its end (http/bearer.h): for 5 minutes before, or the last fifth of its life.
//
//  A login that is refused is a mistake of the configuration: the next one is `backoff_ms` later.
//  So is one behind a token that the API refuses although it is new (genesys_login_denied). One
//  that does not come about is tried again after a second, then after longer, that long at most.

#ifndef GENESYS_LOGIN_H
#define GENESYS_LOGIN_H

#include "http/bearer.h"
#include "http/http_client.h"

typedef struct genesys_login genesys_login_t;

//  Copied, but for the client and the counter.
typedef struct {
    http_client_t *http;
    const char *app; //  for the log
    const char *url; //  "https://login.…/oauth/token"
    text_t client_id;
    text_t secret;
    uint64_t call_ms;
    uint64_t backoff_ms;
    uint64_t waiters; //  calls that may wait for it
    int64_t *failed;  //  counts logins that failed
} genesys_login_config_t;

genesys_login_t *genesys_login_new (const genesys_login_config_t *config);
//  No call waits for it any more.
void genesys_login_destroy (genesys_login_t **self_p);

//  For http_request_t.
bearer_t *genesys_login_bearer (genesys_login_t *self);

//  Why no call can be made now.
typedef struct {
    bool is_refused;  //  the client is not let in; else the login could not be reached
    unsigned status;  //  of the answer, 0: there was none
    uint64_t wait_ms; //  until it is tried again
    const char *words; //  live as long as the login, or until the next try
} genesys_bar_t;

//  False: a token is there, or would be got.
bool genesys_login_is_barred (const genesys_login_t *self, genesys_bar_t *bar);
//  The API has refused two tokens in a row.
void genesys_login_denied (genesys_login_t *self, const char *words);

#endif
