//  app_table — apps.json as a table: what may stand in it, and which process reads what. The place
//  to add a member or a section: the reader, --check-apps, the schema and the documents follow.

#ifndef APP_TABLE_H
#define APP_TABLE_H

#include "config/app.h"

#define APPS_MOST 10000u
#define APP_ORIGINS_MOST 1000u
#define APP_URL_MOST 2000u
#define APP_SECRET_MOST 4000u
#define APP_SCOPES_MOST 100u
#define APP_SCOPE_MOST 64u
#define APP_DAYS_MOST 3650u //  as SESSIONS_KEPT

//  Who reads apps.json. A bit each; app_reader_names has their names, ended by NULL.
typedef enum {
    APP_READER_EDGE = 1 << 0,
    APP_READER_POSTOFFICE = 1 << 1,
    APP_READER_STENTOR = 1 << 2,
    APP_READERS_ALL = (1 << 3) - 1,
} app_reader_t;
extern const char *const app_reader_names[];

//  The file: { "apps": [ … ] }
typedef struct {
    json_rows_t apps; //  of app_t
} app_rows_t;

extern const json_table_t app_rows_table;
extern const json_table_t app_table;

//  The forms that settings and commands share with the file.
extern const json_format_t app_id_format;
extern const json_format_t app_url_format;
extern const json_format_t app_key_name_format;

#endif
