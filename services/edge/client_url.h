//  client_url — who a client says it is: the query of its URL, read and checked.
//
//  The socket library has cut the query at `&` and decoded the percents; this takes the pieces
//  ("userId=u-1") one by one and copies what it knows. The first of a name counts.

#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "close_reason.h"
#include "words/words.h"

typedef struct {
    char app[APP_ID_MAX + 1];   //  "" when the URL has none: the default app
    char user[USER_ID_MAX + 1];
    size_t app_size;
    size_t user_size;
    bool admin;
    bool rich;
    bool app_is_bad; //  not of the form that app ids have
    bool user_is_bad;
    unsigned seen; //  which parameters came already
} client_url_t;

void client_url_init (client_url_t *self);
//  Unknown names are ignored.
void client_url_take (client_url_t *self, text_t pair);
//  What is wrong with what was taken: CLOSE_CLIENT when nothing is. Whether the app exists and
//  admins are let in is not known here.
close_reason_t client_url_check (const client_url_t *self);

text_t client_url_app (const client_url_t *self);
text_t client_url_user (const client_url_t *self);

#endif
