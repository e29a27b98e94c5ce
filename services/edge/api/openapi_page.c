#include "api/openapi_page.h"

#include "api/openapi.h"
#include "base/alloc.h"
#include "base/keyed_hash.h"
#include "tables/edge_metrics.h"

#include <stdio.h>
#include <stdlib.h>

//  It changes with the edge's version: a browser asks whether it has.
#define PAGE_FIELDS "cache-control: no-cache\r\naccess-control-allow-origin: *\r\n"

struct openapi_page {
    buffer_t text;
    char tag[24]; //  of its bytes: the same in every edge of this version
};

openapi_page_t *
openapi_page_new (void)
{
    openapi_page_t *self = alloc_zeroed (sizeof *self);
    buffer_init (&self->text, OPENAPI_MAX);
    openapi_write (&self->text);
    hash_key_t key = hash_key_of (TEXT_EMPTY);
    snprintf (self->tag, sizeof self->tag, "\"%016llx\"",
              (unsigned long long) keyed_hash (&key, buffer_text (&self->text)));
    return self;
}

void
openapi_page_destroy (openapi_page_t **self_p)
{
    openapi_page_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    buffer_free (&self->text);
    free (self);
}

//  Has the asker got it already? A proxy that compresses makes tags weak.
static bool
s_is_known (const openapi_page_t *self, const http_head_t *head)
{
    text_t list, tag;
    unsigned at = 0;
    while (http_head_field (head, "If-None-Match", &at, &list))
        while (http_list_next (&list, &tag)) {
            if (tag.size > 2 && memcmp (tag.data, "W/", 2) == 0)
                tag = (text_t){ tag.data + 2, tag.size - 2 };
            if (text_is (tag, TEXT ("*")) || text_is (tag, text_of (self->tag)))
                return true;
        }
    return false;
}

void
openapi_page_asked (void *owner, request_t *request, const http_head_t *head,
                    const api_request_t *asked, const door_pass_t *pass, text_t fields)
{
    const openapi_page_t *self = owner;
    char more[100];
    (void) asked, (void) pass, (void) fields;
    bool is_known = s_is_known (self, head);
    int size = snprintf (more, sizeof more, "%setag: %s\r\n",
                         is_known ? "" : "content-type: application/json\r\n", self->tag);
    request_set_fields (request, TEXT (PAGE_FIELDS));
    edge_count (EDGE_API_ANSWERED, 1);
    request_answer (request, is_known ? 304 : 200, (text_t){ more, (size_t) size },
                    is_known ? TEXT_EMPTY : buffer_text (&self->text));
}
