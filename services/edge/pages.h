//  pages — the static files of EDGE_WEB_ROOT and /config.json over HTTP: where they are mounted,
//  their types and the headers that every answer has.

#ifndef PAGES_H
#define PAGES_H

#include "words/text.h"

#include <libwebsockets.h>

typedef struct {
    struct lws_http_mount config;
    struct lws_http_mount files;
} pages_t;

//  Fills the mounts; the web root must live as long as they do. Returns what the vhost is given.
const struct lws_http_mount *pages_mounts (pages_t *self, const char *web_root);
//  Security headers for every answer.
const struct lws_protocol_vhost_options *pages_headers (void);

//  LWS_CALLBACK_HTTP: answers /config.json with the text, and anything else with 404. The value is
//  the callback's.
int pages_answer (struct lws *wsi, const char *path, text_t config_json);
//  LWS_CALLBACK_HTTP_WRITEABLE: the body.
int pages_write (struct lws *wsi, text_t config_json);

#endif
