//  app_idle — what an app says in apps.json and nothing comes of, although each part is right:
//  words that are never said, a rule about a bot that the app does not have. Warnings, as the file
//  may be half way to what it is to become.

#ifndef APP_IDLE_H
#define APP_IDLE_H

#include "config/app.h"
#include "config/app_limits.h"

//  Of the app in this row of the file: "line 12: …" for each, with a line end; `warnings` may be
//  full. Each process speaks of what it reads.
void app_idle_warn (const app_t *app, size_t row, text_t json, app_reader_t reader,
                    buffer_t *warnings);

#endif
