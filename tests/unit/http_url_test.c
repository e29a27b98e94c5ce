//  http_url — what a URL says, and the list of hosts that go past a proxy.

#include "http/http_url.h"

#include <criterion/criterion.h>

Test (http_url, parts)
{
    static const struct {
        const char *url, *origin, *host;
        bool is_tls;
    } rows[] = {
        { "http://example.com", "http://example.com:80", "example.com", false },
        { "https://EXAMPLE.com/a?b=c#d", "https://example.com:443", "example.com", true },
        { "HTTPS://example.com:8443/", "https://example.com:8443", "example.com", true },
        { "http://user:secret@example.com/", "http://example.com:80", "example.com", false },
        { "http://[::1]:8080/", "http://[::1]:8080", "::1", false },
        { "http://2130706433/", "http://127.0.0.1:80", "127.0.0.1", false },
        { "http://0x7f.1/", "http://127.0.0.1:80", "127.0.0.1", false },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        http_url_t url;
        cr_assert_eq (http_url_read (&url, rows[row].url), 0, "%s", rows[row].url);
        cr_assert_str_eq (url.origin, rows[row].origin);
        cr_assert_str_eq (url.host, rows[row].host);
        cr_assert_eq (url.is_tls, rows[row].is_tls);
        http_url_free (&url);
    }
}

Test (http_url, what_is_none)
{
    static const char *const rows[] = { "",           "example.com",      "/path",
                                        "ftp://h/",   "file:///etc/passwd", "gopher://h/",
                                        "http://",    "http://a b/",      "http://h:99999/",
                                        "http://h/\r\nX: y" };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        http_url_t url;
        cr_assert_eq (http_url_read (&url, rows[row]), -1, "%s", rows[row]);
        cr_assert_null (url.origin);
    }
}

Test (http_url, proxies)
{
    static const char *const good[] = { "http://p:1", "https://p/", "socks5://p:1",
                                        "socks5h://u:p@p", "HTTP://p" };
    static const char *const bad[] = { "p:1", "socks4://p", "ftp://p", "http://", "http:p", "" };
    for (size_t row = 0; row < sizeof good / sizeof *good; row++)
        cr_assert (http_url_is_proxy (good[row]), "%s", good[row]);
    for (size_t row = 0; row < sizeof bad / sizeof *bad; row++)
        cr_assert (!http_url_is_proxy (bad[row]), "%s", bad[row]);
}

Test (http_url, hosts_of_a_list)
{
    static const struct {
        const char *host, *list;
        bool is_in;
    } rows[] = {
        { "example.com", "", false },
        { "example.com", "example.com", true },
        { "bot.example.com", "example.com", true },
        { "bot.example.com", ".example.com", true },
        { "badexample.com", "example.com", false },
        { "example.com", "bot.example.com", false },
        { "example.com", "other.com, EXAMPLE.com ,third.com", true },
        { "example.com", "*", true },
        { "example.com", "*.com", false },
        { "example.com", ",,", false },
        { "example.com", ".", false },
        { "10.1.2.3", "10.0.0.0/8", true },
        { "11.1.2.3", "10.0.0.0/8,127.0.0.1", false },
        { "127.0.0.1", "10.0.0.0/8,127.0.0.1", true },
        { "127.0.0.1", "0.0.1", false },
        { "::1", "::1", true },
        { "::1", "*", true },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (http_url_host_is_in (rows[row].host, rows[row].list), rows[row].is_in,
                      "%s in \"%s\"", rows[row].host, rows[row].list);
}
