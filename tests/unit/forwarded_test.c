//  forwarded — for whom a proxy speaks, and whom it is not believed about.

#include "address/forwarded.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PEER "10.0.0.1"
#define TRUSTED "10.0.0.0/8, fd00::/8"

//  What comes of it: "address", "address exempt", "refused".
static const char *
s_client (const char *const *x_lines, const char *const *lines)
{
    static char word[CLIENT_ADDRESS_ROOM + 10];
    char room[CLIENT_ADDRESS_ROOM];
    trusted_proxies_t *trusted = trusted_proxies_new (TRUSTED);
    forwarded_list_t x = { .count = 0 }, forwarded = { .count = 0 };
    ip_address_t peer;
    client_address_t client;
    cr_assert (trusted && ip_address_read (&peer, TEXT (PEER)) == 0);
    for (; x_lines && *x_lines; x_lines++)
        forwarded_add_x (&x, text_of (*x_lines));
    for (; lines && *lines; lines++)
        forwarded_add (&forwarded, text_of (*lines));
    if (forwarded_client (trusted, &peer, &x, &forwarded, &client) != 0)
        snprintf (word, sizeof word, "refused");
    else
        snprintf (word, sizeof word, "%.*s%s", TEXT_ARGS (client_address_text (&client, room)),
                  client.is_exempt ? " exempt" : "");
    trusted_proxies_destroy (&trusted);
    return word;
}

typedef struct {
    const char *line, *client;
} row_t;

Test (forwarded, x_forwarded_for)
{
    static const row_t rows[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "192.0.2.1:4711", "192.0.2.1" },
        { "2001:db8::7", "2001:db8::7" },
        { "[2001:db8::7]", "2001:db8::7" },
        { "[2001:db8::7]:443", "2001:db8::7" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "[::ffff:192.0.2.1]:80", "192.0.2.1" },
        //  What the client says of itself stands before what the proxy says.
        { "203.0.113.9, 192.0.2.1", "192.0.2.1" },
        { "203.0.113.9,192.0.2.1", "192.0.2.1" },
        { "rubbish \"[, , 192.0.2.1", "192.0.2.1" },
        { "203.0.113.9, 192.0.2.1, 10.0.0.2, fd00::3", "192.0.2.1" },
        { "203.0.113.9, 192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1" },
        { "10.9.9.9, 192.0.2.1", "192.0.2.1" },
        //  Empty elements are none.
        { "", "10.0.0.1 exempt" },
        { " , ,", "10.0.0.1 exempt" },
        { ",192.0.2.1,, ,", "192.0.2.1" },
        //  Only proxies.
        { "10.0.0.2", "10.0.0.2 exempt" },
        { "10.0.0.3, 10.0.0.2", "10.0.0.3 exempt" },
        //  Hidden ones count as one, and have limits.
        { "unknown", "10.0.0.1" },
        { "203.0.113.9, UNKNOWN, 10.0.0.2", "10.0.0.2" },
        //  What must be read and cannot be.
        { "rubbish", "refused" },
        { "192.0.2.1 192.0.2.2", "refused" },
        { "192.0.2.1;10.0.0.2", "refused" },
        { "192.0.2.1, rubbish", "refused" },
        { "192.0.2.1, rubbish, 10.0.0.2", "refused" },
        { "192.0.2.1:", "refused" },
        { "192.0.2.1:x", "refused" },
        { "192.0.2.1:123456", "refused" },
        { "192.0.2.1:1:2", "refused" },
        { "192.0.2", "refused" },
        { "192.0.2.256", "refused" },
        { "192.0.2.01", "refused" },
        { "192.0.2.0/24", "refused" },
        { "0xc0000201", "refused" },
        { "[192.0.2.1]", "refused" },
        { "[2001:db8::7", "refused" },
        { "2001:db8::7]", "refused" },
        { "[2001:db8::7]443", "refused" },
        { "[]", "refused" },
        { "[:]", "refused" },
        { "fe80::1%eth0", "refused" },
        { "\"192.0.2.1\"", "refused" },
        { "_hidden", "refused" },
        { "for=192.0.2.1", "refused" },
        { "localhost", "refused" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_expect_str_eq (s_client ((const char *const[]){ rows[row].line, NULL }, NULL),
                          rows[row].client, "%s", rows[row].line);
}

Test (forwarded, rfc_7239)
{
    static const row_t rows[] = {
        { "for=192.0.2.1", "192.0.2.1" },
        { "For=\"192.0.2.1\"", "192.0.2.1" },
        { "for=\"192.0.2.1:4711\"", "192.0.2.1" },
        { "for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17" },
        { "for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17" },
        { "for=\"[::ffff:192.0.2.1]:_port\"", "192.0.2.1" },
        { "proto=http;FOR=192.0.2.1;by=203.0.113.43;host=a", "192.0.2.1" },
        { "for=192.0.2.1; proto=https", "192.0.2.1" },
        { ";for=192.0.2.1;;", "192.0.2.1" },
        { "for=203.0.113.9, for=192.0.2.1", "192.0.2.1" },
        { "for=203.0.113.9,for=192.0.2.1,for=10.0.0.2", "192.0.2.1" },
        { "for=rubbish, for=192.0.2.1", "192.0.2.1" },
        { ", for=192.0.2.1, ,", "192.0.2.1" },
        { "for=192.0.2.1;host=\"a,for=203.0.113.9;\\\"\"", "192.0.2.1" },
        { "", "10.0.0.1 exempt" },
        { "for=10.0.0.2", "10.0.0.2 exempt" },
        //  Hidden, with what hides them; and who does not say for whom hides it.
        { "for=unknown", "10.0.0.1" },
        { "for=\"unknown:80\"", "10.0.0.1" },
        { "for=_hidden", "10.0.0.1" },
        { "for=\"_SEVKISEK\", for=10.0.0.2", "10.0.0.2" },
        { "for=\"_a.b-c_:_x\"", "10.0.0.1" },
        { "proto=https", "10.0.0.1" },
        { ";", "10.0.0.1" },
        { "for=192.0.2.1, proto=https", "10.0.0.1" },
        //  Malformed.
        { "192.0.2.1", "refused" },
        { "for", "refused" },
        { "for=", "refused" },
        { "for=\"\"", "refused" },
        { "=192.0.2.1", "refused" },
        { "for =192.0.2.1", "refused" },
        { "for= 192.0.2.1", "refused" },
        { "for=192.0.2.1:80", "refused" },
        { "for=2001:db8::7", "refused" },
        { "for=[2001:db8::7]", "refused" },
        { "for=\"2001:db8::7\"", "refused" },
        { "for=\"[2001:db8::7\"", "refused" },
        { "for=\"[192.0.2.1]\"", "refused" },
        { "for=\"192.0.2.1", "refused" },
        { "for=\"192.0.2.1\\\"", "refused" },
        { "for=\"\\192.0.2.1\"", "refused" },
        { "for=\"192.0.2.1\"x", "refused" },
        { "for=192.0.2.1;for=192.0.2.1", "refused" },
        { "for=192.0.2.1 for=192.0.2.1", "refused" },
        { "for=_", "refused" },
        { "for=\"_x:\"", "refused" },
        { "for=\"_x:_\"", "refused" },
        { "for=\"_x y\"", "refused" },
        //  Here the end of an element is not where it seems to be: none of it is believed.
        { "for=\"203.0.113.9, for=192.0.2.1", "refused" },
        { "x\", for=192.0.2.1", "refused" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_expect_str_eq (s_client (NULL, (const char *const[]){ rows[row].line, NULL }),
                          rows[row].client, "%s", rows[row].line);
}

//  One list, in the order of the lines: HAProxy adds a line of its own behind the client's.
Test (forwarded, several_lines)
{
    const char *const x[] = { "203.0.113.9", "198.51.100.1, 192.0.2.1", "10.0.0.2", NULL };
    cr_expect_str_eq (s_client (x, NULL), "192.0.2.1");
    const char *const lines[] = { "for=203.0.113.9", "for=192.0.2.1", "for=10.0.0.2", NULL };
    cr_expect_str_eq (s_client (NULL, lines), "192.0.2.1");
    //  A quoted string ends in its line.
    const char *const split[] = { "for=\"203.0.113.9", "\",for=192.0.2.1", NULL };
    cr_expect_str_eq (s_client (NULL, split), "refused");
}

//  A proxy that writes the one hands on the other as the client has sent it.
Test (forwarded, both_headers)
{
    static const struct {
        const char *x, *forwarded, *client;
    } rows[] = {
        { "192.0.2.1", "for=192.0.2.1", "192.0.2.1" },
        { "203.0.113.9, 192.0.2.1", "for=192.0.2.1, for=10.0.0.2", "192.0.2.1" },
        { "192.0.2.1", "for=203.0.113.9", "refused" },
        { "192.0.2.1", "for=203.0.113.9;", "refused" },
        { "192.0.2.1", "for=", "refused" },
        { "rubbish", "for=192.0.2.1", "refused" },
        { "192.0.2.1", "", "refused" },
        { "", "for=192.0.2.1", "refused" },
        { "unknown", "for=10.0.0.1", "refused" },
        { "unknown", "for=_x", "10.0.0.1" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_expect_str_eq (s_client ((const char *const[]){ rows[row].x, NULL },
                                    (const char *const[]){ rows[row].forwarded, NULL }),
                          rows[row].client, "%s | %s", rows[row].x, rows[row].forwarded);
    cr_expect_str_eq (s_client (NULL, NULL), "10.0.0.1 exempt");
}

Test (forwarded, long_ways)
{
    char line[2000] = "192.0.2.1";
    for (unsigned hops = 1; hops < FORWARDED_HOPS_MAX; hops++)
        strcat (line, ",10.0.0.2");
    cr_expect_str_eq (s_client ((const char *const[]){ line, NULL }, NULL), "192.0.2.1");
    strcat (line, ",10.0.0.2");
    cr_expect_str_eq (s_client ((const char *const[]){ line, NULL }, NULL), "refused");
    strcat (line, ",192.0.2.7");
    cr_expect_str_eq (s_client ((const char *const[]){ line, NULL }, NULL), "192.0.2.7");
}

Test (forwarded, whom_to_trust)
{
    static const char *const wrong[] = { "10.0.0.0/8,x", "10.0.0.1/8", "localhost", "*",
                                         "10.0.0.0/8;10.0.0.1" };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++)
        cr_expect_null (trusted_proxies_new (wrong[row]), "%s", wrong[row]);
    char many[1000] = "";
    for (unsigned at = 0; at < TRUSTED_PROXIES_MAX; at++)
        strcat (many, "10.0.0.1,");
    trusted_proxies_t *trusted = trusted_proxies_new (many);
    cr_expect (trusted);
    trusted_proxies_destroy (&trusted);
    strcat (many, "10.0.0.1");
    cr_expect_null (trusted_proxies_new (many));
    trusted = trusted_proxies_new (" ,, ");
    ip_address_t ip;
    cr_assert_eq (ip_address_read (&ip, TEXT ("10.0.0.1")), 0);
    cr_expect (trusted && !trusted_proxies_hold (trusted, &ip), "nobody is trusted");
    trusted_proxies_destroy (&trusted);
    trusted = trusted_proxies_new ("192.0.2.1\t10.0.0.0/8");
    cr_expect (trusted_proxies_hold (trusted, &ip));
    trusted_proxies_destroy (&trusted);
}
