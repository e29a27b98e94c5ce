//  texting_try — `notifier --send-test slack` and `sms` (channel.h): one message at once, as an
//  alert would be sent, and what was answered.

#ifndef TEXTING_TRY_H
#define TEXTING_TRY_H

#include "channels/channel.h"

//  The address is a channel's or a member's id; of an app that has only a webhook, "webhook".
void slack_try (const channel_means_t *means, const char *app, const char *address, int *code);
//  The address is a number.
void sms_try (const channel_means_t *means, const char *app, const char *address, int *code);

#endif
