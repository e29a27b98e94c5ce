#include "http/http_url.h"

#include "base/alloc.h"
#include "http/cidr.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

//  The parts of a URL that libcurl has read. Returns 0, or −1.
static int
s_take_parts (http_url_t *self, CURLU *url)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    int rc = -1;
    if (curl_url_get (url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
        && curl_url_get (url, CURLUPART_HOST, &host, 0) == CURLUE_OK
        && curl_url_get (url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        self->is_tls = strcmp (scheme, "https") == 0;
        for (char *byte = host; *byte; byte++)
            *byte = (char) tolower ((unsigned char) *byte);
        int size = asprintf (&self->origin, "%s://%s:%s", scheme, host, port);
        if (size < 0)
            alloc_failed ();
        text_t bare = text_of (host);
        if (*host == '[')
            bare = (text_t){ host + 1, strcspn (host + 1, "]") };
        self->host = alloc_text (bare);
        rc = self->is_tls || strcmp (scheme, "http") == 0 ? 0 : -1;
    }
    curl_free (scheme);
    curl_free (host);
    curl_free (port);
    return rc;
}

int
http_url_read (http_url_t *self, const char *text)
{
    *self = (http_url_t){ 0 };
    CURLU *url = curl_url ();
    if (!url)
        alloc_failed ();
    bool is_url = curl_url_set (url, CURLUPART_URL, text, 0) == CURLUE_OK;
    int rc = is_url ? s_take_parts (self, url) : -1;
    curl_url_cleanup (url);
    if (rc != 0)
        http_url_free (self);
    return rc;
}

void
http_url_free (http_url_t *self)
{
    free (self->origin);
    free (self->host);
    *self = (http_url_t){ 0 };
}

bool
http_url_is_proxy (const char *text)
{
    static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
    CURLU *url = curl_url ();
    if (!url)
        alloc_failed ();
    //  A proxy's schemes are none of a URL's to curl.
    bool is_url = curl_url_set (url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    curl_url_cleanup (url);
    for (size_t row = 0; row < sizeof schemes / sizeof *schemes; row++)
        if (is_url && strncasecmp (text, schemes[row], strlen (schemes[row])) == 0)
            return true;
    return false;
}

static bool
s_ends_with (const char *host, text_t name)
{
    size_t size = strlen (host);
    if (size < name.size || strncasecmp (host + size - name.size, name.data, name.size) != 0)
        return false;
    return size == name.size || host[size - name.size - 1] == '.';
}

static bool
s_is_host (text_t word, const char *host)
{
    cidr_t network;
    ip_address_t address;
    if (text_is (word, TEXT ("*")))
        return true;
    if (ip_address_read (&address, text_of (host)) == 0)
        return cidr_read (&network, word) == 0 && cidr_holds (&network, &address);
    if (*word.data == '.')
        word = (text_t){ word.data + 1, word.size - 1 };
    return word.size > 0 && s_ends_with (host, word);
}

bool
http_url_host_is_in (const char *host, const char *list)
{
    for (const char *at = list; *at;) {
        at += strspn (at, ", \t");
        text_t word = { at, strcspn (at, ", \t") };
        if (word.size > 0 && s_is_host (word, host))
            return true;
        at += word.size;
    }
    return false;
}
