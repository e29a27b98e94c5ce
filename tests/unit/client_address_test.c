//  client_address — what is written of an address, and what counts as one.

#include "address/client_address.h"

#include <criterion/criterion.h>

Test (client_address, texts)
{
    static const struct {
        const char *address, *text, *network, *counted;
    } rows[] = {
        { "192.0.2.77", "192.0.2.77", "192.0.2.0", "192.0.2.77" },
        { "::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0", "192.0.2.77" },
        { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1:2::" },
        { "2001:db8::1", "2001:db8::1", "2001:db8::", "2001:db8::" },
        { "::1", "::1", "::", "::" },
        //  The longest one.
        { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "ffff:ffff:ffff:ffff::", "ffff:ffff:ffff:ffff::" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        client_address_t address = { .is_forwarded = false };
        char room[CLIENT_ADDRESS_ROOM];
        cr_assert_eq (ip_address_read (&address.ip, text_of (rows[row].address)), 0);
        cr_expect (text_is (client_address_text (&address, room), text_of (rows[row].text)), "%s",
                   room);
        cr_expect (text_is (client_address_network (&address, room), text_of (rows[row].network)),
                   "%s", room);
        address.ip = client_address_counted (&address);
        cr_expect (text_is (client_address_text (&address, room), text_of (rows[row].counted)),
                   "%s", room);
    }
}
