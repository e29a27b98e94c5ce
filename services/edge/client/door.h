//  door — who comes in: the one place where a principal is made of what a request says of its
//  sender, for sockets and for the API. Nothing behind it asks how somebody came in, or knows of
//  demo mode: an agent is a principal of its kind, and may what permissions.def says.
//
//  Until there are credentials, a request may be whoever its query says, and an agent in demo mode
//  only.

#ifndef DOOR_H
#define DOOR_H

#include "config/apps.h"
#include "model/principal.h"
#include "net/client_url.h"

//  Borrowed by whoever lets somebody in.
typedef struct {
    const apps_t *apps;
    bool demo_mode; //  isAdmin=true makes anybody an agent
} door_t;

//  CLOSE_CLIENT: the principal may come in. Else why not: CLOSE_BAD_URL, CLOSE_UNKNOWN_APP or
//  CLOSE_NOT_ALLOWED; the principal is set as far as it is known, and its app may be empty. Its
//  texts are the URL's and the apps'.
close_reason_t door_ask (const door_t *self, const client_url_t *url, principal_t *principal);

#endif
