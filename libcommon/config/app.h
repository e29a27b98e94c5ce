//  app — one customer of the router: a row of apps.json, or of the settings that name the one app.
//
//  Borrowed from apps.h: valid until the next turn of the loop.

#ifndef APP_H
#define APP_H

#include "base/text.h"

#include <stdint.h>

typedef struct {
    text_t id;
    text_t bot_url;           //  empty: the app has no bot
    text_t bot_key;           //  secret; empty: no Authorization header
    text_t bot_name;          //  what visitors see; "Bot" when unset
    text_t bot_sender;        //  JSON object: the bot as the sender of a frame
    uint64_t text_limit;      //  bytes of a visitor's text; 0: APP_TEXT_LIMIT
} app_t;

#define APP_TEXT_LIMIT 8192
#define APP_TEXT_LIMIT_MOST (1u << 20)

//  The bot of an app that is not there any more, or was never named.
#define APP_ANY_BOT_SENDER                                                                         \
    TEXT ("{\"deviceId\":\"Bot\",\"userId\":\"bot\",\"displayName\":\"Bot\"}")

#endif
