//  What a mail server says, as any bytes in lines: what is kept can be logged, no login is taken
//  for made that was not, and what is made of the end is a row of the table.

#include "email/mail_outcome.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  The first byte is what is wanted of the server, the second libcurl's word; lines follow.
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    smtp_replies_t replies = { .must_log_in = data[0] & 1, .has_starttls = data[0] & 2 };
    int result = data[1] % 100;
    for (size_t at = 2; at < size;) {
        const uint8_t *end = memchr (data + at, '\n', size - at);
        size_t line = end ? (size_t) (end - data) - at + 1 : size - at;
        int rc = smtp_replies_line (&replies, (text_t){ (const char *) data + at, line });
        if ((rc != 0) != replies.is_without_login
            || (replies.is_without_login && (!replies.must_log_in || replies.has_logged_in)))
            abort ();
        if (rc != 0)
            break;
        at += line;
    }
    for (const char *at = replies.text; *at; at++)
        if (*at < 0x20 || *at > 0x7e)
            abort ();
    mail_outcome_t outcome = mail_outcome_of (result, &replies);
    if (outcome >= MAIL_OUTCOMES || !mail_outcomes[outcome].label)
        abort ();
    //  Not sent without a login, and not lost without a word when it may have been taken.
    if (result != 0 && replies.is_without_login && outcome == MAIL_SENT)
        abort ();
    if (result != 0 && replies.is_data_begun && !replies.is_data_answered
        && outcome != MAIL_UNSURE)
        abort ();
    return 0;
}
