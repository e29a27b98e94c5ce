//  mail_outcome — what a try at a mail has come to: one pure function over what libcurl says and
//  what the server said last, since neither is the truth by itself. libcurl's code says that
//  something failed, and leaves the server's last reply standing, which may be of another command.

#ifndef MAIL_OUTCOME_H
#define MAIL_OUTCOME_H

#include "channels/delivery.h"
#include "email/smtp_replies.h"

typedef enum {
    MAIL_SENT,
#define FAILURE(NAME, label, class, destination, effect, words) MAIL_##NAME,
#include "email/mail_failures.def"
#undef FAILURE
    MAIL_OUTCOMES
} mail_outcome_t;

extern const delivery_failure_t mail_outcomes[MAIL_OUTCOMES];

//  Of these libcurl's words say why, and the server's last reply is of something else.
bool mail_outcome_is_of_connection (mail_outcome_t outcome);

//  `result` is a CURLcode.
mail_outcome_t mail_outcome_of (int result, const smtp_replies_t *replies);

#endif
