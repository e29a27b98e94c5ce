#include "email/mail_account.h"

#include "email/mail_header.h"

#include <stdio.h>

static smtp_security_t
s_security (text_t word)
{
    return text_is (word, TEXT ("tls"))    ? SMTP_BY_TLS
           : text_is (word, TEXT ("none")) ? SMTP_NO_TLS
                                           : SMTP_BY_STARTTLS;
}

const char *
mail_account_request (const app_t *app, const channel_means_t *means, smtp_request_t *request,
                      char name[MAIL_NAME_SIZE])
{
    const app_email_t *email = &app->email;
    if (!email->is_there)
        return "the app has no section \"email\"";
    if (!mail_address_is_good (email->from))
        return "the app's \"from\" is no address";
    smtp_security_t security = s_security (email->security);
    if (security == SMTP_NO_TLS && email->user.size > 0)
        return "a login needs TLS";
    if (email->user.size == 0 && !email->without_login)
        return "the app has no \"user\", and no \"withoutLogin\"";
    text_t domain = mail_address_domain (email->from);
    snprintf (name, MAIL_NAME_SIZE, "%.*s", TEXT_ARGS (domain));
    *request = (smtp_request_t){ .url = email->url,
                                 .security = security,
                                 .name = *means->mail_name ? means->mail_name : name,
                                 .user = email->user,
                                 .password = email->password,
                                 .must_log_in = !email->without_login,
                                 .ca_file = means->ca_file,
                                 .from = email->from };
    return NULL;
}
