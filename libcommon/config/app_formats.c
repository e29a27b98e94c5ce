#include "config/app_formats.h"

#include "alerts/alert_hours.h"
#include "auth/webhook_signature.h"
#include "http/url_place.h"
#include "model/alert_event.h"
#include "model/offer.h"

#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define LABEL_MOST 63 //  of a host's name

//  Is all of it of these characters, and is there something?
static bool
s_is_of (text_t text, const char *allowed)
{
    return text.size > 0 && strspn (text.data, allowed) == text.size;
}

bool
app_is_choice (text_t text, const char *choices)
{
    const char *found = text.size > 0 && !strchr (text.data, ' ') ? choices : NULL;
    while (found && (found = strstr (found, text.data))) {
        bool begins = found == choices || found[-1] == ' ';
        if (begins && (found[text.size] == ' ' || !found[text.size]))
            return true;
        found++;
    }
    return false;
}

bool
app_is_id (text_t id)
{
    return s_is_of (id, LETTERS DIGITS "._-");
}

//  The bytes of "http://" or "https://", in any case; 0: it is neither.
static size_t
s_scheme_size (text_t url)
{
    return strncasecmp (url.data, "http://", 7) == 0    ? 7
           : strncasecmp (url.data, "https://", 8) == 0 ? 8
                                                        : 0;
}

//  Nothing that could end an HTTP header or request line.
bool
app_is_url (text_t url)
{
    size_t scheme = s_scheme_size (url);
    return scheme != 0 && url_place_is_one (url_place_of (url.data + scheme))
           && !strpbrk (url.data, " \"<>\\");
}

//  Browsers name an origin in one way only: without the port that is the scheme's own.
static bool
s_is_place_of_page (text_t place, bool is_tls)
{
    text_t port = url_place_port (place);
    bool has_colon = port.size == 0 && place.size > 0 && place.data[place.size - 1] == ':';
    return url_place_is_one (place) && !has_colon && *port.data != '0'
           && !text_is (port, is_tls ? TEXT ("443") : TEXT ("80"));
}

//  What a browser says in its Origin header: scheme, host and port, nothing behind it; or that it
//  has none to name (a web view, a sandboxed frame, a page from a disk).
static bool
s_is_origin (text_t origin)
{
    if (text_is (origin, TEXT ("null")) || text_is (origin, TEXT ("file://")))
        return true;
    size_t scheme = s_scheme_size (origin);
    const char *host = strstr (origin.data, "://");
    if (!host || host == origin.data || host[3] == '\0' || strpbrk (host + 3, "/?#@ *"))
        return false;
    return scheme == 0 || s_is_place_of_page (text_of (origin.data + scheme), scheme == 8);
}

//  How a page's address can begin, as it is known of visitors (model/visitor_info.h): a path, or a
//  URL; of this the host as browsers write it, of which the end may be left out.
static bool
s_is_page (text_t page)
{
    static const char in_path[] = LETTERS DIGITS "-._~:/[]@!$&'()*+,=%";
    static const char in_host[] = "abcdefghijklmnopqrstuvwxyz" DIGITS "-._:[]";
    size_t scheme = strncmp (page.data, "http://", 7) == 0    ? 7
                    : strncmp (page.data, "https://", 8) == 0 ? 8
                                                              : 0;
    if (scheme == 0)
        return *page.data == '/' && s_is_of (page, in_path);
    size_t host = strspn (page.data + scheme, in_host);
    const char *path = page.data + scheme + host;
    return *path == '\0'
           || (*path == '/' && s_is_of (text_of (path), in_path)
               && s_is_place_of_page ((text_t){ page.data + scheme, host }, scheme == 8));
}

//  Labels of letters, digits and hyphens with a dot between them.
static bool
s_is_host (const char *host)
{
    size_t label;
    do {
        label = strspn (host, LETTERS DIGITS "-");
        if (label == 0 || label > LABEL_MOST || *host == '-' || host[label - 1] == '-')
            return false;
        host += label;
    } while (*host++ == '.');
    return host[-1] == '\0';
}

//  Of ASCII alone, and of nothing that could begin another command or header, or a second address.
static bool
s_is_email (text_t address)
{
    static const char allowed[] = LETTERS DIGITS ".!#$%&'*+/=?^_{|}~-";
    size_t local = strspn (address.data, allowed);
    return local > 0 && local <= 64 && address.data[local] == '@' && address.data[0] != '.'
           && address.data[local - 1] != '.' && !memmem (address.data, local, "..", 2)
           && s_is_host (address.data + local + 1);
}

static bool
s_is_phone (text_t phone)
{
    return phone.size >= 8 && phone.size <= APP_PHONE_MOST && phone.data[0] == '+'
           && phone.data[1] != '0' && strspn (phone.data + 1, DIGITS) == phone.size - 1;
}

//  A number, a short code, or a name of up to eleven characters with a letter among them.
static bool
s_is_sender (text_t sender)
{
    if (s_is_phone (sender))
        return true;
    if (s_is_of (sender, DIGITS))
        return sender.size >= 3 && sender.size <= 8;
    return sender.size <= 11 && s_is_of (sender, LETTERS DIGITS " +-_&")
           && strpbrk (sender.data, LETTERS) && *sender.data != ' ';
}

static bool
s_is_sid (text_t sid, const char *prefix)
{
    return sid.size == APP_SID_MOST && strncmp (sid.data, prefix, 2) == 0
           && strspn (sid.data + 2, DIGITS "abcdefABCDEF") == APP_SID_MOST - 2;
}

static bool
s_is_account (text_t sid)
{
    return s_is_sid (sid, "AC");
}

static bool
s_is_api_key_sid (text_t sid)
{
    return s_is_sid (sid, "SK");
}

static bool
s_is_service_sid (text_t sid)
{
    return s_is_sid (sid, "MG");
}

static bool
s_is_slack_id (text_t id, const char *kinds)
{
    return id.size >= 2 && strchr (kinds, *id.data)
           && strspn (id.data + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS) == id.size - 1;
}

static bool
s_is_slack_user (text_t id)
{
    return s_is_slack_id (id, "UW");
}

static bool
s_is_slack_channel (text_t id)
{
    return s_is_slack_id (id, "CDG");
}

static bool
s_is_slack_token (text_t token)
{
    return strncmp (token.data, "xox", 3) == 0 && token.size > 5
           && s_is_of (token, LETTERS DIGITS "-._");
}

static bool
s_is_smtp_url (text_t url)
{
    size_t scheme = strncmp (url.data, "smtp://", 7) == 0    ? 7
                    : strncmp (url.data, "smtps://", 8) == 0 ? 8
                                                             : 0;
    text_t place = { url.data + scheme, strcspn (url.data + scheme, "/") };
    const char *path = place.data + place.size;
    //  Behind it the name that the notifier says it has (EHLO).
    bool is_named = *path == '/' && (path[1] == '\0' || s_is_host (path + 1));
    return scheme > 0 && url_place_is_one (place) && (*path == '\0' || is_named);
}

static bool
s_is_alert_event (text_t name)
{
    return alert_event_named (name) < ALERT_EVENTS;
}

static bool
s_is_recipient (text_t recipient)
{
    static const char person[] = "person:", group[] = "group:", slack[] = "slack:";
    if (strncmp (recipient.data, person, sizeof person - 1) == 0)
        return app_is_id (text_of (recipient.data + sizeof person - 1));
    if (strncmp (recipient.data, group, sizeof group - 1) == 0)
        return app_is_id (text_of (recipient.data + sizeof group - 1));
    return strncmp (recipient.data, slack, sizeof slack - 1) == 0
           && s_is_slack_channel (text_of (recipient.data + sizeof slack - 1));
}

//  "de", "en-US": what a browser names, by its codes (BCP 47). "german" is none.
static bool
s_is_language (text_t language)
{
    size_t subtag = strspn (language.data, LETTERS);
    const char *at = language.data + subtag;
    if (subtag < 2 || subtag > 3)
        return false;
    while (*at == '-' && (subtag = strspn (at + 1, LETTERS DIGITS)) > 0 && subtag <= 8)
        at += subtag + 1;
    return *at == '\0';
}

static bool
s_is_word (text_t word)
{
    return strspn (word.data, " ") < word.size;
}

static bool
s_is_time (text_t time)
{
    if (time.size != 5 || time.data[2] != ':' || strspn (time.data, DIGITS) != 2
        || strspn (time.data + 3, DIGITS) != 2)
        return false;
    int hour = (time.data[0] - '0') * 10 + time.data[1] - '0';
    return (hour < 24 && time.data[3] < '6') || strcmp (time.data, "24:00") == 0;
}

bool
app_is_webhook_key (text_t key)
{
    webhook_secret_t secret;
    return webhook_secret_read (key, &secret) == NULL;
}

static bool
s_is_webhook_event (text_t name)
{
    return webhook_event_named (name) < WEBHOOK_EVENTS;
}

const json_format_t app_name_format = { app_is_id, "^[A-Za-z0-9._-]+$",
                                        "a name here is of letters, digits, '.', '_' and '-'" };
const json_format_t app_email_format = {
    s_is_email, "^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+$",
    "an address of e-mail is like \"anna@example.com\": of ASCII, without a name or brackets"
};
const json_format_t app_phone_format = {
    s_is_phone, "^\\+[1-9][0-9]{6,14}$",
    "a number is like \"+4930123456\": '+', the country and the number, 7 to 15 digits"
};
const json_format_t app_sender_format = {
    s_is_sender, "^(\\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 +_&-]{1,11})$",
    "\"from\" is a number like \"+15550100\", a short code of 3 to 8 digits, or a name of up to 11 "
    "letters and digits"
};
const json_format_t app_account_format = { s_is_account, "^AC[0-9a-fA-F]{32}$",
                                           "an \"accountSid\" is AC and 32 hexadecimal digits" };
const json_format_t app_api_key_sid_format = {
    s_is_api_key_sid, "^SK[0-9a-fA-F]{32}$", "an \"apiKeySid\" is SK and 32 hexadecimal digits"
};
const json_format_t app_service_sid_format = {
    s_is_service_sid, "^MG[0-9a-fA-F]{32}$",
    "a \"messagingServiceSid\" is MG and 32 hexadecimal digits"
};
const json_format_t app_slack_user_format = {
    s_is_slack_user, "^[UW][A-Z0-9]+$", "a \"slack\" is a member's id, like \"U0123ABC\""
};
const json_format_t app_slack_channel_format = {
    s_is_slack_channel, "^[CDG][A-Z0-9]+$",
    "a channel of Slack is given by its id, like \"C0123ABC\""
};
const json_format_t app_slack_token_format = { s_is_slack_token, "^xox[A-Za-z0-9._-]{3,}$",
                                               "a token of Slack is like xoxb-…" };
const json_format_t app_slack_webhook_format = {
    app_is_url, APP_URL_PATTERN,
    "a \"webhook\" of Slack is a URL that begins with https://, with a host in ASCII and a port "
    "up to 65535, if any"
};
const json_format_t app_smtp_url_format = {
    s_is_smtp_url, "^smtps?://" APP_PLACE_PATTERN "(/[A-Za-z0-9.-]*)?$",
    "a mail server is like \"smtp://mail.example.com:587\" or \"smtps://mail.example.com\", with a "
    "host in ASCII and a port up to 65535, if any"
};
const json_format_t app_alert_event_format = { s_is_alert_event, "^[a-z-]+$",
                                               "\"on\" must be an event of docs/alerts.md" };
const json_format_t app_recipient_format = {
    s_is_recipient, "^(person:|group:|slack:)[A-Za-z0-9._-]+$",
    "a recipient is \"person:ID\", \"group:NAME\" or \"slack:CHANNEL\" with the channel's id"
};
const json_format_t app_language_format = {
    s_is_language, "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$",
    "a language is a code like \"de\" or \"en-US\", of two or three letters, and "
    "parts behind hyphens"
};
const json_format_t app_word_format = { s_is_word, "[^ ]", "a text here must not be empty" };
const json_format_t app_zone_format = {
    alert_zone_is_known, "^(UTC|[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)+)$",
    "a \"zone\" is a name of the IANA database that this system has, like \"Europe/Berlin\", or "
    "\"UTC\""
};
const json_format_t app_time_format = { s_is_time, "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$",
                                        "a time is like \"22:30\", \"24:00\" at most" };
const json_format_t app_webhook_url_format = {
    app_is_url, APP_URL_PATTERN,
    "an endpoint's \"url\" begins with http:// or https://, with a host in ASCII and a port up to "
    "65535, if any"
};
const json_format_t app_origin_format = {
    s_is_origin, "^(null|file://|[^:]+://[^/?#@ *]+)$",
    "an origin is like \"https://www.example.com\" as browsers say it, without a path and "
    "without the usual port, or \"null\" or \"file://\""
};
const json_format_t app_page_format = {
    s_is_page, "^(/|https?://)[^?#; ]*$",
    "a page begins with \"/\" or, in small letters up to its path, with \"http://\" or "
    "\"https://\": it is known without what stands behind '?', '#' or ';', and in ASCII"
};
const json_format_t app_webhook_key_format = {
    app_is_webhook_key, "^(whsec_)?[A-Za-z0-9+/]+={0,2}$",
    "a secret here is \"whsec_\" and base64 of 24 to 64 bytes"
};
const json_format_t app_webhook_event_format = { s_is_webhook_event, "^[a-z.]+$",
                                                 "an event must be one of docs/webhooks.md" };

static bool
s_is_webhook_channel (text_t channel)
{
    return platform_is_name (channel);
}
const json_format_t app_webhook_channel_format = {
    s_is_webhook_channel, "^[a-z0-9-]{1,50}$",
    "a \"channel\" is 1 to 50 small letters, digits and hyphens"
};

#define CHOICE_FORMAT(name, choices, pattern, words)                                               \
    static bool s_is_##name (text_t text)                                                          \
    {                                                                                              \
        return app_is_choice (text, choices);                                                      \
    }                                                                                              \
    const json_format_t app_##name##_format = { s_is_##name, pattern, words };
CHOICE_FORMAT (smtp_security, "starttls tls none", "^(starttls|tls|none)$",
               "\"security\" is \"starttls\", \"tls\" or \"none\"")
CHOICE_FORMAT (alert_channel, "email sms slack", "^(email|sms|slack)$",
               "\"by\" has \"email\", \"sms\" and \"slack\"")
CHOICE_FORMAT (day, "mon tue wed thu fri sat sun", "^(mon|tue|wed|thu|fri|sat|sun)$",
               "a day is mon, tue, wed, thu, fri, sat or sun")
CHOICE_FORMAT (webhook_kind, "standard twilio rcs business-messages",
               "^(standard|twilio|rcs|business-messages)$",
               "\"kind\" is \"standard\", \"twilio\", \"rcs\" or \"business-messages\"")
#undef CHOICE_FORMAT
