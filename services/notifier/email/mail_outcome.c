#include "email/mail_outcome.h"

#include <curl/curl.h>

const delivery_failure_t mail_outcomes[MAIL_OUTCOMES] = {
    [MAIL_SENT] = { "sent", RETRY_DONE, DESTINATION_WELL, DELIVERY_NOTHING, "sent" },
#define FAILURE(NAME, label, class, destination, effect, words)                                  \
    [MAIL_##NAME] = { label, RETRY_##class, DESTINATION_##destination, DELIVERY_##effect, words },
#include "email/mail_failures.def"
#undef FAILURE
};

bool
mail_outcome_is_of_connection (mail_outcome_t outcome)
{
    retry_class_t class = mail_outcomes[outcome].class;
    return class == RETRY_UNSENT || class == RETRY_LOST || outcome == MAIL_CERTIFICATE
           || outcome == MAIL_LIBRARY;
}

static bool
s_is (unsigned code, unsigned hundreds)
{
    return code / 100 == hundreds;
}

//  What libcurl's code says by itself, whatever reply stands behind it. MAIL_SENT: the reply
//  counts.
static mail_outcome_t
s_of_setup (CURLcode result, unsigned code)
{
    switch (result) {
    case CURLE_USE_SSL_FAILED: //  or 454 to STARTTLS: RFC 3207 has it pass
        return s_is (code, 4) ? MAIL_STARTTLS_LATER : MAIL_NO_STARTTLS;
    case CURLE_REMOTE_ACCESS_DENIED: //  EHLO is not known there, so STARTTLS neither
        return s_is (code, 4) ? MAIL_SERVICE_LATER : MAIL_NO_STARTTLS;
    case CURLE_AUTH_ERROR:
    case CURLE_LOGIN_DENIED: //  also when no mechanism suits: a 250 is the last reply then
        return s_is (code, 4) ? MAIL_LOGIN_LATER : MAIL_LOGIN_REFUSED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return MAIL_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return MAIL_TLS;
    default:
        return MAIL_SENT;
    }
}

static mail_outcome_t
s_of_code (const smtp_replies_t *replies)
{
    unsigned code = replies->code;
    if (code == 421)
        return MAIL_SERVICE_LATER;
    //  Too much for now (552), and what says itself that it passes (RFC 3463).
    if (s_is (code, 4) || replies->enhanced == 4 || (code == 552 && !replies->is_data_begun))
        return MAIL_LATER;
    if (code >= 500 && code <= 504)
        return MAIL_SYNTAX;
    if (code == 530 || code == 534 || code == 535 || code == 538)
        return MAIL_NEEDS_LOGIN;
    return replies->stage == SMTP_GREETING ? MAIL_NO_SERVICE : MAIL_REFUSED;
}

static mail_outcome_t
s_of_connection (CURLcode result, unsigned code)
{
    switch (result) {
    case CURLE_WEIRD_SERVER_REPLY: //  behind its 220 to STARTTLS; or it speaks something else
        return code ? MAIL_INJECTED : MAIL_CUT;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
        return MAIL_RESOLVE;
    case CURLE_COULDNT_CONNECT:
        return MAIL_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return MAIL_TIMEOUT;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return MAIL_CUT;
    default:
        return MAIL_LIBRARY;
    }
}

mail_outcome_t
mail_outcome_of (int result, const smtp_replies_t *replies)
{
    unsigned code = replies->code;
    if (result == CURLE_OK)
        return MAIL_SENT;
    if (replies->is_without_login)
        return MAIL_NO_LOGIN;
    //  It took the mail, and something else failed behind that.
    if (replies->is_data_answered && s_is (code, 2))
        return MAIL_SENT;
    bool is_refusal = s_is (code, 4) || s_is (code, 5);
    if (replies->is_data_begun && !(replies->is_data_answered && is_refusal))
        return MAIL_UNSURE;
    mail_outcome_t outcome = s_of_setup ((CURLcode) result, code);
    if (outcome != MAIL_SENT)
        return outcome;
    return is_refusal ? s_of_code (replies) : s_of_connection ((CURLcode) result, code);
}
