//  app_formats — what single texts of apps.json must look like.

#ifndef APP_FORMATS_H
#define APP_FORMATS_H

#include "json/json_table.h"

#define APP_EMAIL_MOST 254u //  RFC 5321 4.5.3.1.3, without the angle brackets
#define APP_PHONE_MOST 16u
#define APP_SID_MOST 34u
#define APP_ZONE_MOST 60u

//  For schemas: a host and a port, and a URL of http.
#define APP_PLACE_PATTERN "([A-Za-z0-9._%-]+|\\[[^/?#\\]]+\\])(:[0-9]{0,5})?"
#define APP_URL_PATTERN                                                                            \
    "^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*@)?" APP_PLACE_PATTERN "([/?#].*)?$"

//  One of `choices`, separated by blanks.
bool app_is_choice (text_t text, const char *choices);
//  Letters, digits, '.', '_' and '-'.
bool app_is_id (text_t id);
//  "http://host…" or "https://host…", where somebody can be reached (url_place.h).
bool app_is_url (text_t url);
//  "whsec_" (may be absent) and base64 of 24 to 64 bytes: a key of Standard Webhooks.
bool app_is_webhook_key (text_t key);

extern const json_format_t app_name_format;    //  of rules, endpoints, people, groups
extern const json_format_t app_email_format;
extern const json_format_t app_phone_format;   //  E.164
extern const json_format_t app_sender_format;  //  E.164, a short code, or letters and digits
extern const json_format_t app_account_format; //  SIDs of Twilio: AC…, SK…, MG…
extern const json_format_t app_api_key_sid_format;
extern const json_format_t app_service_sid_format;
extern const json_format_t app_slack_user_format;
extern const json_format_t app_slack_channel_format;
extern const json_format_t app_slack_token_format;
extern const json_format_t app_slack_webhook_format;
extern const json_format_t app_smtp_url_format;
extern const json_format_t app_smtp_security_format;
extern const json_format_t app_alert_event_format;
extern const json_format_t app_alert_channel_format;
extern const json_format_t app_recipient_format;
extern const json_format_t app_origin_format;
extern const json_format_t app_page_format;
extern const json_format_t app_language_format;
extern const json_format_t app_word_format; //  not empty, and not of blanks alone
extern const json_format_t app_zone_format;
extern const json_format_t app_day_format;
extern const json_format_t app_time_format; //  "00:00" to "24:00"
extern const json_format_t app_webhook_url_format;
extern const json_format_t app_webhook_key_format;
extern const json_format_t app_webhook_event_format;
extern const json_format_t app_webhook_kind_format;
extern const json_format_t app_webhook_channel_format;

#endif
