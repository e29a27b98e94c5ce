//  callers — limits of each address, on a clock that the test moves.

#include "address/callers.h"
#include "tables/edge_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000
#define START (100 * SECOND)

static client_address_t
s_address (const char *text)
{
    client_address_t address = { .is_forwarded = false };
    cr_assert_eq (ip_address_read (&address.ip, text_of (text)), 0);
    return address;
}

static caller_t
s_enter (callers_t *callers, const char *text, uint64_t now)
{
    caller_t caller = { .place = NULL };
    client_address_t address = s_address (text);
    callers_enter (callers, &caller, &address, now);
    return caller;
}

static bool
s_may (callers_t *callers, const caller_t *caller, caller_act_t act, uint64_t now)
{
    if (callers_wait_ms (callers, caller, act, now) > 0)
        return false;
    callers_take (callers, caller, act, now);
    return true;
}

Test (callers, silent_and_open_sockets)
{
    callers_t *callers =
        callers_new (&(callers_config_t){ .sockets_most = 4, .silent_most = 2, .idle_most = 9 });
    caller_t in[5], other = s_enter (callers, "192.0.2.2", START);
    for (unsigned at = 0; at < 3; at++) {
        in[at] = s_enter (callers, "192.0.2.1", START);
        cr_expect_eq (s_may (callers, &in[at], CALLER_SOCKET, START), at < 2, "%u", at);
    }
    cr_expect_eq (edge_metrics[EDGE_ADDRESS_SILENT_MOST], 1);
    cr_expect (s_may (callers, &other, CALLER_SOCKET, START), "others notice nothing");
    callers_leave (callers, &in[2], START);
    callers_speak (callers, &in[0]);
    callers_speak (callers, &in[1]);
    callers_speak (callers, &in[1]);
    for (unsigned at = 2; at < 4; at++) {
        in[at] = s_enter (callers, "192.0.2.1", START);
        cr_expect (s_may (callers, &in[at], CALLER_SOCKET, START));
        callers_speak (callers, &in[at]);
    }
    in[4] = s_enter (callers, "::ffff:192.0.2.1", START);
    cr_expect_eq (callers_wait_ms (callers, &in[4], CALLER_SOCKET, START), 10 * SECOND);
    cr_expect_eq (edge_metrics[EDGE_ADDRESS_SOCKETS_MOST], 1);
    callers_leave (callers, &in[0], START);
    cr_expect (s_may (callers, &in[4], CALLER_SOCKET, START), "one has gone");
    for (unsigned at = 0; at < 5; at++)
        callers_leave (callers, &in[at], START);
    callers_leave (callers, &other, START);
    callers_destroy (&callers);
    cr_expect_eq (edge_metrics[EDGE_ADDRESSES], 0);
}

Test (callers, buckets_refill)
{
    callers_t *callers = callers_new (
        &(callers_config_t){ .per_second = { [CALLER_REQUEST] = 2 }, .idle_most = 9 });
    caller_t caller = s_enter (callers, "192.0.2.1", START);
    unsigned count = 0;
    while (s_may (callers, &caller, CALLER_REQUEST, START))
        count++;
    cr_expect_eq (count, 2 * CALLER_BURST_SECONDS);
    cr_expect_eq (callers_wait_ms (callers, &caller, CALLER_REQUEST, START), 500);
    cr_expect (s_may (callers, &caller, CALLER_UPGRADE, START), "that one has no limit");
    //  Coming again is no new start.
    callers_leave (callers, &caller, START);
    caller = s_enter (callers, "192.0.2.1", START + 100);
    cr_expect_eq (callers_wait_ms (callers, &caller, CALLER_REQUEST, START + 100), 400);
    cr_expect (s_may (callers, &caller, CALLER_REQUEST, START + 500));
    cr_expect_not (s_may (callers, &caller, CALLER_REQUEST, START + 500));
    for (count = 0; s_may (callers, &caller, CALLER_REQUEST, START + 60 * SECOND);)
        count++;
    cr_expect_eq (count, 2 * CALLER_BURST_SECONDS, "full, and no more");
    callers_leave (callers, &caller, START);
    callers_destroy (&callers);
}

Test (callers, ipv6_counts_by_64)
{
    callers_t *callers = callers_new (&(callers_config_t){ .silent_most = 1, .idle_most = 9 });
    caller_t first = s_enter (callers, "2001:db8:0:1::1", START);
    caller_t same = s_enter (callers, "2001:db8:0:1:ffff::2", START);
    caller_t other = s_enter (callers, "2001:db8:0:2::1", START);
    cr_expect_not (s_may (callers, &same, CALLER_SOCKET, START));
    cr_expect (s_may (callers, &other, CALLER_SOCKET, START));
    callers_leave (callers, &first, START);
    callers_leave (callers, &same, START);
    callers_leave (callers, &other, START);
    callers_destroy (&callers);
}

Test (callers, a_trusted_proxy_has_no_limits)
{
    callers_t *callers = callers_new (&(callers_config_t){
        .sockets_most = 1, .silent_most = 1, .per_second = { 1, 1, 1 }, .idle_most = 9 });
    caller_t in[50];
    client_address_t proxy = s_address ("10.0.0.1");
    proxy.is_exempt = true;
    for (unsigned at = 0; at < 50; at++) {
        in[at] = (caller_t){ .place = NULL };
        callers_enter (callers, &in[at], &proxy, START);
        cr_expect (s_may (callers, &in[at], CALLER_SOCKET, START));
    }
    cr_expect_eq (edge_metrics[EDGE_ADDRESSES], 0, "and no place");
    for (unsigned at = 0; at < 50; at++)
        callers_leave (callers, &in[at], START);
    callers_destroy (&callers);
}

Test (callers, none_without_limits)
{
    callers_t *callers = callers_new (&(callers_config_t){ .idle_most = 9 });
    caller_t caller = s_enter (callers, "192.0.2.1", START);
    cr_expect_null (caller.place);
    for (caller_act_t act = 0; act < CALLER_ACTS; act++)
        cr_expect (s_may (callers, &caller, act, START));
    callers_leave (callers, &caller, START);
    callers_destroy (&callers);
}

//  The table is bounded: those without sockets go, the longest idle first; those with sockets stay.
Test (callers, the_table_is_bounded)
{
    enum { IDLE = 100 };
    callers_t *callers = callers_new (
        &(callers_config_t){ .per_second = { [CALLER_REQUEST] = 1 }, .idle_most = IDLE });
    caller_t stays = s_enter (callers, "198.51.100.1", START);
    cr_expect (s_may (callers, &stays, CALLER_REQUEST, START));
    for (unsigned at = 0; at < 10 * IDLE; at++) {
        char text[20];
        snprintf (text, sizeof text, "192.0.%u.%u", at / 250, at % 250);
        caller_t caller = s_enter (callers, text, START);
        //  Each has a bucket to be remembered for.
        while (s_may (callers, &caller, CALLER_REQUEST, START))
            ;
        callers_leave (callers, &caller, START);
        cr_expect_leq (edge_metrics[EDGE_ADDRESSES], IDLE + 1);
    }
    cr_expect_eq (edge_metrics[EDGE_ADDRESSES], IDLE + 1);
    caller_t last = s_enter (callers, "192.0.3.249", START);
    caller_t first = s_enter (callers, "192.0.0.0", START);
    cr_expect_not (s_may (callers, &last, CALLER_REQUEST, START), "it is remembered");
    cr_expect (s_may (callers, &first, CALLER_REQUEST, START), "it is forgotten");
    callers_leave (callers, &last, START);
    callers_leave (callers, &first, START);
    //  When their buckets are full again there is nothing to remember, and they go two by two.
    for (unsigned at = 0; at < IDLE; at++) {
        caller_t caller = s_enter (callers, "203.0.113.1", START + 60 * SECOND);
        callers_leave (callers, &caller, START + 60 * SECOND);
    }
    cr_expect_leq (edge_metrics[EDGE_ADDRESSES], 2);
    callers_leave (callers, &stays, START);
    callers_destroy (&callers);
    cr_expect_eq (edge_metrics[EDGE_ADDRESSES], 0);
}
