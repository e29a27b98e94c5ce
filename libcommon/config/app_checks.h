//  app_checks — what the table of apps.json cannot say of the sections `people`, `alerts`, `email`,
//  `sms`, `slack`, `genesys`, `webhooksOut` and `webhooksIn`: names that must be there, or not
//  twice, and members that need each other. A process checks what it reads. What a rule's words and
//  events come to is made here, too.

#ifndef APP_CHECKS_H
#define APP_CHECKS_H

#include "config/app_table.h"

//  The app is in `row` of the file's text. 0; −1 with a complaint "line 12: what is wrong".
__attribute__ ((warn_unused_result)) int app_checks_run (app_t *app, size_t row, text_t json,
                                                         app_reader_t reader,
                                                         const app_out_urls_t *out,
                                                         buffer_t *complaint);
//  Gives back what that has made.
void app_checks_free (app_t *app);

#endif
