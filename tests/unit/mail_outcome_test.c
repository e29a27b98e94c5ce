//  smtp_replies, mail_outcome — a server's lines and libcurl's word, and what they come to. The
//  whole with a server is component/notifier_mail.

#include "email/mail_outcome.h"

#include <criterion/criterion.h>
#include <curl/curl.h>

#define HELLO "220 x\n250-x\n250 8BITMIME\n"
#define MAIL HELLO "250 ok\n"
#define RCPT MAIL "250 ok\n"
#define DATA RCPT "354 go\n"

//  What the lines and the word come to.
static mail_outcome_t
s_outcome (const char *lines, int result, bool must_log_in, smtp_replies_t *replies)
{
    *replies = (smtp_replies_t){ .must_log_in = must_log_in };
    for (const char *at = lines; *at;) {
        size_t size = strcspn (at, "\n");
        if (smtp_replies_line (replies, (text_t){ at, size }) != 0)
            break;
        at += size + (at[size] == '\n');
    }
    return mail_outcome_of (result, replies);
}

Test (mail_outcome, rules_in_their_order)
{
    static const struct {
        const char *lines;
        int result;
        mail_outcome_t outcome;
    } rows[] = {
        { DATA "250 ok\n", CURLE_OK, MAIL_SENT },
        { DATA "250 ok\n", CURLE_RECV_ERROR, MAIL_SENT }, //  behind the answer
        { DATA "250 ok\n", CURLE_OPERATION_TIMEDOUT, MAIL_SENT },
        { DATA, CURLE_OPERATION_TIMEDOUT, MAIL_UNSURE },
        { DATA, CURLE_RECV_ERROR, MAIL_UNSURE },
        { DATA, CURLE_SEND_ERROR, MAIL_UNSURE },
        { DATA "250-half\n", CURLE_RECV_ERROR, MAIL_UNSURE },
        { DATA "what\n", CURLE_WEIRD_SERVER_REPLY, MAIL_UNSURE },
        { DATA "354 again\n", CURLE_WEIRD_SERVER_REPLY, MAIL_UNSURE },
        { DATA "421 going\n", CURLE_WEIRD_SERVER_REPLY, MAIL_SERVICE_LATER },
        { DATA "451 later\n", CURLE_WEIRD_SERVER_REPLY, MAIL_LATER },
        { DATA "552 too big\n", CURLE_WEIRD_SERVER_REPLY, MAIL_REFUSED },
        { DATA "554 4.7.1 later\n", CURLE_WEIRD_SERVER_REPLY, MAIL_LATER },
        { DATA "554 5.7.1 no\n", CURLE_WEIRD_SERVER_REPLY, MAIL_REFUSED },
        { MAIL "552 full\n", CURLE_SEND_ERROR, MAIL_LATER },
        { MAIL "550-5.1.1 no\n550 5.1.1 really\n", CURLE_SEND_ERROR, MAIL_REFUSED },
        { MAIL, CURLE_RECV_ERROR, MAIL_CUT },
        { HELLO, CURLE_USE_SSL_FAILED, MAIL_NO_STARTTLS },
        { HELLO "454 later\n", CURLE_USE_SSL_FAILED, MAIL_STARTTLS_LATER },
        { "220 x\n502 what\n", CURLE_REMOTE_ACCESS_DENIED, MAIL_NO_STARTTLS },
        { "220 x\n421 going\n", CURLE_REMOTE_ACCESS_DENIED, MAIL_SERVICE_LATER },
        { HELLO "220 go\n", CURLE_WEIRD_SERVER_REPLY, MAIL_INJECTED },
        { HELLO "220 go\n", CURLE_PEER_FAILED_VERIFICATION, MAIL_CERTIFICATE },
        { HELLO "535 no\n", CURLE_LOGIN_DENIED, MAIL_LOGIN_REFUSED },
        { HELLO "454 later\n", CURLE_LOGIN_DENIED, MAIL_LOGIN_LATER },
        { HELLO, CURLE_LOGIN_DENIED, MAIL_LOGIN_REFUSED },
        { HELLO "530 log in\n", CURLE_SEND_ERROR, MAIL_NEEDS_LOGIN },
        { "421 no\n", CURLE_WEIRD_SERVER_REPLY, MAIL_SERVICE_LATER },
        { "554 no\n", CURLE_WEIRD_SERVER_REPLY, MAIL_NO_SERVICE },
        { "", CURLE_WEIRD_SERVER_REPLY, MAIL_CUT },
        { "", CURLE_COULDNT_RESOLVE_HOST, MAIL_RESOLVE },
        { "", CURLE_COULDNT_CONNECT, MAIL_UNREACHABLE },
        { "", CURLE_OPERATION_TIMEDOUT, MAIL_TIMEOUT },
        { "", CURLE_SSL_CONNECT_ERROR, MAIL_TLS },
        { "", CURLE_URL_MALFORMAT, MAIL_LIBRARY },
        { "", CURLE_OUT_OF_MEMORY, MAIL_LIBRARY },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        smtp_replies_t replies;
        mail_outcome_t outcome = s_outcome (rows[row].lines, rows[row].result, false, &replies);
        cr_expect_eq (outcome, rows[row].outcome, "%s %d: %s", rows[row].lines, rows[row].result,
                      mail_outcomes[outcome].label);
    }
}

Test (mail_outcome, a_login_is_not_left_out)
{
    smtp_replies_t replies;
    cr_expect_eq (s_outcome (MAIL, CURLE_WRITE_ERROR, true, &replies), MAIL_NO_LOGIN);
    cr_expect_eq (s_outcome ("220 x\n502 what\n250 x\n250 ok\n", CURLE_WRITE_ERROR, true, &replies),
                  MAIL_NO_LOGIN, "HELO knows no login");
    cr_expect_eq (s_outcome (HELLO "235 in\n250 ok\n250 ok\n354 go\n250 ok\n", CURLE_OK, true,
                             &replies),
                  MAIL_SENT);
    cr_expect (!replies.is_without_login);
}

//  The next words are the operator's to see.
Test (mail_outcome, what_is_kept_of_a_reply)
{
    smtp_replies_t replies = { .code = 0 };
    text_t reply = TEXT ("550 5.1.1 <a@b>: \xc3\xa4\x1b[0m no\r\n");
    cr_expect_eq (smtp_replies_line (&replies, reply), 0);
    cr_expect_str_eq (replies.text, "550 5.1.1 <a@b>: ...[0m no");
    cr_expect_eq (replies.enhanced, 5);
    static char line[2000];
    memset (line, '5', sizeof line);
    cr_expect_eq (smtp_replies_line (&replies, (text_t){ line, sizeof line }), 0);
    cr_expect_eq (strlen (replies.text), SMTP_REPLY_SIZE - 1);
    for (size_t size = 0; size < 12; size++)
        cr_expect_eq (smtp_replies_line (&replies, (text_t){ "250 2.0.0 ok", size }), 0);
}
