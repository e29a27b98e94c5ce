//  hook_try — `notifier --send-test webhook` (channel.h): one webhook of type `test` to an endpoint
//  of the app at once, signed as every other one, and what was answered.

#ifndef HOOK_TRY_H
#define HOOK_TRY_H

#include "channels/channel.h"

//  The address is the endpoint's name.
void hook_try (const channel_means_t *means, const char *app, const char *address, int *code);

#endif
