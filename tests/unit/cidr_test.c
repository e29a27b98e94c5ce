//  cidr — networks as they are written, and what is in them.

#include "http/cidr.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/un.h>

static bool
s_holds (const char *network, const char *address)
{
    cidr_t cidr;
    ip_address_t ip;
    cr_assert_eq (cidr_read (&cidr, text_of (network)), 0, "%s", network);
    cr_assert_eq (ip_address_read (&ip, text_of (address)), 0, "%s", address);
    return cidr_holds (&cidr, &ip);
}

Test (cidr, a_list_and_its_mistake)
{
    static const char *const rows[][2] = {
        { "", "" },
        { " , ", "" },
        { "10.0.0.0/8, fd00::/8,127.0.0.1 ", "" },
        { "10.0.0.0/33", "10.0.0.0/33" },
        { "10.0.0.0/8,,\tlocalhost , *", "localhost" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert (text_is (cidr_list_mistake (rows[row][0]), text_of (rows[row][1])), "%s",
                   rows[row][0]);
}

Test (cidr, holds)
{
    static const struct {
        const char *network, *address;
        bool holds;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/8", "9.255.255.255", false },
        { "172.16.0.0/12", "172.31.255.255", true },
        { "172.16.0.0/12", "172.32.0.0", false },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "192.0.2.6/31", "192.0.2.7", true },
        { "0.0.0.0/0", "255.255.255.255", true },
        { "0.0.0.0/0", "::1", false },
        { "0.0.0.0/0", "::ffff:1.2.3.4", true },
        { "::/0", "1.2.3.4", true },
        { "::ffff:10.0.0.0/104", "10.1.2.3", true },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::1", "::1", true },
        { "::1/128", "::2", false },
        { "fe80::/10", "febf::1", true },
        { "fe80::/10", "fec0::1", false },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (s_holds (rows[row].network, rows[row].address), rows[row].holds, "%s in %s",
                      rows[row].address, rows[row].network);
}

Test (cidr, what_is_no_network)
{
    static const char *const rows[] = {
        "",           "/8",         "10.0.0.0/",     "10.0.0.0/33",   "10.0.0.0/08", "10.0.0.0/+8",
        "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.1/8",   "10.0/8",        "10",          "010.0.0.0/8",
        "0x0a.0.0.0", "10.0.0.0/-1", "10.0.0.0/1000", "10.0.0.0/8/8",  "::1/129",     "::2/127x",
        "::3/126",    "fe80::1%lo", "[::1]",         "localhost",     "1.2.3.4.5",   "1.2.3.256",
        "2001:db8::/8",
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        cidr_t cidr;
        cr_assert_eq (cidr_read (&cidr, text_of (rows[row])), -1, "\"%s\"", rows[row]);
    }
    cidr_t cidr;
    cr_assert_eq (cidr_read (&cidr, TEXT ("10.0.0.0\0/8")), -1);
}

Test (cidr, socket_addresses)
{
    ip_address_t ip, same;
    struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (0x0a010203) };
    cr_assert_eq (ip_address_of (&ip, (struct sockaddr *) &ipv4), 0);
    cr_assert_eq (ip_address_read (&same, TEXT ("10.1.2.3")), 0);
    cr_assert_arr_eq (ip.bytes, same.bytes, sizeof ip.bytes);
    cr_assert (ip_address_is_ipv4 (&ip));
    struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    cr_assert_eq (ip_address_of (&ip, (struct sockaddr *) &ipv6), 0);
    cr_assert (!ip_address_is_ipv4 (&ip));
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    cr_assert_eq (ip_address_of (&ip, (struct sockaddr *) &local), -1);
}
