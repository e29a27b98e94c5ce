//  app — one customer of the router: a row of apps.json, or of the settings that name the one app.
//
//  Borrowed from apps.h: valid until the next turn of the loop. All texts are followed by a NUL.
//  What the process does not read (app_table.c says who reads what) is empty.

#ifndef APP_H
#define APP_H

#include "auth/api_keys.h"
#include "auth/token_keys.h"
#include "config/app_alerts.h"
#include "config/app_channels.h"
#include "config/app_genesys.h"
#include "config/app_switchboard.h"
#include "json/json_table.h"

typedef struct {
    text_t url;    //  empty: the app has no bot
    text_t key;    //  secret; empty: no Authorization header
    text_t name;   //  what visitors see; "Bot" when unset
    bool is_there; //  the app has a bot, as far as this process can tell
    text_t sender; //  JSON object: the bot as the sender of a frame, made of its name
} app_bot_t;

//  Who may come in, beside what the app lets anybody be. The edge's only.
typedef struct {
    bool is_there;       //  the app has tokens
    json_rows_t rows;    //  of app_token_key_t
    text_t jwks;         //  secret; a JWK set
    bool has_jwks;
    text_t audience;     //  that tokens are for; empty: they must name none
    bool anonymous;      //  visitors may come without a token
    bool ends_chats;     //  a connection ends with the token that it came with
    token_keys_t *keys;  //  made of all that; NULL: the app has no tokens
} app_tokens_t;

typedef struct {
    text_t kid;
    text_t algorithm;
    text_t key; //  secret, or PEM
    bool has_key;
} app_token_key_t;

//  The keys of its servers. The edge's only.
typedef struct {
    json_rows_t rows; //  of app_api_key_t
    api_keys_t *keys; //  made of them; NULL: there are none
} app_api_keys_t;

typedef struct {
    text_t name;
    text_t hash;
    json_texts_t scopes; //  without items: all that a server may
} app_api_key_t;

//  How long the app's sessions are kept. The postoffice's only.
typedef struct {
    bool is_there;
    uint64_t days; //  after their last activity; 0: for ever
} app_retention_t;

typedef struct {
    text_t id;
    app_bot_t bot;
    app_tokens_t tokens;
    app_api_keys_t api_keys;
    app_retention_t retention;
    app_switchboard_t switchboard;
    json_rows_t people; //  of app_person_t
    json_rows_t alerts; //  of app_alert_t
    app_email_t email;
    app_sms_t sms;
    app_slack_t slack;
    app_genesys_t genesys;
    json_rows_t webhooks_out; //  of app_webhook_out_t
    json_rows_t webhooks_in;  //  of app_webhook_in_t
    json_texts_t origins; //  pages that may embed the chat; none: all
    uint64_t text_limit;  //  bytes of a visitor's text
    text_t values; //  JSON: what is in force (json_table_values). The postoffice's only
} app_t;

#define APP_TEXT_LIMIT 8192
#define APP_TEXT_LIMIT_MOST (1u << 20)

//  The bot of an app that is not there any more, or was never named.
#define APP_ANY_BOT_SENDER                                                                         \
    TEXT ("{\"deviceId\":\"Bot\",\"userId\":\"bot\",\"displayName\":\"Bot\"}")

#endif
