#include "pages/web_path.h"

#include <criterion/criterion.h>

Test (web_path, leads_to_files_below_the_root)
{
    static const struct {
        const char *path, *file;
        web_path_t found;
    } rows[] = {
        { "/", "/w/index.html", WEB_PATH_FOUND },
        { "/a.js", "/w/a.js", WEB_PATH_FOUND },
        { "/a%20b/c+d.js", "/w/a b/c+d.js", WEB_PATH_FOUND },
        { "/sub/", "/w/sub/index.html", WEB_PATH_FOUND },
        { "/.well-known/x", "/w/.well-known/x", WEB_PATH_FOUND },
        { "/a..b", "/w/a..b", WEB_PATH_FOUND },
        { "*", "", WEB_PATH_NOWHERE },
        { "", "", WEB_PATH_NOWHERE },
        { "//a", "", WEB_PATH_NOWHERE },
        { "/a//", "", WEB_PATH_NOWHERE },
        { "/..", "", WEB_PATH_NOWHERE },
        { "/../a", "", WEB_PATH_NOWHERE },
        { "/./a", "", WEB_PATH_NOWHERE },
        { "/%2e%2e/a", "", WEB_PATH_NOWHERE },
        { "/a/.git/config", "", WEB_PATH_NOWHERE },
        { "/.env", "", WEB_PATH_NOWHERE },
        { "/..%2fa", "", WEB_PATH_NOWHERE },
        { "/a%2fb", "", WEB_PATH_NOWHERE },
        { "/a%00.js", "", WEB_PATH_NOWHERE },
        { "/a%0a", "", WEB_PATH_NOWHERE },
        { "/%", "", WEB_PATH_BAD },
        { "/../%g0", "", WEB_PATH_BAD },
        { "/a%2", "", WEB_PATH_BAD },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char to[100];
        web_path_t found
            = web_path_read (TEXT ("/w"), text_of (rows[at].path), to, sizeof to);
        cr_expect_eq (found, rows[at].found, "%s", rows[at].path);
        if (found == WEB_PATH_FOUND)
            cr_expect_str_eq (to, rows[at].file);
    }
}

Test (web_path, is_not_cut)
{
    char path[200] = "/", to[100];
    memset (path + 1, 'a', 85);
    path[86] = 0;
    cr_expect_eq (web_path_read (TEXT ("/w"), text_of (path), to, sizeof to), WEB_PATH_FOUND);
    strcat (path, "aa");
    cr_expect_eq (web_path_read (TEXT ("/w"), text_of (path), to, sizeof to), WEB_PATH_NOWHERE);
}

Test (web_path, knows_types)
{
    cr_expect_str_eq (web_type ("/a.b/c.JS"), "text/javascript; charset=utf-8");
    cr_expect_str_eq (web_type ("/a.svg"), "image/svg+xml");
    cr_expect_str_eq (web_type ("/client.d.ts"), "text/plain; charset=utf-8");
    cr_expect_str_eq (web_type ("/a.js/c"), "application/octet-stream");
    cr_expect_str_eq (web_type ("/a"), "application/octet-stream");
}
