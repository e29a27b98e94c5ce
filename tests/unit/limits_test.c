//  limits — rates of principals, sessions, apps and addresses, on a clock that the test moves.

#include "client/limits.h"
#include "tables/edge_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000
#define START (100 * SECOND)
#define BURST LIMIT_BURST_SECONDS

static uint64_t s_rates[LIMIT_SCOPES][LIMIT_ACTS];
static limits_t *s_limits;

static void
s_begin (uint64_t idle_most)
{
    s_limits = limits_new (&(limits_config_t){ .per_second = s_rates, .idle_most = idle_most });
}

static limited_t
s_enter_from (const char *app, const char *user, role_t kind, const client_address_t *address)
{
    limited_t who = { .places = { NULL } };
    principal_t principal = { .kind = kind,
                              .app = text_of (app),
                              .user = text_of (user),
                              .session = TEXT_EMPTY };
    limits_enter (s_limits, &who, &principal, address, START);
    return who;
}

static limited_t
s_enter (const char *app, const char *user)
{
    return s_enter_from (app, user, ROLE_VISITOR, NULL);
}

static bool
s_may (const limited_t *who, limit_act_t act, uint64_t now)
{
    if (limits_wait_ms (s_limits, who, act, TEXT_EMPTY, now) > 0)
        return false;
    limits_take (s_limits, who, act, now);
    return true;
}

static unsigned
s_count (const limited_t *who, limit_act_t act, uint64_t now)
{
    unsigned count = 0;
    while (count < 100000 && s_may (who, act, now))
        count++;
    return count;
}

static void
s_end (limited_t *in, size_t count)
{
    for (size_t at = 0; at < count; at++)
        limits_leave (s_limits, &in[at], START + 1000 * SECOND);
    limits_destroy (&s_limits);
    cr_expect_eq (edge_metrics[EDGE_LIMITED], 0);
}

Test (limits, a_principal_is_one_whatever_its_connections)
{
    s_rates[LIMIT_PRINCIPAL][LIMIT_MESSAGE] = 2;
    s_begin (9);
    limited_t in[] = { s_enter ("a", "ann"), s_enter ("a", "ann"), s_enter ("a", "bob"),
                       s_enter ("b", "ann"), s_enter_from ("a", "ann", ROLE_AGENT, NULL) };
    cr_expect_eq (s_count (&in[0], LIMIT_MESSAGE, START), 2 * BURST);
    cr_expect_eq (s_count (&in[1], LIMIT_MESSAGE, START), 0);
    cr_expect_eq (limits_wait_ms (s_limits, &in[1], LIMIT_MESSAGE, TEXT_EMPTY, START), 500);
    cr_expect (s_may (&in[1], LIMIT_REQUEST, START), "that one has no limit");
    cr_expect (edge_limited[LIMIT_ROW_PRINCIPAL_MESSAGE] >= 2);
    //  Another user, another app's, and another kind is another one.
    for (size_t at = 2; at < 5; at++)
        cr_expect_eq (s_count (&in[at], LIMIT_MESSAGE, START), 2 * BURST, "%zu", at);
    cr_expect_eq (s_count (&in[1], LIMIT_MESSAGE, START + SECOND), 2);
    cr_expect_eq (s_count (&in[1], LIMIT_MESSAGE, START + 60 * SECOND), 2 * BURST);
    s_end (in, 5);
}

//  What is refused by one limit takes no token of the others.
Test (limits, an_app_is_all_of_its_principals)
{
    s_rates[LIMIT_PRINCIPAL][LIMIT_CONNECT] = 2;
    s_rates[LIMIT_APP][LIMIT_CONNECT] = 3;
    s_begin (9);
    limited_t in[] = { s_enter ("a", "ann"), s_enter ("a", "bob"), s_enter ("b", "bob") };
    cr_expect_eq (s_count (&in[0], LIMIT_CONNECT, START), 2 * BURST);
    for (unsigned at = 0; at < 50; at++)
        cr_expect_not (s_may (&in[0], LIMIT_CONNECT, START));
    cr_expect_eq (s_count (&in[1], LIMIT_CONNECT, START), BURST);
    cr_expect_eq (edge_limited[LIMIT_ROW_PRINCIPAL_CONNECT], 51);
    cr_expect_eq (edge_limited[LIMIT_ROW_APP_CONNECT], 1);
    cr_expect_eq (s_count (&in[2], LIMIT_CONNECT, START), 2 * BURST, "another app");
    s_end (in, 3);
}

//  Nobody is kept out of a session by those whom it did not let in.
Test (limits, a_session_counts_what_it_has_accepted)
{
    s_rates[LIMIT_SESSION][LIMIT_JOIN] = 1;
    s_rates[LIMIT_SESSION][LIMIT_MESSAGE] = 1;
    s_rates[LIMIT_SESSION][LIMIT_REQUEST] = 1;
    s_begin (9);
    text_t session = TEXT ("a/s"), other = TEXT ("a/t");
    limited_t in[] = { s_enter ("a", "ann"), s_enter ("a", "bob") };
    for (unsigned at = 0; at < 100; at++) {
        cr_expect_eq (limits_wait_ms (s_limits, &in[1], LIMIT_JOIN, session, START), 0);
        limits_take (s_limits, &in[1], LIMIT_JOIN, START);
    }
    for (unsigned at = 0; at < BURST; at++)
        limits_enter_session (s_limits, &in[0], session, START);
    cr_expect_eq (limits_wait_ms (s_limits, &in[1], LIMIT_JOIN, session, START), SECOND);
    cr_expect_eq (limits_wait_ms (s_limits, &in[1], LIMIT_JOIN, other, START), 0);
    cr_expect_eq (edge_limited[LIMIT_ROW_SESSION_JOIN], 1);
    //  Its messages are those of all that are in it.
    limits_enter_session (s_limits, &in[1], session, START);
    cr_expect_eq (s_count (&in[0], LIMIT_MESSAGE, START), BURST);
    cr_expect_eq (s_count (&in[1], LIMIT_MESSAGE, START), 0);
    limits_enter_session (s_limits, &in[1], other, START);
    cr_expect_eq (s_count (&in[1], LIMIT_MESSAGE, START), BURST);
    limits_enter_session (s_limits, &in[1], TEXT_EMPTY, START);
    cr_expect_eq (s_count (&in[1], LIMIT_MESSAGE, START), 100000, "it is in none");
    //  And the API's requests about it, from whomever.
    for (unsigned at = 0; at < BURST; at++) {
        cr_expect_eq (limits_wait_ms (s_limits, &in[1], LIMIT_REQUEST, other, START), 0);
        limits_take_of_session (s_limits, other, LIMIT_REQUEST, START);
    }
    cr_expect_eq (limits_wait_ms (s_limits, &in[1], LIMIT_REQUEST, other, START), SECOND);
    s_end (in, 2);
}

Test (limits, an_address_is_all_who_come_from_it)
{
    s_rates[LIMIT_ADDRESS][LIMIT_JOIN] = 1;
    s_begin (9);
    client_address_t address = { .is_forwarded = false }, same, other, proxy;
    cr_assert_eq (ip_address_read (&address.ip, TEXT ("2001:db8:0:1::1")), 0);
    same = other = proxy = address;
    cr_assert_eq (ip_address_read (&same.ip, TEXT ("2001:db8:0:1:2::1")), 0);
    cr_assert_eq (ip_address_read (&other.ip, TEXT ("2001:db8:0:2::1")), 0);
    proxy.is_exempt = true;
    limited_t in[] = { s_enter_from ("a", "ann", ROLE_VISITOR, &address),
                       s_enter_from ("b", "bob", ROLE_VISITOR, &same),
                       s_enter_from ("a", "ann", ROLE_VISITOR, &other),
                       s_enter_from ("a", "ann", ROLE_VISITOR, &proxy) };
    cr_expect_eq (s_count (&in[0], LIMIT_JOIN, START), BURST);
    cr_expect_eq (s_count (&in[1], LIMIT_JOIN, START), 0);
    cr_expect_eq (s_count (&in[2], LIMIT_JOIN, START), BURST);
    cr_expect_eq (s_count (&in[3], LIMIT_JOIN, START), 100000);
    s_end (in, 4);
}

Test (limits, none_without_limits)
{
    s_begin (9);
    client_address_t address = { .is_forwarded = false };
    limited_t who = s_enter_from ("a", "ann", ROLE_VISITOR, &address);
    limits_enter_session (s_limits, &who, TEXT ("a/s"), START);
    limits_take_of_session (s_limits, TEXT ("a/s"), LIMIT_REQUEST, START);
    cr_expect_eq (edge_metrics[EDGE_LIMITED], 0, "and no places");
    for (limit_act_t act = 0; act < LIMIT_ACTS; act++)
        cr_expect (s_may (&who, act, START));
    s_end (&who, 1);
}

Test (limits, the_fastest_and_the_slowest)
{
    s_rates[LIMIT_PRINCIPAL][LIMIT_MESSAGE] = LIMIT_PER_SECOND_MOST;
    s_rates[LIMIT_PRINCIPAL][LIMIT_JOIN] = 1;
    s_begin (9);
    limited_t who = s_enter ("a", "ann");
    cr_expect_eq (s_count (&who, LIMIT_MESSAGE, START), 100000);
    cr_expect_eq (s_count (&who, LIMIT_JOIN, START), BURST);
    cr_expect_eq (limits_wait_ms (s_limits, &who, LIMIT_JOIN, TEXT_EMPTY, START + 1), SECOND - 1);
    s_end (&who, 1);
}

Test (limits, coming_again_is_no_new_start)
{
    s_rates[LIMIT_PRINCIPAL][LIMIT_CONNECT] = 1;
    s_begin (9);
    limited_t who = s_enter ("a", "ann");
    cr_expect_eq (s_count (&who, LIMIT_CONNECT, START), BURST);
    limits_leave (s_limits, &who, START);
    who = s_enter ("a", "ann");
    cr_expect_eq (s_count (&who, LIMIT_CONNECT, START), 0);
    s_end (&who, 1);
}

//  Many names of users push out neither those who are there, nor apps, nor sessions; and when their
//  buckets are full again they are forgotten.
Test (limits, the_tables_are_bounded)
{
    enum { IDLE = 100 };
    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++)
        s_rates[scope][LIMIT_MESSAGE] = 1;
    s_rates[LIMIT_APP][LIMIT_MESSAGE] = 10000;
    s_begin (IDLE);
    limited_t stays = s_enter ("a", "stays"), idle = s_enter ("b", "idle");
    limits_enter_session (s_limits, &idle, TEXT ("b/s"), START);
    cr_expect_eq (s_count (&stays, LIMIT_MESSAGE, START), BURST);
    cr_expect_eq (s_count (&idle, LIMIT_MESSAGE, START), BURST);
    limits_leave (s_limits, &idle, START);
    for (unsigned at = 0; at < 10 * IDLE; at++) {
        char user[20];
        snprintf (user, sizeof user, "u-%u", at);
        limited_t who = s_enter ("a", user);
        cr_expect_eq (s_count (&who, LIMIT_MESSAGE, START), BURST);
        limits_leave (s_limits, &who, START);
        cr_expect_leq (edge_metrics[EDGE_LIMITED], IDLE + 5);
    }
    cr_expect_eq (s_count (&stays, LIMIT_MESSAGE, START), 0, "who is there is not forgotten");
    limited_t again[] = { s_enter ("a", "u-999"), s_enter ("a", "u-0"), s_enter ("b", "other") };
    cr_expect_eq (s_count (&again[0], LIMIT_MESSAGE, START), 0, "it is remembered");
    cr_expect_eq (s_count (&again[1], LIMIT_MESSAGE, START), BURST, "it is forgotten");
    limits_enter_session (s_limits, &again[2], TEXT ("b/s"), START);
    cr_expect_eq (s_count (&again[2], LIMIT_MESSAGE, START), 0, "so is its session");
    for (size_t at = 0; at < 3; at++)
        limits_leave (s_limits, &again[at], START);
    for (unsigned at = 0; at < IDLE; at++) {
        limited_t who = s_enter ("a", "one");
        limits_leave (s_limits, &who, START + 60 * SECOND);
    }
    cr_expect_leq (edge_metrics[EDGE_LIMITED], 6);
    s_end (&stays, 1);
}
