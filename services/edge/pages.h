//  pages — what is served over HTTP: the files of EDGE_WEB_ROOT, and /config.json.

#ifndef PAGES_H
#define PAGES_H

#include "requests.h"

typedef struct pages pages_t;

//  Security headers, and leave for other origins to read, for every answer.
text_t pages_fields (void);

//  An empty web root: no files. The texts are copied.
pages_t *pages_new (uv_loop_t *loop, const char *web_root, text_t config_json);
//  All requests are gone.
void pages_destroy (pages_t **self_p);

//  requests_events_t's.
void pages_asked (pages_t *self, request_t *request, const http_head_t *head);
void pages_room (pages_t *self, request_t *request);
void pages_gone (pages_t *self, request_t *request);

#endif
