//  static_files — what is served over HTTP: the files of EDGE_WEB_ROOT, and /config.json.

#ifndef STATIC_FILES_H
#define STATIC_FILES_H

#include "net/http_server.h"

typedef struct static_files static_files_t;

//  Security headers, and leave for other origins to read, for every answer.
text_t static_files_fields (void);

//  An empty web root: no files. The texts are copied.
static_files_t *static_files_new (uv_loop_t *loop, const char *web_root, text_t config_json);
//  All requests are gone.
void static_files_destroy (static_files_t **self_p);

//  http_server_events_t's.
void static_files_asked (static_files_t *self, request_t *request, const http_head_t *head);
void static_files_room (request_t *request);
void static_files_gone (request_t *request);

#endif
