//  A list of networks, as it stands in a setting, and an address as it stands in a URL.

#include "http/address_guard.h"
#include "http/cidr.h"
#include "http/http_url.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    text_t text = { (const char *) data, size };
    cidr_t cidr;
    if (cidr_read (&cidr, text) == 0) {
        assert (cidr.bits <= 128 && (cidr.bits >= 96 || memchr (data, ':', size)));
        assert (cidr_holds (&cidr, &cidr.address));
    }
    char *list = alloc_text (text);
    address_guard_t *guard = address_guard_new (list);
    if (guard)
        (void) address_guard_refuses_host (guard, "127.0.0.1");
    address_guard_destroy (&guard);
    (void) http_url_host_is_in ("10.1.2.3", list);
    (void) http_url_host_is_in ("bot.example.com", list);
    free (list);
    return 0;
}
