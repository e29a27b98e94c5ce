//  app_channels — the sections of an app in apps.json about the ways in and out: `email`, `sms` and
//  `slack`, which people are called by, `webhooksOut` and `webhooksIn`. The notifier reads what
//  goes out and the edge what comes in, with the secrets; the postoffice all without them. Of a
//  channel the notifier knows where its answers go.

#ifndef APP_CHANNELS_H
#define APP_CHANNELS_H

#include "json/json_table.h"

#define APP_WEBHOOKS_MOST 50u
#define APP_WEBHOOK_PAYLOAD 1 //  the newest version of what endpoints are sent

//  A `has_…` says that the file has the secret, or names a file of it: in every process.

typedef struct {
    bool is_there;
    text_t url;      //  smtp:// or smtps://
    text_t security; //  "starttls", "tls" or "none"
    text_t user;     //  empty: no login
    text_t password; //  secret
    text_t from;
    text_t from_name;
    bool without_login; //  mail goes out although nobody logs in
    uint64_t per_minute;
    bool has_password;
} app_email_t;

typedef struct {
    bool is_there;
    text_t account_sid;
    text_t api_key_sid; //  empty: `token` is the account's own
    text_t token;       //  secret
    text_t from;        //  one of these two may be empty
    text_t messaging_service_sid;
    uint64_t per_second;
    bool has_token;
} app_sms_t;

typedef struct {
    bool is_there;
    text_t webhook; //  secret: a URL; empty: there is none
    text_t token;   //  secret; goes before the webhook
    text_t channel; //  where people are called that have no id in Slack; empty: by the webhook
    bool has_webhook, has_token;
} app_slack_t;

//  An endpoint of the app's servers. The secret is as in the file: app_is_webhook_key.
typedef struct {
    text_t name;
    text_t url;
    text_t secret;
    text_t previous_secret; //  empty: none is being replaced
    json_texts_t events;    //  of webhook_event_names
    uint64_t payload;       //  version of what is sent
    bool has_secret, has_previous_secret;
} app_webhook_out_t;

typedef enum {
    WEBHOOK_STANDARD,          //  Standard Webhooks
    WEBHOOK_TWILIO,            //  SMS; the secret is the account's token
    WEBHOOK_RCS,               //  RCS for Business
    WEBHOOK_BUSINESS_MESSAGES, //  the shape of Business Messages
    WEBHOOK_KINDS
} webhook_kind_t;
extern const char *const webhook_kind_names[WEBHOOK_KINDS];
webhook_kind_t webhook_kind_named (text_t name); //  WEBHOOK_KINDS: none

typedef struct {
    text_t channel;
    text_t kind;
    text_t secret;
    text_t previous_secret;
    text_t reply; //  name of an app_webhook_out_t; empty: answers do not go back this way
    bool has_secret, has_previous_secret;
} app_webhook_in_t;

extern const json_table_t app_email_table;
extern const json_table_t app_sms_table;
extern const json_table_t app_slack_table;
extern const json_table_t app_webhook_out_table;
extern const json_table_t app_webhook_in_table;

#endif
