//  hooks — the channel `webhook.out`: what happens in an app, and answers to people who write by a
//  channel of webhooks, go to the app's servers as Standard Webhooks (docs/webhooks.md).
//
//  One try is one POST to the endpoint, signed anew with each secret that the app has for it; the
//  webhook's id follows from the item's id, and is the same at every try and replay. 2xx means that
//  it was taken. No redirect is followed. The endpoint's address is looked at after its name was
//  resolved, and that very address is connected to: what is not public must be in
//  OUT_ALLOWED_NETWORKS, and so must be whatever http:// is to reach.

#ifndef HOOKS_H
#define HOOKS_H

#include "channels/channel.h"

extern const channel_t hooks_channel;

#endif
