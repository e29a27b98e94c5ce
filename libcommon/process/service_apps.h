//  service_apps — the apps that a service serves, from the settings that all services name alike.
//
//  APPS_SETTINGS stands in the service's table, and its config has a member `apps` of this type.
//  APPS_COMMANDS stands in its table of commands.

#ifndef SERVICE_APPS_H
#define SERVICE_APPS_H

#include "process/service.h"
#include "config/apps.h"

typedef struct {
    char *app_id;
    char *file;
    char *bot_name; //  NULL in a service that shows no bot to anybody
    uint64_t text_limit; //  0 in a service that hears no visitors
} service_apps_config_t;

#define APPS_SETTINGS(config)                                                                      \
    SETTING ("STUDIO_APP_ID", SETTING_TEXT, config, apps.app_id, "", 0, 0,                         \
             "the app, when there is no APPS_FILE (empty: demo); with one, the default app, which "\
             "the file must have (empty: its first)"),                                             \
    SETTING ("APPS_FILE", SETTING_TEXT, config, apps.file, "", 0, 0,                               \
             "file with the apps (apps.example.json); watched for changes")

#define APPS_COMMANDS                                                                            \
    { "--check-apps", "FILE", "says what this or another service would refuse in an apps file",  \
      NULL, service_apps_check },                                                                \
        { "--apps-schema", NULL, "a JSON Schema of the apps file", service_apps_schema, NULL },  \
    {                                                                                            \
        "--apps-markdown", NULL, "the apps file as a Markdown table", service_apps_markdown,     \
            NULL                                                                                 \
    }

//  The rows' functions. A file with a mistake ends with EX_CONFIG and the line of the mistake.
int service_apps_check (const service_kind_t *kind, const char *file);
int service_apps_schema (const service_kind_t *kind, buffer_t *to);
int service_apps_markdown (const service_kind_t *kind, buffer_t *to);

//  For those that show the bot to people.
#define APPS_BOT_NAME_SETTING(config)                                                              \
    SETTING ("BOT_NAME", SETTING_TEXT, config, apps.bot_name, "Bot", 0, 0,                         \
             "name of the bot that people see, when there is no APPS_FILE")

//  For the one that hears visitors.
#define APPS_TEXT_LIMIT_SETTING(config)                                                            \
    SETTING ("TEXT_LIMIT", SETTING_SIZE, config, apps.text_limit, "8k", 1, APP_TEXT_LIMIT_MOST,    \
             "limit of a visitor's text, when there is no APPS_FILE (there: textLimit)")

//  What the kind says of URLs, with its config.
app_out_urls_t service_apps_out (const service_kind_t *kind);

//  Address and key of the bot are "" in a service that asks none. NULL when there are no apps to be
//  had: logged, and the service will end with EX_CONFIG.
apps_t *service_apps_new (service_t *service, const service_apps_config_t *config,
                          const char *bot_url, const char *bot_key);

#endif
