//  The query of a client's URL, as the socket library hands it over: cut at `&`, decoded.

#include "client_url.h"

#include "parts/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    client_url_t url;
    client_url_init (&url);
    const char *at = (const char *) data, *end = at + size;
    while (at < end) {
        const char *stop = memchr (at, '&', (size_t) (end - at));
        if (!stop)
            stop = end;
        client_url_take (&url, (text_t){ at, (size_t) (stop - at) });
        at = stop + 1;
    }
    if (client_url_check (&url) == CLOSE_CLIENT) {
        text_t user = client_url_user (&url);
        assert (user.size > 0 && user.size <= USER_ID_MAX);
        assert (utf8_is_valid (user) && utf8_is_printable (user));
        assert (client_url_app (&url).size <= APP_ID_MAX);
        assert (!memchr (url.app, '/', url.app_size));
    }
    return 0;
}
