//  notifier — the worker of everything that goes out to people and systems which are not in the
//  chat: alerts by e-mail, SMS and Slack, and webhooks. It takes deliveries from the postoffices,
//  makes one attempt at each when it is told to, and says what came of it. The postoffices own the
//  schedule, the memory and the dead letters; the notifier keeps nothing on disk.
//
//  A channel is a row of `s_channels` in notifier.c (channels/channel.h says what it is): its topic
//  and the functions that make an attempt. Rooms: `channels` has what channels share, `email` and
//  its like have one each.

#ifndef NOTIFIER_H
#define NOTIFIER_H

#include "process/service.h"

extern const service_kind_t notifier_service;

#endif
