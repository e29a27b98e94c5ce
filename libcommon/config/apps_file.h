//  apps_file — the contents of an apps.json as rows, in the order of their ids. What may stand in
//  it is app_table.c; the rules that are beside the table are here: no two apps of one id.

#ifndef APPS_FILE_H
#define APPS_FILE_H

#include "config/app_table.h"

#define APPS_FILE_LIMIT (4u << 20) //  bytes

typedef struct apps_file apps_file_t;

//  As json_table_reading_t, whose table is set here. Without `read_secret` nothing is said of what
//  stands in files of secrets.
typedef struct {
    app_reader_t reader;
    app_out_urls_t out;
    const char *(*read_secret) (void *owner, text_t path, buffer_t *to);
    void *owner;
    buffer_t *complaint;
    buffer_t *warnings;
} apps_reading_t;

//  NULL when there is a mistake: the complaint has "line 12: what is wrong" then.
apps_file_t *apps_file_new (text_t json, const apps_reading_t *reading);
//  The one app of a process that has no file; NULL when its id or its bot's URL cannot be one.
apps_file_t *apps_file_of_one (const app_t *app, buffer_t *complaint);
void apps_file_destroy (apps_file_t **self_p);

size_t apps_file_size (const apps_file_t *self);
const app_t *apps_file_at (const apps_file_t *self, size_t at); //  in the order of their ids
//  The first one of the file; there is always one.
const app_t *apps_file_first (const apps_file_t *self);
//  NULL when there is no such app.
const app_t *apps_file_find (const apps_file_t *self, text_t id);

#endif
