//  smtp_replies — what an SMTP server says while libcurl sends a mail, line by line: the last
//  reply, for the delivery log, and whether the login that is wanted has taken place.
//
//  libcurl leaves the login out, without a word, when a server does not offer one, or answers EHLO
//  with an error. Here that ends the transfer before anything of the mail is sent: the reply to
//  MAIL has come, and no login before it.

#ifndef SMTP_REPLIES_H
#define SMTP_REPLIES_H

#include "base/text.h"

#include <stdbool.h>

#define SMTP_REPLY_SIZE 200 //  of what is kept of a reply's text, with a NUL

typedef struct {
    bool must_log_in;
    bool has_starttls; //  the connection begins in clear, and is encrypted by STARTTLS
    enum {
        SMTP_GREETING,    //  220 is awaited
        SMTP_HELLO,       //  250, to EHLO or HELO
        SMTP_STARTTLS,    //  220
        SMTP_HELLO_AGAIN, //  250
        SMTP_MAIL,        //  all else; login and mail
    } stage;
    bool has_logged_in;
    bool is_without_login; //  refused by us: the mail would go out without the login
    unsigned code;         //  of the last whole reply; 0: there was none
    unsigned enhanced;     //  the first digit of its enhanced code (RFC 3463); 0: it has none
    bool is_data_answered; //  354 has come, and then another reply
    bool is_data_begun;    //  354 has come
    char text[SMTP_REPLY_SIZE]; //  of the last reply's last line, printable ASCII only
} smtp_replies_t;

//  One line, with or without its end. Returns 0, or −1 when the transfer must not go on.
__attribute__ ((warn_unused_result)) int smtp_replies_line (smtp_replies_t *self, text_t line);

#endif
