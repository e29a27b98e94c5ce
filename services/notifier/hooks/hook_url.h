//  hook_url — may an endpoint of this URL be in the apps file? Not with http://, but where the
//  operator allows it. What address a name has is looked at when it is connected to
//  (http/address_guard.h), as are private ones.

#ifndef HOOK_URL_H
#define HOOK_URL_H

//  NULL, or why not. `allowed` is OUT_ALLOWED_NETWORKS. In any thread.
const char *hook_url_mistake (const char *allowed, const char *url);

#endif
