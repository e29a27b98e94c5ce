#include "pages/web_path.h"

#include "base/percent.h"

#include <strings.h>

#define INDEX "index.html"

static bool
s_is_name (text_t name)
{
    for (size_t at = 0; at < name.size; at++)
        if ((unsigned char) name.data[at] < 0x20 || name.data[at] == 0x7f || name.data[at] == '/')
            return false;
    return name.size > 0 && (*name.data != '.' || text_is (name, TEXT (".well-known")));
}

web_path_t
web_path_read (text_t root, text_t path, char *to, size_t room)
{
    if (path.size == 0 || *path.data != '/')
        return WEB_PATH_NOWHERE;
    if (root.size + path.size + sizeof INDEX > room)
        return WEB_PATH_NOWHERE;
    memcpy (to, root.data, root.size);
    size_t size = root.size;
    web_path_t found = WEB_PATH_FOUND;
    for (const char *at = path.data, *end = at + path.size; at < end;) {
        const char *slash = memchr (at + 1, '/', (size_t) (end - at - 1));
        text_t raw = { at + 1, (size_t) ((slash ? slash : end) - at - 1) };
        to[size++] = '/';
        long name = percent_decode (raw, false, to + size);
        if (name < 0)
            return WEB_PATH_BAD;
        at = slash ? slash : end;
        if ((slash || name > 0) && !s_is_name ((text_t){ to + size, (size_t) name }))
            found = WEB_PATH_NOWHERE;
        size += (size_t) name;
    }
    if (to[size - 1] == '/') {
        memcpy (to + size, INDEX, sizeof INDEX - 1);
        size += sizeof INDEX - 1;
    }
    to[size] = 0;
    return found;
}

const char *
web_type (const char *path)
{
    static const char *const types[][2] = {
        { ".html", "text/html; charset=utf-8" },
        { ".js", "text/javascript; charset=utf-8" },
        { ".mjs", "text/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".txt", "text/plain; charset=utf-8" },
        { ".ts", "text/plain; charset=utf-8" },
        { ".md", "text/markdown; charset=utf-8" },
        { ".json", "application/json" },
        { ".map", "application/json" },
        { ".webmanifest", "application/manifest+json" },
        { ".xml", "application/xml" },
        { ".wasm", "application/wasm" },
        { ".pdf", "application/pdf" },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".jpg", "image/jpeg" },
        { ".jpeg", "image/jpeg" },
        { ".gif", "image/gif" },
        { ".webp", "image/webp" },
        { ".avif", "image/avif" },
        { ".ico", "image/x-icon" },
        { ".woff", "font/woff" },
        { ".woff2", "font/woff2" },
        { ".ttf", "font/ttf" },
        { ".otf", "font/otf" },
        { ".mp3", "audio/mpeg" },
        { ".mp4", "video/mp4" },
    };
    const char *name = strrchr (path, '/'), *end = strrchr (name ? name : path, '.');
    for (size_t row = 0; end && row < sizeof types / sizeof *types; row++)
        if (strcasecmp (end, types[row][0]) == 0)
            return types[row][1];
    return "application/octet-stream";
}
