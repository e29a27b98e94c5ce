//  address_guard — every range of the table, by its first and last address and their neighbours.

#include "http/address_guard.h"
#include "http/cidr.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/un.h>

//  As curl would hand it: NULL when it may be connected to.
static const char *
s_refuses (const address_guard_t *guard, const char *text)
{
    struct sockaddr_in ipv4 = { .sin_family = AF_INET };
    struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
    if (inet_pton (AF_INET, text, &ipv4.sin_addr) == 1)
        return address_guard_refuses (guard, (struct sockaddr *) &ipv4);
    cr_assert_eq (inet_pton (AF_INET6, text, &ipv6.sin6_addr), 1, "%s", text);
    return address_guard_refuses (guard, (struct sockaddr *) &ipv6);
}

static void
s_expect (const address_guard_t *guard, const char *address, const char *label)
{
    const char *refused = s_refuses (guard, address);
    if (label)
        cr_assert (refused && strcmp (refused, label) == 0, "%s: %s, not %s", address,
                   refused ? refused : "allowed", label);
    else
        cr_assert_null (refused, "%s: %s", address, refused);
}

Test (address_guard, edges_of_the_ranges)
{
    static const struct {
        const char *address, *label;
    } rows[] = {
        { "0.0.0.0", "unspecified" },     { "0.255.255.255", "unspecified" },
        { "1.0.0.0", NULL },              { "9.255.255.255", NULL },
        { "10.0.0.0", "private" },        { "10.255.255.255", "private" },
        { "11.0.0.0", NULL },             { "100.63.255.255", NULL },
        { "100.64.0.0", "carrier" },      { "100.127.255.255", "carrier" },
        { "100.128.0.0", NULL },          { "126.255.255.255", NULL },
        { "127.0.0.0", "loopback" },      { "127.255.255.255", "loopback" },
        { "128.0.0.0", NULL },            { "169.253.255.255", NULL },
        { "169.254.0.0", "link_local" },  { "169.254.169.254", "link_local" },
        { "169.254.255.255", "link_local" }, { "169.255.0.0", NULL },
        { "172.15.255.255", NULL },       { "172.16.0.0", "private" },
        { "172.31.255.255", "private" },  { "172.32.0.0", NULL },
        { "191.255.255.255", NULL },      { "192.0.0.0", "protocols" },
        { "192.0.0.255", "protocols" },   { "192.0.1.0", NULL },
        { "192.0.2.0", "documentation" }, { "192.0.2.255", "documentation" },
        { "192.0.3.0", NULL },            { "192.88.98.255", NULL },
        { "192.88.99.1", "relay" },       { "192.88.100.0", NULL },
        { "192.167.255.255", NULL },      { "192.168.0.0", "private" },
        { "192.168.255.255", "private" }, { "192.169.0.0", NULL },
        { "198.17.255.255", NULL },       { "198.18.0.0", "benchmarks" },
        { "198.19.255.255", "benchmarks" }, { "198.20.0.0", NULL },
        { "198.51.100.255", "documentation" }, { "198.51.101.0", NULL },
        { "203.0.113.0", "documentation" }, { "203.0.114.0", NULL },
        { "223.255.255.255", NULL },      { "224.0.0.1", "multicast" },
        { "239.255.255.255", "multicast" }, { "240.0.0.0", "reserved" },
        { "255.255.255.254", "reserved" }, { "255.255.255.255", "broadcast" },
        { "8.8.8.8", NULL },

        { "::", "unspecified" },          { "::1", "loopback" },
        { "::2", "reserved" },            { "::7f00:1", "reserved" },
        { "::ffff:127.0.0.1", "loopback" }, { "::ffff:10.1.2.3", "private" },
        { "::ffff:169.254.169.254", "link_local" }, { "::ffff:8.8.8.8", NULL },
        { "::ffff:0:127.0.0.1", "reserved" },
        { "64:ff9b::127.0.0.1", "loopback" }, { "64:ff9b::169.254.169.254", "link_local" },
        { "64:ff9b::192.168.1.1", "private" }, { "64:ff9b::8.8.8.8", NULL },
        { "64:ff9b:1::8.8.8.8", "nat64" }, { "64:ff9b:0:1::8.8.8.8", "reserved" },
        { "100::1", "reserved" },         { "1fff:ffff::", "reserved" },
        { "2001::1", "protocols" },       { "2001:1ff::1", "protocols" },
        { "2001:200::1", NULL },          { "2001:db7::1", NULL },
        { "2001:db8::1", "documentation" }, { "2001:db9::1", NULL },
        { "2002:7f00:1::1", "loopback" }, { "2002:a01:203::", "private" },
        { "2002:a9fe:a9fe::1", "link_local" }, { "2002:808:808::1", NULL },
        { "2003::1", NULL },              { "2606:4700::1111", NULL },
        { "3ffe:ffff::1", NULL },         { "3fff::1", "documentation" },
        { "3fff:1000::1", NULL },         { "4000::1", "reserved" },
        { "5f00::1", "reserved" },        { "fbff::1", "reserved" },
        { "fc00::1", "private" },         { "fd00:ec2::254", "private" },
        { "fdff:ffff::1", "private" },    { "fe00::1", "reserved" },
        { "fe80::1", "link_local" },      { "febf::1", "link_local" },
        { "fec0::1", "private" },         { "feff::1", "private" },
        { "ff02::1", "multicast" },       { "ffff::1", "multicast" },
    };
    address_guard_t *guard = address_guard_new ("");
    cr_assert (guard);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        s_expect (guard, rows[row].address, rows[row].label);
    address_guard_destroy (&guard);
}

//  A row that is wrong in itself, or hidden by another one, would guard nothing.
Test (address_guard, every_row_of_the_table)
{
    static const struct {
        const char *network;
        int within;
        const char *label;
    } rows[] = {
#define RANGE(network, within, label) { network, within, label },
#include "http/address_ranges.def"
#undef RANGE
    };
    address_guard_t *guard = address_guard_new ("");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        char first[INET6_ADDRSTRLEN + 1] = { 0 };
        memcpy (first, rows[row].network, strcspn (rows[row].network, "/"));
        //  All bits behind the prefix are zero: so is the address inside.
        s_expect (guard, first, rows[row].within < 0 ? rows[row].label : "unspecified");
    }
    address_guard_destroy (&guard);
}

Test (address_guard, what_is_allowed_all_the_same)
{
    address_guard_t *guard = address_guard_new (" 10.1.0.0/16,fd00::/8 127.0.0.1,");
    cr_assert (guard);
    static const struct {
        const char *address;
        bool is_allowed;
    } rows[] = {
        { "10.1.255.255", true }, { "10.2.0.0", false },  { "127.0.0.1", true },
        { "127.0.0.2", false },   { "fd12::1", true },    { "fc00::1", false },
        { "::ffff:10.1.2.3", true }, { "64:ff9b::10.1.2.3", true }, { "2002:a01:203::", true },
        { "64:ff9b::10.2.2.3", false },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (s_refuses (guard, rows[row].address) == NULL, rows[row].is_allowed, "%s",
                      rows[row].address);
    address_guard_destroy (&guard);
}

Test (address_guard, a_list_that_cannot_be_read)
{
    static const char *const lists[] = { "10.0.0.0/33", "10.0.0.0/8,localhost", "10.0.0.1/8", "*" };
    for (size_t row = 0; row < sizeof lists / sizeof *lists; row++)
        cr_assert_null (address_guard_new (lists[row]), "%s", lists[row]);
}

Test (address_guard, hosts_of_urls)
{
    address_guard_t *guard = address_guard_new ("");
    cr_assert_str_eq (address_guard_refuses_host (guard, "169.254.169.254"), "link_local");
    cr_assert_str_eq (address_guard_refuses_host (guard, "fe80::1%eth0"), "link_local");
    cr_assert_str_eq (address_guard_refuses_host (guard, "::ffff:7f00:1"), "loopback");
    cr_assert_null (address_guard_refuses_host (guard, "8.8.8.8"));
    cr_assert_str_eq (address_guard_refuses_host (guard, "127.0.0.1."), "loopback");
    cr_assert_str_eq (address_guard_refuses_host (guard, "localhost"), "loopback");
    cr_assert_str_eq (address_guard_refuses_host (guard, "Any.LocalHost."), "loopback");
    cr_assert_null (address_guard_refuses_host (guard, "notlocalhost"));
    cr_assert_null (address_guard_refuses_host (guard, "localhost.example"));
    cr_assert_null (address_guard_refuses_host (guard, "bot.example"), "it is not looked up");
    cr_assert_null (address_guard_refuses_host (guard, ""));
    address_guard_destroy (&guard);
}

Test (address_guard, what_is_allowed_by_name)
{
    address_guard_t *guard = address_guard_new ("127.0.0.0/8,8.8.8.0/24");
    cr_assert (address_guard_allows_host (guard, "localhost"));
    cr_assert (address_guard_allows_host (guard, "127.0.0.1."));
    cr_assert (address_guard_allows_host (guard, "8.8.8.8"));
    cr_assert (!address_guard_allows_host (guard, "9.9.9.9"));
    cr_assert (!address_guard_allows_host (guard, "bot.example"), "nobody knows where it is");
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (0x7f000001) };
    cr_assert (address_guard_allows (guard, (struct sockaddr *) &here));
    here.sin_addr.s_addr = htonl (0x01010101);
    cr_assert (!address_guard_allows (guard, (struct sockaddr *) &here));
    address_guard_destroy (&guard);
}

Test (address_guard, other_families_are_refused)
{
    address_guard_t *guard = address_guard_new ("");
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    cr_assert_str_eq (address_guard_refuses (guard, (struct sockaddr *) &local), "family");
    address_guard_destroy (&guard);
}
