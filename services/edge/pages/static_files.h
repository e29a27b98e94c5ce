//  static_files — what is served over HTTP: the files of EDGE_WEB_ROOT, those of EDGE_WIDGET_ROOT
//  below /widget/, and /config.json.

#ifndef STATIC_FILES_H
#define STATIC_FILES_H

#include "net/http_request.h"

typedef struct static_files static_files_t;

//  What /config.json says is written in one piece.
#define CONFIG_JSON_MAX 4096

//  Where files are. Empty: there are none of this kind.
typedef struct {
    const char *web;
    const char *widget; //  the bundle of the stock widget, which /widget.html loads
} static_roots_t;

//  The texts are copied.
static_files_t *static_files_new (uv_loop_t *loop, const static_roots_t *roots,
                                  text_t config_json);
//  All requests are gone.
void static_files_destroy (static_files_t **self_p);

//  http_site_t's.
void static_files_asked (void *self, request_t *request, const http_head_t *head);

#endif
