//  client_url — who a client says it is: the query of its URL, read strictly.
//
//  A parameter of ours that is badly encoded, too long, given twice, without a value, or has a
//  value that means nothing is a fault: a client must not come in as somebody else by mistake.
//  Other parameters are for others and are not looked at.

#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "tables/reasons.h"
#include "model/model.h"

//  Not to be copied: its texts stand in it.
typedef struct {
    text_t app; //  empty when the URL has none: the default app
    text_t user;  //  empty: none
    text_t token; //  stands in the query; empty: none. Never logged
    bool admin;
    bool rich;
    bool app_is_bad;   //  not of the form that app ids have
    bool other_is_bad; //  any other parameter is
    unsigned seen;     //  which parameters came already
    char app_room[APP_ID_MAX];
    char user_room[USER_ID_MAX];
} client_url_t;

//  The query as it stands in the request, without the '?'.
void client_url_read (client_url_t *self, text_t query);
//  Is this one of the parameters that it reads?
bool client_url_has (text_t name);
//  The widget hides users whose id ends in "router": nobody must join unseen.
bool client_user_is_hidden (text_t user);
//  What is wrong with what was read: CLOSE_CLIENT when nothing is. Whether the app exists, a user
//  must be named and admins are let in is not known here.
close_reason_t client_url_check (const client_url_t *self);

#endif
