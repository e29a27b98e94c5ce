//  door — who comes in: the one place where a principal is made of what a request says of its
//  sender, for sockets and for the API. Nothing behind it asks how somebody came in, or knows of
//  demo mode: an agent is a principal of its kind, and may what permissions.def says.
//
//  A token (docs/tokens.md) says who its bearer is; what the URL says beside it must agree. It
//  stands in the Authorization header, among the protocols that a WebSocket offers, or in the URL,
//  and only in one of them. Without one a request is an anonymous visitor, where the app lets
//  anybody in, or an agent, in demo mode only.
//
//  A server may come with an API key in place of a token: in the Authorization header and nowhere
//  else, as an URL stands in logs. It tells itself from a token by its beginning (auth/api_keys.h).
//
//  An app that has tokens knows its visitors' names, and nobody else may use them: its anonymous
//  visitors are called "anonymous:<user id>".

#ifndef DOOR_H
#define DOOR_H

#include "auth/token.h"
#include "config/apps.h"
#include "model/principal.h"
#include "net/client_url.h"
#include "net/http_head.h"

#define ANONYMOUS "anonymous:"

//  Borrowed by whoever lets somebody in.
typedef struct {
    const apps_t *apps;
    bool demo_mode; //  isAdmin=true makes anybody an agent
} door_t;

//  What a principal came in with. Not to be copied: its texts stand in it, in its token and in the
//  apps.
typedef struct {
    principal_t principal;
    uint64_t may;          //  permissions, as bits: what its kind may, and its scopes name
    text_t name;           //  that its token gives it; may be empty
    token_t *token;        //  NULL: without one
    uint64_t api_key;      //  that it came with; 0: without one
    token_fault_t fault;   //  why the token is not accepted
    char room[USER_ID_MAX];
} door_pass_t;

//  CLOSE_CLIENT: the principal may come in. Else why not: CLOSE_BAD_URL, CLOSE_UNKNOWN_APP,
//  CLOSE_NOT_ALLOWED, or what is wrong about the token; the principal is set as far as it is known,
//  and its app and user may be empty. Ended with door_pass_free in any case.
close_reason_t door_ask (const door_t *self, const client_url_t *url, const http_head_t *head,
                         door_pass_t *pass);
void door_pass_free (door_pass_t *pass);

//  What the door does not like about a token that is good as a token, for its maker; NULL: nothing.
const char *door_complaint (const token_claims_t *claims);

//  What a connection came in by.
typedef struct {
    uint64_t key;       //  of its token, or its API key; 0: it came without one
    uint64_t expires_s; //  0: never
} door_ticket_t;

door_ticket_t door_ticket (const door_pass_t *pass);
//  Would it come in still, under the same name? The file may say something else meanwhile: a key is
//  gone, or is another one; the app has tokens now, or lets in nobody without one. Whether the end
//  of a token counts is the app's to say, too. CLOSE_CLIENT: it may stay.
close_reason_t door_may_stay (const door_t *self, const principal_t *principal,
                              const door_ticket_t *ticket);

//  Before a token among the protocols that a WebSocket offers.
#define DOOR_PROTOCOL_TOKEN "stentor.token."

#endif
