//  queue — visitors who wait for a person: who is found for whom, in which order, and what becomes
//  of it when somebody declines, lets it pass, or a postoffice dies.

#include "chat.h"
#include "desk.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    return strcmp (desk_sql (stack, sql), value) == 0;
}

#define EXPECT_SQL(stack, sql, value) cr_expect_str_eq (desk_sql (stack, sql), value)

//  Oldest first; who declines is not asked again for the same visitor, and has room for another.
Test (queue, in_order_and_who_declines)
{
    router_stack_t *stack = desk_begins ("", &(stack_plan_t){ .postoffices = 2 });
    desk_agent (stack, "ann", "available", 1, "sales");
    desk_agent (stack, "bob", "available", 1, "sales");
    static const char *const sessions[] = { "s1", "s2", "s3", "s4" };
    for (size_t at = 0; at < 4; at++) {
        desk_visitor (stack, sessions[at]);
        desk_offers (stack, sessions[at], "[\"group:sales\"]");
        if (at < 2)
            DESK_OFFERED (stack, sessions[at], (at == 0 ? "ann" : "bob"));
    }
    EXPECT_SQL (stack, "SELECT string_agg (session || waiting_for, ' ' ORDER BY session) FROM"
                       " session WHERE waiting_for IS NOT NULL",
                "demo/s3group:sales demo/s4group:sales");
    cr_expect_eq (desk_acts (stack, "s1", "ann", "decline"), 200);
    DESK_OFFERED (stack, "s3", "ann");
    cr_expect_eq (desk_acts (stack, "s2", "bob", "accept"), 200);
    EXPECT_SQL (stack, "SELECT offers FROM agent_loads_@V@ ('demo', '{bob}')", "0");
    EXPECT_SQL (stack, "SELECT sessions FROM agent_loads_@V@ ('demo', '{bob}')", "1");
    //  The one who waits longest is next.
    cr_expect_eq (desk_acts (stack, "s2", "bob", "release"), 200);
    DESK_OFFERED (stack, "s1", "bob");
    cr_expect_eq (desk_acts (stack, "s1", "bob", "decline"), 200);
    DESK_OFFERED (stack, "s4", "bob");
    //  Both have declined s1: nobody is left, and it is the bot's again.
    EVENTUALLY (20000, s_is (stack, "SELECT control_role || offer FROM session WHERE session ="
                                    " 'demo/s1'", "3"));
    cr_expect_eq (stack_metric (stack, "postoffice-",
                                "stentor_postoffice_offers_ended_total{result=\"declined\"}"),
                  2);
    cr_expect_eq (stack_metric (stack, "postoffice-",
                                "stentor_postoffice_offers_ended_total{result=\"accepted\"}"),
                  1);
    cr_expect_eq (stack_metric (stack, "postoffice-",
                                "stentor_postoffice_person_after_seconds_count"),
                  1);
    desk_ends (&stack);
}

//  An agent that answers nothing is away after so many offers, and it is said why.
//  A server opens the session with what the visitor says, and no connection has been there.
Test (queue, who_speaks_first_by_the_api_is_offered)
{
    router_stack_t *stack =
        desk_begins ("\"handoff\":[\"group:front-desk\"]", &(stack_plan_t){ .postoffices = 2 });
    desk_agent (stack, "otto", "available", 1, "front-desk");
    cr_assert_eq (desk_asks (stack, "POST sessions",
                             "{\"sessionId\":\"s1\",\"visitor\":{\"userId\":\"eve\"},"
                             "\"message\":{\"text\":\"is anybody there?\"}}"),
                  201);
    DESK_OFFERED (stack, "s1", "otto");
    desk_ends (&stack);
}

Test (queue, who_lets_offers_pass_is_away)
{
    router_stack_t *stack = desk_begins ("\"offerSeconds\":5,\"awayAfterMissed\":2",
                                         &(stack_plan_t){ .postoffices = 2 });
    desk_agent (stack, "ann", "available", 2, "sales");
    desk_visitor (stack, "s1");
    desk_offers (stack, "s1", "[\"group:sales\"]");
    DESK_OFFERED (stack, "s1", "ann");
    EVENTUALLY (20000,
                s_is (stack, "SELECT state || ' ' || missed || why FROM agent", "1 1managed"));
    desk_visitor (stack, "s2");
    desk_offers (stack, "s2", "[\"group:sales\"]");
    DESK_OFFERED (stack, "s2", "ann");
    EVENTUALLY (20000,
                s_is (stack, "SELECT state || ' ' || missed || why FROM agent", "0 2missed"));
    //  Nobody is there any more: said at once.
    desk_visitor (stack, "s3");
    desk_offers (stack, "s3", "[\"group:sales\"]");
    EVENTUALLY (5000, s_is (stack, "SELECT control_role || offer FROM session WHERE session ="
                                   " 'demo/s3'", "3"));
    //  Back again: the next one.
    desk_agent (stack, "ann", "available", 2, "sales");
    desk_visitor (stack, "s4");
    desk_offers (stack, "s4", "[\"group:sales\"]");
    DESK_OFFERED (stack, "s4", "ann");
    cr_expect_eq (desk_acts (stack, "s4", "ann", "accept"), 200);
    EXPECT_SQL (stack, "SELECT state || ' ' || missed FROM agent", "1 0");
    desk_ends (&stack);
}

//  Whoever answered a visitor last is asked first.
Test (queue, the_last_agent_is_first)
{
    router_stack_t *stack = desk_begins ("", &(stack_plan_t){ .postoffices = 1 });
    desk_agent (stack, "ann", "available", 2, "sales");
    desk_agent (stack, "bob", "available", 2, "sales");
    desk_visitor (stack, "s1");
    cr_assert_eq (desk_acts (stack, "s1", "bob", "take"), 200);
    cr_assert_eq (desk_acts (stack, "s1", "bob", "release"), 200);
    desk_offers (stack, "s1", "[\"group:sales\"]");
    DESK_OFFERED (stack, "s1", "bob");
    desk_ends (&stack);
}

//  Waiting visitors are told their place, as the bot's words.
Test (queue, who_waits_is_told_its_place)
{
    router_stack_t *stack = desk_begins ("\"queue\":{\"tell\":\"place\",\"everySeconds\":5}",
                                         &(stack_plan_t){ .postoffices = 2, .edges = 1 });
    desk_agent (stack, "ann", "available", 0, "sales");
    person_t *eve = visitor_opens (stack, 1, "eve", "s1");
    desk_offers (stack, "s1", "[\"group:sales\"]");
    hears (eve, "bot", "You are number 1 in the queue.");
    person_t *fay = visitor_opens (stack, 1, "fay", "s2");
    desk_offers (stack, "s2", "[\"group:sales\"]");
    hears (fay, "bot", "You are number 2 in the queue.");
    hears (eve, "bot", "You are number 1 in the queue.");
    leaves (&eve);
    leaves (&fay);
    desk_ends (&stack);
}

// ---------------------------------------------------------------------------------------------
//  A clock that is wrong (not with sanitizers: CMakeLists.txt)

#ifdef WRONG_CLOCK
static const char *const *
s_settings_of (void *owner, const char *name)
{
    static const char *const wrong[] = { "LD_PRELOAD=" WRONG_CLOCK, "WRONG_CLOCK_SECONDS=3600",
                                         NULL };
    static const char *const none[] = { NULL };
    (void) owner;
    return strcmp (name, "postoffice-1") == 0 ? wrong : none;
}

//  One replica is an hour ahead: who waits longest, how long an offer stands, and how long somebody
//  has waited are by the database's clock.
Test (queue, a_clock_that_is_an_hour_wrong)
{
    router_stack_t *stack =
        desk_begins ("\"offerSeconds\":5",
                     &(stack_plan_t){ .postoffices = 2, .settings_of = s_settings_of });
    //  Both postoffices have some of these.
    char session[20];
    desk_agent (stack, "zoe", "available", 0, "sales");
    for (int at = 0; at < 8; at++) {
        snprintf (session, sizeof session, "s%d", at);
        desk_visitor (stack, session);
        desk_offers (stack, session, "[\"group:sales\"]");
    }
    EXPECT_SQL (stack, "SELECT count (*) FROM session WHERE waiting_since IS NOT NULL AND"
                       " waiting_since NOT BETWEEN now () - interval '1 min' AND now ()",
                "0");
    desk_agent (stack, "ann", "available", 1, "sales");
    EVENTUALLY (20000, s_is (stack, "SELECT count (*) FROM session WHERE offered_to = 'agent:ann'"
                                    " AND session = (SELECT session FROM session WHERE"
                                    " waiting_since IS NOT NULL ORDER BY waiting_since LIMIT 1)",
                             "1"));
    EXPECT_SQL (stack, "SELECT count (*) FROM session WHERE offered_to <> '' AND offer_until"
                       " BETWEEN now () AND now () + interval '5 s'",
                "1");
    EVENTUALLY (15000, s_is (stack, "SELECT missed FROM agent WHERE user_id = 'ann'", "1"));
    EXPECT_SQL (stack, "SELECT count (*) FROM log WHERE event = 12 AND"
                       " (data::json->>'until')::timestamptz NOT BETWEEN stored_at AND"
                       " stored_at + interval '6 s'",
                "0");
    desk_ends (&stack);
}
#endif

// ---------------------------------------------------------------------------------------------
//  Postoffices that die

#define VISITORS 40

//  Agents take what they are offered, and are soon done with it.
static void
s_agents_work (router_stack_t *stack)
{
    char rows[4000];
    snprintf (rows, sizeof rows, "%s",
              desk_sql (stack, "SELECT string_agg (substr (session, 6) || ' ' || CASE WHEN"
                               " offered_to <> '' THEN substr (offered_to, 7) || ' accept' ELSE"
                               " control_user || ' release' END, ';') FROM session WHERE"
                               " offered_to <> '' OR control_role = 2"));
    for (char *row = strtok (rows, ";"); row; row = strtok (NULL, ";")) {
        char session[40], agent[40], what[20];
        if (sscanf (row, "%39s %39s %19s", session, agent, what) == 3)
            (void) desk_acts (stack, session, agent, what);
    }
}

//  While postoffices are killed, everybody gets an agent, and no agent has more than it can.
Test (queue, postoffices_die_while_agents_are_found, .timeout = 280)
{
    router_stack_t *stack = desk_begins ("\"offerSeconds\":20,\"waitSeconds\":200",
                                         &(stack_plan_t){ .postoffices = 3 });
    char session[20], name[20];
    desk_agent (stack, "ann", "available", 2, "sales");
    desk_agent (stack, "bob", "available", 1, "sales");
    desk_agent (stack, "cy", "available", 3, "sales");
    for (int at = 0; at < VISITORS; at++) {
        snprintf (session, sizeof session, "s%02d", at);
        desk_visitor (stack, session);
    }
    for (int at = 0; at < VISITORS; at++) {
        snprintf (session, sizeof session, "s%02d", at);
        desk_offers (stack, session, "[\"group:sales\"]");
    }
    unsigned round = 0;
    do {
        snprintf (name, sizeof name, "postoffice-%u", 1 + round++ % 3);
        stack_kill (stack, name);
        s_agents_work (stack);
        cr_assert (stack_start (stack, name));
        for (int turn = 0; turn < 3; turn++) {
            s_agents_work (stack);
            EXPECT_SQL (stack, "SELECT count (*) FROM agent a, agent_loads_@V@ ('demo',"
                               " ARRAY[a.user_id]) l WHERE l.sessions + l.offers > a.capacity",
                        "0");
        }
    } while (!s_is (stack, "SELECT count (*) FROM session WHERE waiting_since IS NOT NULL OR"
                           " control_role = 2", "0"));
    //  Each was answered by a person.
    EXPECT_SQL (stack, "SELECT count (DISTINCT session) FROM log WHERE event = 4 AND role = 2",
                "40");
    desk_ends (&stack);
}
