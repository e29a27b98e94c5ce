//  The lines of X-Forwarded-For and Forwarded, of any number, mixed; each line begins with a byte
//  that says which header it is of. Whatever clients say in front of what their proxy adds, it is
//  not the client.

#include "address/forwarded.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
s_check (const trusted_proxies_t *trusted, const ip_address_t *peer,
         const client_address_t *client)
{
    char room[CLIENT_ADDRESS_ROOM];
    assert (client_address_text (client, room).size > 0);
    assert (client_address_network (client, room).size > 0);
    if (client->is_exempt)
        assert (trusted_proxies_hold (trusted, &client->ip));
    if (!client->is_forwarded)
        assert (memcmp (&client->ip, peer, sizeof *peer) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const ip_address_t peer = { { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 } };
    static const ip_address_t real = { { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 } };
    trusted_proxies_t *trusted = trusted_proxies_new ("10.0.0.0/8,fd00::/8");
    forwarded_list_t x = { .count = 0 }, forwarded = { .count = 0 };
    client_address_t client;
    char *bytes = alloc_text ((text_t){ (const char *) data, size });
    for (size_t at = 0; at < size;) {
        const char *end = memchr (bytes + at, '\n', size - at);
        size_t line = end ? (size_t) (end - bytes) - at : size - at;
        text_t text = { bytes + at + (line > 0), line - (line > 0) };
        if (line > 0 && bytes[at] == 'x')
            forwarded_add_x (&x, text);
        else
            forwarded_add (&forwarded, text);
        at += line + 1;
    }
    if (forwarded_client (trusted, &peer, &x, &forwarded, &client) == 0)
        s_check (trusted, &peer, &client);
    //  The proxy adds a line to the one, and knows nothing of the other.
    forwarded_list_t none = { .count = 0 };
    forwarded_add_x (&x, TEXT ("192.0.2.1"));
    forwarded_add (&forwarded, TEXT ("for=192.0.2.1"));
    int rc = forwarded_client (trusted, &peer, &x, &none, &client);
    assert (rc == 0 && memcmp (&client.ip, &real, sizeof real) == 0);
    rc = forwarded_client (trusted, &peer, &none, &forwarded, &client);
    assert (rc != 0 || memcmp (&client.ip, &real, sizeof real) == 0);
    free (bytes);
    trusted_proxies_destroy (&trusted);
    return 0;
}
