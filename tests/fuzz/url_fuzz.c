//  The query of a client's URL.

#include "net/client_url.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    client_url_t url;
    client_url_read (&url, (text_t){ (const char *) data, size });
    if (client_url_check (&url) == CLOSE_CLIENT) {
        text_t user = url.user;
        assert (user.size <= USER_ID_MAX);
        assert (utf8_is_valid (user) && utf8_is_printable (user));
        assert (url.app.size <= APP_ID_MAX);
        assert (!memchr (url.app.data, '/', url.app.size));
        assert (url.token.size <= size && !memchr (url.token.data, '%', url.token.size));
    }
    return 0;
}
