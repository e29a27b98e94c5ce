//  app_table — apps.json as a table: what may stand in it, and which process reads what. The place
//  to add a member or a section: the reader, --check-apps, the schema and the documents follow.

#ifndef APP_TABLE_H
#define APP_TABLE_H

#include "config/app.h"
#include "config/app_limits.h"

extern const char *const app_reader_names[];

//  The file: { "apps": [ … ] }
typedef struct {
    json_rows_t apps; //  of app_t
} app_rows_t;

//  Whether a process would send to an endpoint's URL: NULL, or why not. Asked in any thread.
typedef struct {
    const char *(*mistake) (const void *owner, const char *url); //  NULL: it would
    const void *owner;
} app_out_urls_t;

extern const json_table_t app_rows_table;
extern const json_table_t app_table;

//  The forms that settings and commands share with the file.
extern const json_format_t app_id_format;
extern const json_format_t app_url_format;
extern const json_format_t app_key_name_format;

#endif
