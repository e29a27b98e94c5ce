//  mail_try — `notifier --send-test email --app APP --to ADDRESS`: sends a mail at once, as an
//  alert of the app would be sent, without a postoffice, and says what the server answered.

#ifndef MAIL_TRY_H
#define MAIL_TRY_H

#include "channels/channel.h"

//  Begins it, on the loop of the means. `code` is the exit code when the loop has nothing more to
//  do: 0 when the server took it, 64 for an address that is none, 69 when it was not sent, 78 when
//  the app cannot send mail.
void mail_try (const channel_means_t *means, const char *app, const char *address, int *code);

#endif
