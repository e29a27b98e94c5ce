//  forwarded — whom a trusted proxy speaks for: X-Forwarded-For, or Forwarded (RFC 7239).
//
//  Each proxy adds at the end who has asked it, and anybody may have written what stands before
//  that. So the list is read from its end: the first address that is not a trusted proxy's own is
//  the client. What is left of it is not looked at.
//
//  What is not clear is refused, never guessed at: a guess would let clients choose the address
//  that counts. A client that spoils its own request harms nobody but itself.
//
//      several lines          one list, in their order (RFC 9110, 5.3): some proxies add a line
//      both headers           both must name the same client: a proxy that writes the one may hand
//                             on the other as the client has sent it
//      malformed              refused, where it has to be read. Quotes of Forwarded that do not end
//                             make the whole list unreadable
//      unknown, for=_hidden   all that this proxy hides count as one client, which has the address
//                             of the proxy and none of its freedom
//      only trusted proxies   the farthest one asks for itself
//      more trusted proxies than FORWARDED_HOPS_MAX: refused

#ifndef FORWARDED_H
#define FORWARDED_H

#include "address/client_address.h"

#define FORWARDED_HOPS_MAX 32
#define TRUSTED_PROXIES_MAX 64

typedef struct trusted_proxies trusted_proxies_t;

//  Networks, separated by commas or blanks; "": nobody. NULL when one cannot be read, or when there
//  are too many.
trusted_proxies_t *trusted_proxies_new (const char *networks);
void trusted_proxies_destroy (trusted_proxies_t **self_p);
bool trusted_proxies_hold (const trusted_proxies_t *self, const ip_address_t *ip);

//  The end of one header's list. All zeros: the header is not there. Its texts are borrowed from
//  the lines.
typedef struct {
    text_t nodes[FORWARDED_HOPS_MAX]; //  a ring: the next one is [count % FORWARDED_HOPS_MAX]
    unsigned count;
    bool is_there;
    bool is_malformed; //  it cannot be taken apart
} forwarded_list_t;

//  One more line of X-Forwarded-For; of Forwarded.
void forwarded_add_x (forwarded_list_t *self, text_t line);
void forwarded_add (forwarded_list_t *self, text_t line);

//  Who asks through the trusted proxy `peer`. Returns 0; −1 when that is not clear.
__attribute__ ((warn_unused_result)) int forwarded_client (const trusted_proxies_t *trusted,
                                                           const ip_address_t *peer,
                                                           const forwarded_list_t *x,
                                                           const forwarded_list_t *forwarded,
                                                           client_address_t *client);

#endif
