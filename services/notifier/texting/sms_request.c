#include "texting/sms_request.h"

#include "auth/base64.h"
#include "base/percent.h"

#include <stdio.h>
#include <time.h>

#define LIST_SIZE "100"

bool
sms_is_number (text_t number)
{
    static const char digits[] = "0123456789";
    return number.size >= 8 && number.size <= 16 && number.data[0] == '+'
           && strspn (number.data + 1, digits) == number.size - 1;
}

//  A field that is empty is left out.
static int
s_put_field (buffer_t *to, const char *name, text_t value)
{
    if (value.size == 0)
        return 0;
    char before = to->size > 0 ? '&' : '\0';
    return (before && buffer_put (to, &before, 1) != 0) || buffer_put_string (to, name) != 0
                   || buffer_put (to, "=", 1) != 0 || percent_encode (value, to) != 0
               ? -1
               : 0;
}

static const char *
s_begin (sms_request_t *self, const char *base, const app_sms_t *account)
{
    *self = (sms_request_t){ .url = { .data = NULL } };
    buffer_init (&self->url, SMS_REQUEST_MOST);
    buffer_init (&self->form, SMS_REQUEST_MOST);
    buffer_init (&self->login, SMS_REQUEST_MOST);
    if (!account->is_there)
        return "the app has no section \"sms\"";
    if (account->token.size == 0)
        return "the app's account has no \"token\"";
    buffer_t pair;
    buffer_init (&pair, SMS_REQUEST_MOST);
    text_t user = account->api_key_sid.size > 0 ? account->api_key_sid : account->account_sid;
    bool is_good = buffer_put_text (&pair, user) == 0 && buffer_put (&pair, ":", 1) == 0
                   && buffer_put_text (&pair, account->token) == 0
                   && buffer_put_string (&self->login, "Authorization: Basic ") == 0
                   && base64_put (&self->login, buffer_text (&pair)) == 0
                   && buffer_put (&self->login, "", 1) == 0
                   && buffer_put_string (&self->url, base) == 0
                   && buffer_put_string (&self->url, "/2010-04-01/Accounts/") == 0
                   && percent_encode (account->account_sid, &self->url) == 0
                   && buffer_put_string (&self->url, "/Messages.json") == 0;
    buffer_free (&pair);
    return is_good ? NULL : "the request is too large";
}

const char *
sms_request_send (sms_request_t *self, const char *base, const app_sms_t *account,
                  const sms_message_t *message)
{
    const char *why = s_begin (self, base, account);
    char valid[24];
    if (why)
        return why;
    if (account->from.size == 0 && account->messaging_service_sid.size == 0)
        return "the app's account has neither \"from\" nor \"messagingServiceSid\"";
    snprintf (valid, sizeof valid, "%llu", (unsigned long long) message->valid_s);
    buffer_t *form = &self->form;
    bool is_good = s_put_field (form, "To", message->to) == 0
                   && s_put_field (form, "From", account->from) == 0
                   && s_put_field (form, "MessagingServiceSid", account->messaging_service_sid)
                          == 0
                   && s_put_field (form, "Body", message->text) == 0
                   && s_put_field (form, "StatusCallback", message->callback) == 0
                   && s_put_field (form, "ValidityPeriod",
                                   message->valid_s ? text_of (valid) : TEXT_EMPTY)
                          == 0
                   && buffer_put (&self->url, "", 1) == 0;
    return is_good ? NULL : "the message is too large";
}

const char *
sms_request_look (sms_request_t *self, const char *base, const app_sms_t *account, text_t to,
                  uint64_t since_ms)
{
    const char *why = s_begin (self, base, account);
    time_t since = (time_t) (since_ms / 1000);
    struct tm parts;
    char day[16] = "";
    buffer_t query;
    if (why)
        return why;
    if (gmtime_r (&since, &parts))
        strftime (day, sizeof day, "%Y-%m-%d", &parts);
    buffer_init (&query, SMS_REQUEST_MOST);
    //  The third one's name is "DateSent>". Through a service the sender is not known.
    bool is_good = s_put_field (&query, "To", to) == 0
                   && s_put_field (&query, "From",
                                   account->messaging_service_sid.size > 0 ? TEXT_EMPTY
                                                                           : account->from)
                          == 0
                   && s_put_field (&query, "DateSent%3E", text_of (day)) == 0
                   && s_put_field (&query, "PageSize", TEXT (LIST_SIZE)) == 0
                   && buffer_put (&self->url, "?", 1) == 0
                   && buffer_put_text (&self->url, buffer_text (&query)) == 0
                   && buffer_put (&self->url, "", 1) == 0;
    buffer_free (&query);
    return is_good ? NULL : "the request is too large";
}

void
sms_request_free (sms_request_t *self)
{
    buffer_free (&self->url);
    buffer_free (&self->form);
    buffer_free (&self->login);
}

static bool
s_has_underscore (const char *url)
{
    const char *host = strstr (url, "://");
    host = host ? host + 3 : url;
    return memchr (host, '_', strcspn (host, "/?#:")) != NULL;
}

void
sms_request_put_callback (const char *public_url, text_t app, text_t channel, text_t item,
                          buffer_t *to)
{
    size_t size = strlen (public_url);
    while (size > 0 && public_url[size - 1] == '/')
        size--;
    if (size == 0 || channel.size == 0 || s_has_underscore (public_url))
        return;
    size_t before = to->size;
    if (buffer_put (to, public_url, size) != 0 || buffer_put_string (to, "/webhooks/") != 0
        || percent_encode (app, to) != 0 || buffer_put (to, "/", 1) != 0
        || percent_encode (channel, to) != 0 || buffer_put_string (to, "/status?item=") != 0
        || percent_encode (item, to) != 0)
        to->size = before;
}
