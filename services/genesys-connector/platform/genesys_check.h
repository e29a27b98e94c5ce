//  genesys_check — `genesys-connector --check APP`: whether what is set up on both sides fits
//  together, as far as can be asked without a conversation. A line for each on standard output:
//
//      login         ok: a token is there
//      integration   ok: "Support", active
//      webhook       ok: https://chat.example.com/webhooks/demo/genesys refuses what is not signed
//      receipt       ok: the role may say what became of messages
//      ending        ok: the role may end conversations
//
//  Else FAILED or UNKNOWN stands there, and why. Nothing is changed on either side: what is asked
//  for is not there.

#ifndef GENESYS_CHECK_H
#define GENESYS_CHECK_H

#include "platform/genesys_calls.h"

typedef struct genesys_check genesys_check_t;

typedef struct {
    http_client_t *http;
    const apps_t *apps;
    genesys_calls_t *calls;
    const char *public_url; //  where the edges are for the platform; "": it is not known
    uint64_t call_ms;
} genesys_check_means_t;

//  `done` is called later, once, with the exit code: EX_OK, EX_CONFIG when something FAILED,
//  EX_UNAVAILABLE when the platform could not be asked. The means are borrowed. NULL when the app
//  is not there, or has no section: the complaint stands on standard error.
typedef void genesys_check_fn (void *owner, int exit_code);
genesys_check_t *genesys_check_new (const genesys_check_means_t *means, const char *app,
                                    genesys_check_fn *done, void *owner);
//  Not from within `done`.
void genesys_check_destroy (genesys_check_t **self_p);

#endif
