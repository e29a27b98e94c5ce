//  sms — the channels of topics notify.sms (alerts) and sms.out (conversations): SMS by Twilio.
//
//  Twilio has no key that makes a request safe to repeat. A request that was sent, and whose answer
//  did not come (or whose notifier was killed), is unsure: before the next try the account's list
//  of messages is looked at. What stands there was sent. What does not is sent once more, and the
//  delivery log says "possible duplicate"; a second such end is looked up once more, and then a
//  dead letter. An alert is looked for by its link; one without a link in its text is not looked
//  for.
//
//  A long text of a conversation goes out as several messages, in order. What was accepted is
//  remembered: a later try goes on behind it. An alert is one message; the words before its link
//  are cut.
//
//  An account has at most eight requests under way at once from one notifier, and its rate
//  (`perSecond`) as messages.

#ifndef SMS_H
#define SMS_H

#include "channels/channel.h"

extern const channel_t sms_alert_channel;
extern const channel_t sms_out_channel;

#endif
