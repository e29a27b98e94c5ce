//  app_limits — limits of apps.json, and who reads it.

#ifndef APP_LIMITS_H
#define APP_LIMITS_H

#define APPS_MOST 10000u
#define APP_ORIGINS_MOST 1000u
#define APP_URL_MOST 2000u
#define APP_SECRET_MOST 4000u
#define APP_SCOPES_MOST 100u
#define APP_SCOPE_MOST 64u
#define APP_TARGET_MOST 220u
#define APP_CHOICE_MOST 20u
#define APP_SECONDS_MOST 86400u
#define APP_MISSED_MOST 1000u
#define APP_NOTICE_MOST 500u //  bytes of a text for visitors
#define APP_DAYS_MOST 3650u //  as SESSIONS_KEPT

//  Who reads apps.json. A bit each; app_reader_names has their names, ended by NULL.
typedef enum {
    APP_READER_EDGE = 1 << 0,
    APP_READER_POSTOFFICE = 1 << 1,
    APP_READER_STENTOR = 1 << 2,
    APP_READER_NOTIFIER = 1 << 3,
    APP_READER_GENESYS = 1 << 4,
    APP_READERS_ALL = (1 << 5) - 1,
} app_reader_t;

#endif
