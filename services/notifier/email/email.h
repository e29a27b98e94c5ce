//  email — the channel of topic notify.email: one mail to one address by the app's SMTP server.
//
//  How often a mail may arrive: once; twice when a try ended without a word of the server behind
//  the mail's last byte, or the notifier was killed in a try. Then it is tried once more, with the
//  same Message-ID, and the delivery log says "possible duplicate". A second such end makes it a
//  dead letter, which says so: somebody may look, and replay it.
//
//  Wrong logins: a server that is asked again and again locks the account. Nothing goes to it for a
//  minute behind each refusal, and after three in a row not until an operator says so.
//
//  An app has at most four connections to its server from one notifier; other mails of the app
//  wait, within the time limit of their try. The app's rate (`perMinute`) is kept by sending mails
//  back with the time at which it is their turn.

#ifndef EMAIL_H
#define EMAIL_H

#include "channels/channel.h"

extern const channel_t email_channel;

//  Whether it can be said in EHLO: empty, or the name of a host.
bool email_name_is_good (const char *name);

#endif
