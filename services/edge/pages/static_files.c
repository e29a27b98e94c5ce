#include "pages/static_files.h"

#include "tables/edge_metrics.h"
#include "net/http_answer.h"
#include "pages/web_file.h"
#include "pages/web_path.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

//  Files that change with a release: kept for a minute, then asked for again (by ETag).
#define CACHE_CONTROL "must-revalidate, private, max-age=60"
#define ALLOW "allow: GET, HEAD, OPTIONS\r\n"
#define TAG_ROOM 48
#define FIELDS_ROOM 512
#define VALUE_MAX 1024

struct static_files {
    uv_loop_t *loop;
    char *web_root;
    char *widget_root;
    char *config_json;
};

//  A file that is asked for.
typedef struct {
    web_file_t *file;
    request_t *request;
    char *wanted_tag;  //  If-None-Match, or NULL
    char *wanted_date; //  If-Modified-Since, or NULL
    char path[];
} page_t;

//  The demo page talks to any edge that CONNECTION_SERVER_URL names and shows pictures that a bot
//  names; nothing but our own files may run in it, and no form of it is sent anywhere. Pages of
//  other origins may load client.js; nothing here is guarded by cookies.
#define FIELDS(styles)                                                                           \
    "x-frame-options: SAMEORIGIN\r\n"                                                            \
    "access-control-allow-origin: *\r\n"                                                         \
    "cross-origin-resource-policy: cross-origin\r\n"                                             \
    "content-security-policy: default-src 'self'; connect-src 'self' ws: wss: http: https:; "    \
    "img-src 'self' https: data:; style-src " styles "; object-src 'none'; "                     \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'\r\n"
#define PAGE_FIELDS FIELDS ("'self'")
//  The stock widget writes its colours into the page. What may run stays as strict: it puts a bot's
//  HTML into the page, too.
#define WIDGET_PAGE_FIELDS FIELDS ("'self' 'unsafe-inline'")

#define WIDGET_PAGE "/widget.html"
#define WIDGET_PATH "/widget"
#define NO_WIDGET                                                                                \
    "There is no widget page here: the bundle of @xapp/chat-widget is missing.\n"                \
    "To get it: `make run WIDGET=yes`, or an image that is built with WIDGET=yes,\n"             \
    "or deploy/widget/bring DIRECTORY, and EDGE_WIDGET_ROOT=DIRECTORY for the edge.\n"

static_files_t *
static_files_new (uv_loop_t *loop, const static_roots_t *roots, text_t config_json)
{
    static_files_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->web_root = alloc_string (roots->web);
    self->widget_root = alloc_string (roots->widget);
    self->config_json = alloc_text (config_json);
    return self;
}

void
static_files_destroy (static_files_t **self_p)
{
    static_files_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    free (self->web_root);
    free (self->widget_root);
    free (self->config_json);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  Answers without a file

static void
s_answer_words (request_t *request, unsigned status, const char *fields)
{
    char all[FIELDS_ROOM], body[64];
    int size = snprintf (all, sizeof all, "content-type: text/plain\r\n%s", fields);
    int body_size = snprintf (body, sizeof body, "%s\n", http_status_words (status));
    request_answer (request, status, (text_t){ all, (size_t) size },
                    (text_t){ body, (size_t) body_size });
}

// ---------------------------------------------------------------------------------------------
//  Files

static void
s_end (page_t *self)
{
    request_set_answerer (self->request, NULL, NULL);
    web_file_close (&self->file);
    free (self->wanted_tag);
    free (self->wanted_date);
    free (self);
}

//  A proxy that compresses makes tags weak.
static bool
s_is_among (const char *list, text_t tag)
{
    text_t rest = text_of (list), one;
    while (http_list_next (&rest, &one)) {
        if (one.size > 2 && memcmp (one.data, "W/", 2) == 0)
            one = (text_t){ one.data + 2, one.size - 2 };
        if (text_is (one, tag) || text_is (one, TEXT ("*")))
            return true;
    }
    return false;
}

//  False: the answer is whole already.
static bool
s_begin (page_t *self)
{
    const web_file_facts_t *facts = web_file_facts (self->file);
    unsigned long long changed_ns = (unsigned long long) facts->changed.tv_sec * 1000000000u
                                    + (unsigned long long) facts->changed.tv_nsec;
    char tag[TAG_ROOM], date[HTTP_DATE_ROOM], fields[FIELDS_ROOM];
    snprintf (tag, sizeof tag, "\"%llx-%llx\"", changed_ns, (unsigned long long) facts->size);
    text_t changed = http_date (facts->changed.tv_sec, date);
    //  Has the client what it asks for? A tag, when it gives one, is what counts.
    bool is_known = self->wanted_tag
                        ? s_is_among (self->wanted_tag, text_of (tag))
                        : self->wanted_date && text_is (text_of (self->wanted_date), changed);
    int size = snprintf (fields, sizeof fields,
                         "content-type: %s\r\ncache-control: " CACHE_CONTROL
                         "\r\netag: %s\r\nlast-modified: %.*s\r\n",
                         web_type (self->path), tag, TEXT_ARGS (changed));
    text_t all = { fields, (size_t) size };
    if (!is_known)
        return request_begin (self->request, 200, all, facts->size);
    request_answer (self->request, 304, all, TEXT_EMPTY);
    return false;
}

//  To where its index.html finds what stands beside it; relative, as there may be a proxy that adds
//  a path of its own.
static void
s_redirect (page_t *self)
{
    char fields[FIELDS_ROOM];
    const char *name = strrchr (self->path, '/') + 1;
    for (const char *at = name; *at; at++)
        if ((unsigned char) *at <= 0x20 || (unsigned char) *at >= 0x7f || strchr ("%?#:\"<>", *at))
            name = "";
    if (!*name || strlen (name) > FIELDS_ROOM / 2) {
        s_answer_words (self->request, 404, "");
        return;
    }
    snprintf (fields, sizeof fields, "location: %s/\r\n", name);
    s_answer_words (self->request, 301, fields);
}

static void
s_on_room (void *owner)
{
    page_t *self = owner;
    if (!web_file_facts (self->file)->is_busy)
        web_file_read (self->file);
}

static void
s_on_gone (void *owner)
{
    s_end (owner);
}

static const request_events_t s_page_events = { .room = s_on_room, .gone = s_on_gone };

static void
s_on_opened (void *owner, web_found_t found)
{
    page_t *self = owner;
    request_t *request = self->request;
    if (found == WEB_FILE) {
        //  The answer may be over with this, and the next request begun: it is let go of before.
        request_set_answerer (request, NULL, NULL);
        if (s_begin (self)) {
            request_set_answerer (request, &s_page_events, self);
            if (!request_is_full (request))
                web_file_read (self->file);
            return;
        }
    } else if (found == WEB_DIRECTORY)
        s_redirect (self);
    else
        s_answer_words (request, found == WEB_TROUBLE ? 503 : 404, "");
    s_end (self);
}

static void
s_on_piece (void *owner, text_t piece)
{
    page_t *self = owner;
    request_t *request = self->request;
    const web_file_facts_t *facts = web_file_facts (self->file);
    if (piece.size == 0 || facts->offset == facts->size) {
        request_set_answerer (request, NULL, NULL);
        request_body (request, piece);
        s_end (self);
        return;
    }
    request_body (request, piece);
    if (!request_is_full (request))
        web_file_read (self->file);
}

static char *
s_copy_field (const http_head_t *head, const char *name)
{
    text_t value;
    if (http_head_only (head, name, &value) != 0 || value.size == 0 || value.size > VALUE_MAX)
        return NULL;
    return alloc_text (value);
}

static void
s_open (const static_files_t *self, request_t *request, const http_head_t *head, const char *path)
{
    static const web_file_events_t events = { .opened = s_on_opened, .piece = s_on_piece };
    page_t *page = alloc_zeroed (sizeof *page + strlen (path) + 1);
    page->request = request;
    memcpy (page->path, path, strlen (path) + 1);
    page->file = web_file_open (self->loop, path, &events, page);
    page->wanted_tag = s_copy_field (head, "If-None-Match");
    page->wanted_date = s_copy_field (head, "If-Modified-Since");
    request_set_answerer (request, &s_page_events, page);
}

//  The file that is meant, wherever it is.
static void
s_find (const static_files_t *self, request_t *request, const http_head_t *head)
{
    static const size_t before = sizeof WIDGET_PATH - 1;
    text_t root = text_of (self->web_root), path = head->path;
    bool is_bundle = path.size > before && memcmp (path.data, WIDGET_PATH "/", before + 1) == 0;
    if (!*self->widget_root && (is_bundle || text_is (path, TEXT (WIDGET_PAGE)))) {
        request_answer (request, 404, TEXT ("content-type: text/plain\r\n"), TEXT (NO_WIDGET));
        return;
    }
    if (is_bundle) {
        root = text_of (self->widget_root);
        path = (text_t){ path.data + before, path.size - before };
    }
    char file[PATH_MAX];
    web_path_t found = web_path_read (root, path, file, sizeof file);
    if (found == WEB_PATH_BAD)
        request_refuse (request, 400);
    else if (found == WEB_PATH_NOWHERE || root.size == 0)
        s_answer_words (request, 404, "");
    else
        s_open (self, request, head, file);
}

void
static_files_asked (void *owner, request_t *request, const http_head_t *head)
{
    static_files_t *self = owner;
    request_set_fields (request, text_is (head->path, TEXT (WIDGET_PAGE))
                                     ? TEXT (WIDGET_PAGE_FIELDS)
                                     : TEXT (PAGE_FIELDS));
    if (http_head_is (head, "OPTIONS")) {
        request_answer (request, 204,
                        TEXT (ALLOW "access-control-allow-methods: GET, HEAD, OPTIONS\r\n"),
                        TEXT_EMPTY);
        return;
    }
    if (!http_head_is (head, "GET") && !http_head_is (head, "HEAD")) {
        s_answer_words (request, 405, ALLOW);
        return;
    }
    if (text_is (head->path, TEXT ("/config.json"))) {
        request_answer (request, 200,
                        TEXT ("content-type: application/json\r\ncache-control: no-store\r\n"),
                        text_of (self->config_json));
        return;
    }
    s_find (self, request, head);
}
