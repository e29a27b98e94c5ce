//  Where a connection string leads: names become addresses, the rest stays as it is.

#include "pg/pg_address.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    uv_loop_t loop;
    pg_address_t *address;
    unsigned resolved;
} way_t;

static void
s_on_resolved (void *owner)
{
    way_t *way = owner;
    way->resolved++;
}

static void
s_begin (way_t *way, const char *url)
{
    *way = (way_t){ .resolved = 0 };
    uv_loop_init (&way->loop);
    way->address = pg_address_new (&way->loop, url, s_on_resolved, way);
}

static void
s_end (way_t *way)
{
    pg_address_destroy (&way->address);
    uv_run (&way->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&way->loop), 0);
}

//  Resolved at once, with this failure (part of it).
static void
s_expect_failure (const char *url, const char *failure)
{
    way_t way;
    s_begin (&way, url);
    cr_assert (pg_address_is_resolved (way.address));
    cr_assert_not_null (pg_address_failure (way.address), "%s", url);
    cr_assert_not_null (strstr (pg_address_failure (way.address), failure), "%s: %s", url,
                        pg_address_failure (way.address));
    s_end (&way);
}

//  Resolved at once, to these places.
static void
s_expect_places (const char *url, size_t first, const char *hosts, const char *addresses,
                 const char *ports)
{
    way_t way;
    s_begin (&way, url);
    cr_assert (pg_address_is_resolved (way.address));
    cr_assert_null (pg_address_failure (way.address));
    pg_places_t places = pg_address_places (way.address, first);
    cr_assert_str_eq (places.host, hosts);
    cr_assert_str_eq (places.hostaddr, addresses);
    cr_assert_str_eq (places.port, ports);
    cr_assert_eq (way.resolved, 0);
    s_end (&way);
}

Test (pg_address, what_needs_no_look_up)
{
    s_expect_places ("postgres://u:p@127.0.0.1:99/d", 0, "127.0.0.1", "", "99");
    s_expect_places ("postgres://u@[::1]/d", 0, "::1", "", "");
    s_expect_places ("host=/run/pg dbname=d", 0, "/run/pg", "", "");
    s_expect_places ("dbname=d", 0, "", "", "");
    s_expect_places ("host=named hostaddr=10.0.0.1", 0, "named", "10.0.0.1", "");
    s_expect_places ("hostaddr=10.0.0.1,10.0.0.2 port=7", 0, ",", "10.0.0.1,10.0.0.2", "7,7");
    s_expect_places ("host=1.1.1.1,/s,2.2.2.2 port=1,,3", 0, "1.1.1.1,/s,2.2.2.2", ",,", "1,,3");
}

Test (pg_address, the_places_are_a_circle)
{
    s_expect_places ("host=1.1.1.1,2.2.2.2,3.3.3.3 port=1,2,3", 1, "2.2.2.2,3.3.3.3,1.1.1.1", ",,",
                     "2,3,1");
    s_expect_places ("host=1.1.1.1,2.2.2.2,3.3.3.3 port=1,2,3", 5, "3.3.3.3,1.1.1.1,2.2.2.2", ",,",
                     "3,1,2");
}

//  A password that was not percent-encoded becomes a host, a port or nonsense; it is not quoted.
Test (pg_address, complaints_quote_nothing)
{
    s_expect_failure ("postgres://u:top@secret@h/d", "a host that is none");
    s_expect_failure ("postgres://u:se/cret@h/d", "a port that is none");
    s_expect_failure ("postgres://u:secret@[h/d", "is no connection string");
    s_expect_failure ("not a string", "is no connection string");
    s_expect_failure ("host=a,b port=1,2,3", "not as many");
    s_expect_failure ("host=a,b hostaddr=10.0.0.1", "not as many");
    s_expect_failure ("host=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "too many hosts");
}

Test (pg_address, a_name_becomes_all_of_its_addresses)
{
    way_t way;
    s_begin (&way, "postgres://u:p@localhost:7,10.0.0.9:8/d");
    cr_assert_not (pg_address_is_resolved (way.address));
    uv_run (&way.loop, UV_RUN_DEFAULT);
    cr_assert_eq (way.resolved, 1);
    cr_assert (pg_address_is_resolved (way.address));
    cr_assert_null (pg_address_failure (way.address));
    pg_places_t places = pg_address_places (way.address, 0);
    cr_assert_not_null (strstr (places.host, "localhost"));
    cr_assert_not_null (strstr (places.hostaddr, "127.0.0.1"));
    size_t names = 0, last = strlen (places.host) - strlen (",10.0.0.9");
    for (const char *at = places.host; (at = strstr (at, "localhost")); at++)
        names++;
    cr_assert_str_eq (places.host + last, ",10.0.0.9");
    cr_assert_eq (strlen (places.port), 2 * names + 1, "one port for each");
    s_end (&way);
}

Test (pg_address, a_name_that_is_not_there)
{
    way_t way;
    //  Longer than any label may be: nobody needs to be asked.
    s_begin (&way, "host=an-impossibly-long-label-that-no-server-of-names-would-ever-have-in-it-x");
    while (!pg_address_is_resolved (way.address))
        uv_run (&way.loop, UV_RUN_ONCE);
    cr_assert_not_null (pg_address_failure (way.address));
    s_end (&way);
}

Test (pg_address, may_end_while_looking)
{
    way_t way;
    s_begin (&way, "host=localhost,localhost,localhost,localhost,localhost,localhost");
    s_end (&way);
    cr_assert_eq (way.resolved, 0);
}
