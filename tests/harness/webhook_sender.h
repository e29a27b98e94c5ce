//  webhook_sender — outside systems that send webhooks, signed as each of them does. What is sent
//  may be wrong in every way.

#ifndef WEBHOOK_SENDER_H
#define WEBHOOK_SENDER_H

#include "auth/webhook_signature.h"
#include "http_get.h"

#include <time.h>

#define SENDER_SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define SENDER_TOKEN "an-auth-token"
#define SENDER_PUBLIC "https://edge.example.com"

//  Each answer is given back with http_answer_free.

//  Standard Webhooks with this id and time; secret as in the apps file.
http_answer_t send_standard (uint16_t port, const char *path, const char *secret, const char *id,
                             time_t at, const char *body);
//  A form of Twilio's: signed with the token for SENDER_PUBLIC and the path.
http_answer_t send_twilio (uint16_t port, const char *path, const char *token, const char *form);
//  Google's: the body as it is, or in an envelope.
http_answer_t send_google (uint16_t port, const char *path, const char *key, const char *json,
                           bool in_envelope);

//  The usual: "message.created" of this person; an SMS. Returns the status.
int writes_standard (uint16_t port, const char *path, const char *user, const char *message_id,
                     const char *text);
int writes_sms (uint16_t port, const char *path, const char *from, const char *sid,
                const char *text);

#endif
