//  smtp_transfer: what becomes of a mail that cannot even begin. (notifier_mail has the servers.)

#include "email/smtp_transfer.h"

#include <criterion/criterion.h>

//  In place of libuv's: the machine has no thread to give.
int
uv_thread_create_ex (uv_thread_t *thread, const uv_thread_options_t *options, uv_thread_cb entry,
                     void *owner)
{
    (void) thread, (void) options, (void) entry, (void) owner;
    return UV_EAGAIN;
}

static void
s_ended (void *owner, const smtp_end_t *end)
{
    (void) owner, (void) end;
    cr_assert_fail ("it has not begun");
}

static smtp_begin_t
s_begin (const char *url)
{
    uv_loop_t loop;
    mail_t mail;
    smtp_transfer_t *transfer;
    buffer_init (&mail.headers, 1000);
    buffer_init (&mail.text, 1000);
    buffer_init (&mail.html, 1000);
    cr_assert_eq (uv_loop_init (&loop), 0);
    smtp_request_t request = { .url = text_of (url),
                               .name = "example.com",
                               .user = TEXT_EMPTY,
                               .ca_file = "",
                               .from = TEXT ("a@example.com"),
                               .to = TEXT ("b@example.com"),
                               .mail = &mail,
                               .timeout_ms = 1000 };
    smtp_begin_t begin = smtp_transfer_new (&transfer, &loop, &request, s_ended, NULL);
    cr_expect_null (transfer);
    cr_expect_eq (uv_run (&loop, UV_RUN_DEFAULT), 0);
    cr_expect_eq (uv_loop_close (&loop), 0);
    mail_free (&mail);
    return begin;
}

//  The one is the operator's mistake, the other passes.
Test (smtp_transfer, says_why_it_cannot_begin)
{
    cr_expect_eq (s_begin ("smtp://127.0.0.1:1"), SMTP_NO_THREAD);
    cr_expect_eq (s_begin ("smtp://[::"), SMTP_NO_URL);
}
