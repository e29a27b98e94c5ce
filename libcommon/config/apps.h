//  apps — the customers of this router: who they are, where their bot is, which pages may embed
//  their chat. From APPS_FILE (apps.example.json explains it) when that is set, else the one app
//  that STUDIO_APP_ID and BOT_URL name.
//
//  The file and the files of its secrets are watched: when one of them changes, all are read again,
//  in libuv's thread pool. A file with a mistake, or without the app that STUDIO_APP_ID names, is
//  refused as a whole, logged with the line, and the old one stays in force. Rows are borrowed
//  until the next turn of the loop.

#ifndef APPS_H
#define APPS_H

#include "base/buffer.h"
#include "config/app_table.h"

#include <stdbool.h>
#include <uv.h>

typedef struct apps apps_t;

typedef struct {
    app_reader_t reader;      //  who this process is
    const char *file;         //  "" or a path
    //  Without a file the one app, with one its default app; "": demo, and the first of the file.
    const char *app_id;
    const char *bot_url;
    const char *bot_key;
    const char *bot_name;     //  "" or NULL: "Bot"
    uint64_t text_limit;      //  0: APP_TEXT_LIMIT
    app_out_urls_t out;
} apps_config_t;

//  NULL when the file cannot be read, or it or a setting has a mistake: `complaint` then says
//  which, with the line of the file.
apps_t *apps_new (uv_loop_t *loop, const apps_config_t *config, buffer_t *complaint);
void apps_destroy (apps_t **self_p);

//  Rises when the file was read again: rows may be others.
uint64_t apps_changes (const apps_t *self);

//  NULL when there is no such app. An empty id asks for the default one: STUDIO_APP_ID, or the
//  first of the file.
const app_t *apps_find (const apps_t *self, text_t id);

//  Names all of them, in the order of their ids.
void apps_each (const apps_t *self, void (*each) (void *owner, const app_t *app), void *owner);

//  May a page of this origin embed the app's chat? An app that lists no origins allows all;
//  an empty origin (a client that is no browser) is always allowed. "null" and "file://" are what
//  web views, sandboxed frames and pages from a disk say: whoever allows them allows all of these.
bool apps_allows_origin (const apps_t *self, text_t id, text_t origin);

//  Reads the file as the process `reader` would, with its secrets, and then as each other one, but
//  for files of secrets; `out` may be NULL. Returns the number of apps; −1 with a complaint. It
//  blocks, for a command line.
int apps_check (const char *file, app_reader_t reader, const app_out_urls_t *out,
                buffer_t *complaint, buffer_t *warnings);

#endif
