//  slack — the channel of topic notify.slack: alerts by chat.postMessage, with a thread for each
//  session, or by an incoming webhook, which has none.
//
//  The first message of a session to a channel begins a thread: its `ts` is remembered with the
//  items' lane, so that every later one finds it, whichever notifier has it.
//
//  A place takes about a message in a second. Postoffices hand one out at a time (work/paces.c),
//  and a try pauses the item's destination for a second behind its end: its request may have gone
//  out late. What comes faster all the same waits here.
//
//  Slack has no key that makes a request safe to repeat: a try that ended without an answer is made
//  once more in all, and the delivery log says "possible duplicate".
//
//  A webhook's whole URL is a secret, and stands in no log and no report.

#ifndef SLACK_H
#define SLACK_H

#include "channels/channel.h"

extern const channel_t slack_channel;

#endif
