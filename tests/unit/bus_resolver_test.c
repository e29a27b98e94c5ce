//  bus_resolver — how many addresses are used, and which. The resolver is a stand-in in this file,
//  which takes the place of libuv's at linking.

#include "bus/bus_resolver.h"

#include "bus/bus_metrics.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MOST 8
#define FOUND_MOST 1000

//  Questions that are open.
static struct {
    uv_getaddrinfo_t *request;
    uv_getaddrinfo_cb callback;
} s_questions[NAMES_MOST];
static unsigned s_count;

static char s_found[FOUND_MOST][BUS_ADDRESS_MAX];
static unsigned s_found_count;

int
uv_getaddrinfo (uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb callback,
                const char *node, const char *service, const struct addrinfo *hints)
{
    (void) loop, (void) node, (void) service, (void) hints;
    s_questions[s_count].request = request;
    s_questions[s_count++].callback = callback;
    return 0;
}

void
uv_freeaddrinfo (struct addrinfo *info)
{
    (void) info;
}

static void
s_on_found (void *owner, const char *address)
{
    (void) owner;
    cr_assert_lt (s_found_count, (unsigned) FOUND_MOST);
    snprintf (s_found[s_found_count++], BUS_ADDRESS_MAX, "%s", address);
}

//  10.0.<net>.<first> and so many on, in falling order when `step` is −1.
static void
s_answer (unsigned question, unsigned net, int first, unsigned count, int step)
{
    static struct sockaddr_in addresses[FOUND_MOST];
    static struct addrinfo infos[FOUND_MOST];
    s_found_count = 0;
    for (unsigned at = 0; at < count; at++) {
        uint32_t ip = (10u << 24) + (net << 8) + (uint32_t) (first + (int) at * step);
        addresses[at] = (struct sockaddr_in){ .sin_family = AF_INET,
                                              .sin_addr.s_addr = htonl (ip) };
        infos[at] = (struct addrinfo){ .ai_addr = (struct sockaddr *) &addresses[at],
                                       .ai_next = at + 1 < count ? &infos[at + 1] : NULL };
    }
    s_questions[question].callback (s_questions[question].request, 0, infos);
}

static bus_resolver_t *
s_directory (uv_loop_t *loop, const char *hosts)
{
    uv_loop_init (loop);
    s_count = 0;
    bus_resolver_t *self = bus_resolver_new (loop, hosts, s_on_found, NULL);
    cr_assert (self);
    uv_run (loop, UV_RUN_NOWAIT);
    return self;
}

static void
s_end (uv_loop_t *loop, bus_resolver_t *self)
{
    bus_resolver_destroy (&self);
    uv_run (loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (loop), 0);
}

static int64_t
s_unused (void)
{
    return bus_counts[BUS_COUNT_ADDRESSES_UNUSED];
}

Test (bus_resolver, the_order_of_the_answer_does_not_matter)
{
    uv_loop_t loop;
    for (int step = -1; step <= 1; step += 2) {
        bus_resolver_t *self = s_directory (&loop, "host:7001");
        s_answer (0, 0, step == 1 ? 100 : 199, 100, step);
        cr_assert_eq (s_found_count, BUS_ADDRESSES_OF_HOST);
        cr_assert_str_eq (s_found[0], "tcp://10.0.0.100:7001");
        cr_assert_str_eq (s_found[BUS_ADDRESSES_OF_HOST - 1], "tcp://10.0.0.163:7001");
        cr_assert (bus_resolver_has (self, "tcp://10.0.0.163:7001"));
        cr_assert (!bus_resolver_has (self, "tcp://10.0.0.164:7001"));
        cr_assert_eq (s_unused (), 36);
        s_end (&loop, self);
        cr_assert_eq (s_unused (), 0);
    }
}

Test (bus_resolver, all_hosts_together)
{
    uv_loop_t loop;
    bus_resolver_t *self = s_directory (&loop, "a:1,b:1,c:1,d:1,e:1");
    for (unsigned question = 1; question < 5; question++) {
        s_answer (question, question, 100, BUS_ADDRESSES_OF_HOST, 1);
        cr_assert_eq (s_found_count, BUS_ADDRESSES_OF_HOST);
    }
    cr_assert_eq (s_unused (), 0);
    cr_assert (bus_resolver_has (self, "tcp://10.0.4.163:1"));
    s_answer (0, 0, 100, 10, 1); //  these stand before the others
    cr_assert_eq (s_found_count, 10);
    cr_assert_eq (s_unused (), 10);
    cr_assert (bus_resolver_has (self, "tcp://10.0.4.153:1"));
    cr_assert (!bus_resolver_has (self, "tcp://10.0.4.154:1"));
    s_end (&loop, self);
}

Test (bus_resolver, what_is_gone_is_not_counted_any_more)
{
    uv_loop_t loop;
    bus_resolver_t *self = s_directory (&loop, "host:7001");
    s_answer (0, 0, 100, 100, 1);
    cr_assert_eq (s_unused (), 36);
    uv_run (&loop, UV_RUN_NOWAIT);
    while (s_count < 2) //  it asks again
        uv_run (&loop, UV_RUN_ONCE);
    s_answer (1, 0, 100, 3, 1);
    cr_assert_eq (s_found_count, 3);
    cr_assert_eq (s_unused (), 0);
    s_end (&loop, self);
}
