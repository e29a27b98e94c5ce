//  openapi_page — the API's document, served: made once, and given to anybody who asks.

#ifndef OPENAPI_PAGE_H
#define OPENAPI_PAGE_H

#include "api/api.h"

typedef struct openapi_page openapi_page_t;

openapi_page_t *openapi_page_new (void);
void openapi_page_destroy (openapi_page_t **self_p);

//  The operation OPENAPI (api_local_t); the owner is the page.
api_asked_fn openapi_page_asked;

#endif
