#include "pages.h"

#include "edge_counters.h"
#include "websocket.h"

#include <assert.h>

//  Files that change with a release: kept for a minute, then asked for again (by ETag).
#define CACHE_SECONDS 60

//  Chained by hand, last one first, as the library wants them.
static const struct lws_protocol_vhost_options s_types[] = {
    { NULL, NULL, ".mjs", "text/javascript" },
    { &s_types[0], NULL, ".webmanifest", "application/manifest+json" },
    { &s_types[1], NULL, ".map", "application/json" },
    { &s_types[2], NULL, ".woff2", "font/woff2" },
    { &s_types[3], NULL, ".webp", "image/webp" },
    { &s_types[4], NULL, ".json", "application/json" },
    { &s_types[5], NULL, ".md", "text/markdown" },
};

//  The demo page talks to any edge that CONNECTION_SERVER_URL names and shows pictures that a bot
//  names; nothing but our own files may run in it.
static const struct lws_protocol_vhost_options s_headers[] = {
    { NULL, NULL, "x-content-type-options:", "nosniff" },
    { &s_headers[0], NULL, "referrer-policy:", "no-referrer" },
    { &s_headers[1], NULL, "x-frame-options:", "SAMEORIGIN" },
    { &s_headers[2], NULL, "cross-origin-resource-policy:", "cross-origin" },
    { &s_headers[3], NULL, "content-security-policy:",
      "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' https: data:; "
      "style-src 'self'; object-src 'none'; base-uri 'none'; "
      "frame-ancestors 'self'" },
};

#define LAST(array) (&(array)[sizeof (array) / sizeof *(array) - 1])

const struct lws_http_mount *
pages_mounts (pages_t *self, const char *web_root)
{
    self->files = (struct lws_http_mount){ .mountpoint = "/",
                                           .mountpoint_len = 1,
                                           .origin = web_root,
                                           .origin_protocol = LWSMPRO_FILE,
                                           .def = "index.html",
                                           .extra_mimetypes = LAST (s_types),
                                           .cache_max_age = CACHE_SECONDS,
                                           .cache_reusable = 1,
                                           .cache_revalidate = 1 };
    self->config = (struct lws_http_mount){ .mount_next = *web_root ? &self->files : NULL,
                                            .mountpoint = "/config.json",
                                            .mountpoint_len = sizeof "/config.json" - 1,
                                            .origin_protocol = LWSMPRO_CALLBACK,
                                            .protocol = "chat" };
    return &self->config;
}

const struct lws_protocol_vhost_options *
pages_headers (void)
{
    return LAST (s_headers);
}

static int
s_not_found (struct lws *wsi)
{
    if (lws_return_http_status (wsi, HTTP_STATUS_NOT_FOUND, NULL) != 0)
        return -1;
    return lws_http_transaction_completed (wsi);
}

int
pages_answer (struct lws *wsi, const char *path, text_t config_json)
{
    edge_count (EDGE_PAGES, 1);
    //  The mounted callback is given the path behind its mount.
    if (*path != 0 && strcmp (path, "/config.json") != 0)
        return s_not_found (wsi);
    static const char no_store[] = "no-store";
    unsigned char room[LWS_PRE + 2048], *at = room + LWS_PRE, *end = room + sizeof room;
    unsigned char *start = at;
    if (lws_add_http_common_headers (wsi, HTTP_STATUS_OK, "application/json", config_json.size, &at,
                                     end)
        || lws_add_http_header_by_token (wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
                                         (const unsigned char *) no_store, sizeof no_store - 1, &at,
                                         end)
        || lws_finalize_write_http_header (wsi, start, &at, end))
        return -1;
    lws_callback_on_writable (wsi);
    return 0;
}

int
pages_write (struct lws *wsi, text_t config_json)
{
    unsigned char room[LWS_PRE + CONFIG_JSON_MAX];
    assert (config_json.size <= CONFIG_JSON_MAX);
    memcpy (room + LWS_PRE, config_json.data, config_json.size);
    if (lws_write (wsi, room + LWS_PRE, config_json.size, LWS_WRITE_HTTP_FINAL)
        != (int) config_json.size)
        return -1;
    return lws_http_transaction_completed (wsi);
}
