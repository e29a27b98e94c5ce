#include "hooks/hook_url.h"

#include "http/address_guard.h"
#include "http/http_url.h"

#include <string.h>
#include <strings.h>

#define CLEAR "http:// sends what people say in clear: only to networks of OUT_ALLOWED_NETWORKS"

//  An address is in such a network or not. A name may be, if there are any: its address is looked
//  at when it is connected to.
static bool
s_may_be_clear (const address_guard_t *guard, const char *allowed, const char *host)
{
    bool is_address = strchr (host, ':') || !host[strspn (host, "0123456789.")];
    if (is_address || address_guard_refuses_host (guard, host)) //  localhost is one
        return address_guard_allows_host (guard, host);
    return allowed[strspn (allowed, ", ")] || address_guard_allows_host (guard, host);
}

const char *
hook_url_mistake (const char *allowed, const char *url)
{
    http_url_t parts;
    if (http_url_read (&parts, url) != 0)
        return "this is no URL";
    address_guard_t *guard = address_guard_new (allowed);
    bool is_clear = strncasecmp (url, "http:", 5) == 0;
    bool is_good = !guard || !is_clear || s_may_be_clear (guard, allowed, parts.host);
    address_guard_destroy (&guard);
    http_url_free (&parts);
    return is_good ? NULL : CLEAR;
}
