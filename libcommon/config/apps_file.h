//  apps_file — the door of apps.json: its bytes become rows, or a complaint that names the line.
//
//  Nothing in the file is optional by accident: an unknown member is a mistake (most likely a
//  mistyped one), but one whose name begins with "//" is a comment.

#ifndef APPS_FILE_H
#define APPS_FILE_H

#include "base/buffer.h"
#include "config/app.h"

#define APPS_FILE_LIMIT (4u << 20) //  bytes
#define APPS_LIMIT 10000u

typedef struct apps_file apps_file_t;

//  NULL when there is a mistake: `complaint` then has "line 12: what is wrong".
apps_file_t *apps_file_new (text_t json, buffer_t *complaint);
//  The one app of a process that has no file; NULL when its id or its bot's URL cannot be one.
apps_file_t *apps_file_of_one (const app_t *app, buffer_t *complaint);
void apps_file_destroy (apps_file_t **self_p);

size_t apps_file_size (const apps_file_t *self);
//  The first one of the file; there is always one.
const app_t *apps_file_first (const apps_file_t *self);
//  NULL when there is no such app. All texts are followed by a NUL.
const app_t *apps_file_find (const apps_file_t *self, text_t id);
//  Whether this app of this file lists the origin, or lists none at all.
bool apps_file_allows (const apps_file_t *self, const app_t *app, text_t origin);

#endif
