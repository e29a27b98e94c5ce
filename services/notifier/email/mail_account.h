//  mail_account — an app's way out by e-mail, from its row of apps.json, as smtp_transfer takes it.

#ifndef MAIL_ACCOUNT_H
#define MAIL_ACCOUNT_H

#include "channels/channel.h"
#include "email/smtp_transfer.h"

#define MAIL_NAME_SIZE 256

//  Fills all but `to`, `mail` and `timeout_ms`; `name` is room for the name for EHLO. Returns NULL,
//  or what is wrong with the account, for the operator.
const char *mail_account_request (const app_t *app, const channel_means_t *means,
                                  smtp_request_t *request, char name[MAIL_NAME_SIZE]);

#endif
