//  smtp_transfer — one mail to one recipient by libcurl, in a thread of its own.
//
//  Not on the loop: libcurl waits for the server's answer to the mail, and for that to QUIT, inside
//  the call that brings the transfer forward, also by its multi interface (measured with 7.88:
//  up to two minutes). A server that is slow there would stop the loop, and all else with it. The
//  thread touches nothing but its transfer, whose outcome comes back by the loop.
//
//  One connection for each mail; the server's answer to QUIT is not waited for. How many there may
//  be at once is for the owner to bound.

#ifndef SMTP_TRANSFER_H
#define SMTP_TRANSFER_H

#include "email/mail.h"
#include "email/smtp_replies.h"

#include <uv.h>

typedef struct smtp_transfer smtp_transfer_t;

typedef enum {
    SMTP_NO_TLS,
    SMTP_BY_STARTTLS, //  or not at all
    SMTP_BY_TLS,      //  from the first byte
} smtp_security_t;

//  All of it is copied.
typedef struct {
    text_t url;           //  smtp:// or smtps://, host and port; a path is our name for EHLO
    smtp_security_t security; //  whatever the scheme says
    const char *name;     //  for EHLO, when the URL has none
    text_t user;          //  empty: no login
    text_t password;
    bool must_log_in;     //  where the server offers no login, nothing is sent
    const char *ca_file;  //  to trust beside the system's; "": none
    text_t from, to;      //  good addresses
    const mail_t *mail;
    uint64_t timeout_ms;
} smtp_request_t;

typedef struct {
    int result;             //  CURLcode
    const char *error;      //  in libcurl's words; "" when there are none
    smtp_replies_t replies;
} smtp_end_t;

typedef void smtp_ended_fn (void *owner, const smtp_end_t *end);

typedef enum {
    SMTP_BEGUN,
    SMTP_NO_URL,    //  the URL is none
    SMTP_NO_THREAD, //  there is none to be had just now
} smtp_begin_t;

//  Begins; `ended` is called once, from the loop, unless it is cancelled before. If it does not
//  begin, *self_p is NULL.
smtp_begin_t smtp_transfer_new (smtp_transfer_t **self_p, uv_loop_t *loop,
                                const smtp_request_t *request, smtp_ended_fn *ended, void *owner);
//  Nothing more is said of it. It ends by itself within a second; the loop turns until then.
void smtp_transfer_cancel (smtp_transfer_t **self_p);

#endif
