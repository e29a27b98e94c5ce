#include "email/mail_try.h"

#include "base/clock.h"
#include "base/random_id.h"
#include "email/mail_account.h"
#include "email/mail_header.h"
#include "email/mail_outcome.h"

#include <stdio.h>
#include <sysexits.h>

#define TEXT_OF_IT                                                                               \
    TEXT ("This mail was sent to try out the e-mail of your chat's alerts.\nThey can reach you.\n")

static void
s_ended (void *owner, const smtp_end_t *end)
{
    int *code = owner;
    mail_outcome_t outcome = mail_outcome_of (end->result, &end->replies);
    const char *said = outcome == MAIL_LOGIN_REFUSED || outcome == MAIL_LOGIN_LATER
                           ? ""
                           : end->replies.text;
    printf ("%s", mail_outcomes[outcome].words);
    if (*said)
        printf (": %s", said);
    else if (end->replies.code > 0)
        printf (": %u", end->replies.code);
    printf ("\n");
    if (outcome != MAIL_SENT && *end->error)
        printf ("libcurl: %s\n", end->error);
    *code = outcome == MAIL_SENT ? EX_OK : EX_UNAVAILABLE;
}

static int
s_complain (int code, const char *complaint)
{
    fprintf (stderr, "notifier --send-test: %s\n", complaint);
    return code;
}

//  The mail that an alert would be. Returns 0, or −1 when it is too large.
static int
s_write (mail_t *mail, const app_t *app, const char *address)
{
    alert_item_t alert;
    alert_item_clear (&alert);
    alert.app = app->id;
    alert.address = text_of (address);
    alert.subject = TEXT ("A try of your chat's alerts");
    alert.rule = alert.event = TEXT ("try");
    alert.text = alert.html = TEXT_OF_IT;
    random_id_t id = random_id_new ();
    mail_origin_t origin = { .item = text_of (id.text),
                             .from = app->email.from,
                             .from_name = app->email.from_name,
                             .now_ms = clock_wall_ms () };
    return mail_write (mail, &origin, &alert);
}

void
mail_try (const channel_means_t *means, const char *app_id, const char *address, int *code)
{
    const app_t *app = apps_find (means->apps, text_of (app_id));
    smtp_request_t request;
    char name[MAIL_NAME_SIZE];
    mail_t mail;
    const char *why = app ? mail_account_request (app, means, &request, name)
                          : "APPS_FILE has no such app";
    if (!mail_address_is_good (text_of (address)))
        *code = s_complain (EX_USAGE, "what stands behind --to is no address");
    else if (why)
        *code = s_complain (EX_CONFIG, why);
    else if (s_write (&mail, app, address) != 0)
        *code = s_complain (EX_SOFTWARE, "the mail is too large");
    else {
        request.to = text_of (address);
        request.mail = &mail;
        request.timeout_ms = means->try_ms;
        smtp_transfer_t *transfer;
        smtp_begin_t begin = smtp_transfer_new (&transfer, means->loop, &request, s_ended, code);
        if (begin == SMTP_NO_URL)
            *code = s_complain (EX_CONFIG, "the mail server's URL is none");
        else if (begin == SMTP_NO_THREAD)
            *code = s_complain (EX_OSERR, "there is no thread to be had");
        mail_free (&mail);
    }
}
