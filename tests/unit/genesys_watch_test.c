//  Who is with a visitor at Genesys, and what follows from it: every case of the fact sheet, and
//  every state with every fact.

#include "translation/watch_decision.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  A leg that began at minute M of an hour, and ended at another (0: it has not).
#define LEG(id, purpose, state, began, more)                                                       \
    "{\"id\":\"" id "\",\"purpose\":\"" purpose "\",\"state\":\"" state                            \
    "\",\"connectedTime\":\"2026-11-22T14:" began ":00.000Z\"" more "}"
#define ENDED(at, why) ",\"endTime\":\"2026-11-22T14:" at ":00.000Z\",\"disconnectType\":\""       \
    why "\""
#define NAMED(name, user) ",\"name\":\"" name "\",\"user\":{\"id\":\"" user "\"}"
#define LEGS(...) "{\"id\":\"c-1\",\"participants\":[" __VA_ARGS__ "]}"

#define CUSTOMER LEG ("v1", "customer", "connected", "00", "")
#define CUSTOMER_OUT LEG ("v1", "customer", "disconnected", "00", ENDED ("30", "client"))
#define ANN LEG ("a1", "agent", "connected", "05", NAMED ("Ann", "u-1"))
#define ANN_OUT(why) LEG ("a1", "agent", "disconnected", "05", NAMED ("Ann",                       \
    "u-1") ENDED ("10", why))
#define QUEUE LEG ("q1", "acd", "connected", "01", "")
#define QUEUE_OUT LEG ("q1", "acd", "terminated", "01", ENDED ("05", "transfer"))

static const struct {
    const char *what, *body;
    presence_t presence;
    const char *person;
} s_answers[] = {
    { "nobody yet", LEGS (CUSTOMER), PRESENCE_NOBODY, "" },
    { "a flow", LEGS (CUSTOMER "," LEG ("f", "workflow", "connected", "01", "")),
          PRESENCE_FLOW, "" },
    { "a bot", LEGS (CUSTOMER "," LEG ("f", "botflow", "connected", "01", "")), PRESENCE_FLOW, "" },
    { "an unknown purpose", LEGS (CUSTOMER "," LEG ("f", "juggler", "connected", "01", "")),
      PRESENCE_FLOW, "" },
    { "an unknown purpose in an unknown state",
      LEGS (CUSTOMER "," LEG ("f", "juggler", "juggling", "01", "")), PRESENCE_FLOW, "" },
    { "in a queue", LEGS (CUSTOMER "," QUEUE), PRESENCE_QUEUED, "" },
    { "an agent is called", LEGS (CUSTOMER "," QUEUE "," LEG ("a1", "agent", "alerting", "02", "")),
      PRESENCE_ALERTING, "" },
    { "an agent is dialed", LEGS (CUSTOMER "," LEG ("a1", "user", "dialing", "02", "")),
      PRESENCE_ALERTING, "" },
    { "an agent is there", LEGS (CUSTOMER "," QUEUE_OUT "," ANN), PRESENCE_CONNECTED, "a1" },
    { "a user is there", LEGS (CUSTOMER "," LEG ("a1", "user", "connected", "05", "")),
      PRESENCE_CONNECTED, "a1" },
    { "other capitals", LEGS (CUSTOMER "," LEG ("a1", "Agent", "CONNECTED", "05", "")),
      PRESENCE_CONNECTED, "a1" },
    { "an agent's conversation is parked", LEGS (CUSTOMER "," LEG ("a1", "agent", "parked",
          "05", "")),
      PRESENCE_CONNECTED, "a1" },
    { "a supervisor only listens",
      LEGS (CUSTOMER "," QUEUE "," LEG ("s", "agent", "connected", "06",
                                        ",\"monitoredParticipantId\":\"a1\"")),
      PRESENCE_QUEUED, "" },
    { "of two agents the last one counts",
      LEGS (CUSTOMER "," LEG ("a2", "agent", "connected", "09", "") "," ANN), PRESENCE_CONNECTED,
      "a2" },
    { "the agent has left", LEGS (CUSTOMER "," QUEUE_OUT "," ANN_OUT ("client")),
          PRESENCE_LEFT, "" },
    { "the agent's leg was terminated",
      LEGS (CUSTOMER "," LEG ("a1", "agent", "terminated", "05", ENDED ("10", "system"))),
      PRESENCE_LEFT, "" },
    { "the agent has left, and a flow goes on",
      LEGS (CUSTOMER "," ANN_OUT ("client") "," LEG ("f", "workflow", "connected", "10", "")),
      PRESENCE_LEFT, "" },
    { "transfer to a queue",
      LEGS (CUSTOMER "," ANN_OUT ("transfer") "," LEG ("q2", "acd", "connected", "10", "")),
      PRESENCE_QUEUED, "" },
    { "transfer, and nobody yet", LEGS (CUSTOMER "," ANN_OUT ("transfer")), PRESENCE_PASSING, "" },
    { "consulted transfer", LEGS (CUSTOMER "," ANN_OUT ("transfer.consult")), PRESENCE_PASSING,
          "" },
    { "transfer to an agent who is called",
      LEGS (CUSTOMER "," ANN_OUT ("transfer") "," LEG ("a2", "agent", "alerting", "10", "")),
      PRESENCE_ALERTING, "" },
    { "takeover by a supervisor",
      LEGS (CUSTOMER "," ANN_OUT ("takeover") "," LEG ("s1", "user", "connected", "10", "")),
      PRESENCE_CONNECTED, "s1" },
    { "takeover, and nobody yet", LEGS (CUSTOMER "," ANN_OUT ("takeover")), PRESENCE_PASSING, "" },
    { "transferred once, and then left",
      LEGS (CUSTOMER "," ANN_OUT ("transfer") ","
            LEG ("a2", "agent", "disconnected", "11", ENDED ("15", "client"))), PRESENCE_LEFT, "" },
    { "an unknown reason is no transfer", LEGS (CUSTOMER "," ANN_OUT ("transferred")),
          PRESENCE_LEFT,
      "" },
    { "an agent who was called and did not answer was not there",
      LEGS (CUSTOMER ",{\"id\":\"a1\",\"purpose\":\"agent\",\"state\":\"disconnected\","
            "\"startAlertingTime\":\"2026-11-22T14:05:00.000Z\","
            "\"endTime\":\"2026-11-22T14:06:00.000Z\",\"disconnectType\":\"transfer.noanswer\"}"),
      PRESENCE_NOBODY, "" },
    { "the customer has left", LEGS (CUSTOMER_OUT "," ANN), PRESENCE_ENDED, "" },
    { "the customer's leg was terminated",
      LEGS (LEG ("v1", "customer", "terminated", "00", "")), PRESENCE_ENDED, "" },
    { "threaded: the old legs do not count",
      LEGS (CUSTOMER_OUT "," ANN_OUT ("client") "," LEG ("v2", "customer", "connected", "40", "")),
      PRESENCE_NOBODY, "" },
    { "threaded, whatever their order",
      LEGS (LEG ("v2", "customer", "connected", "40", "") "," ANN_OUT ("client") "," CUSTOMER_OUT),
      PRESENCE_NOBODY, "" },
    { "threaded, and in a queue",
      LEGS (CUSTOMER_OUT "," QUEUE_OUT "," ANN_OUT ("client") ","
            LEG ("v2", "customer", "connected", "40", "") ","
            LEG ("q2", "acd", "connected", "41", "")), PRESENCE_QUEUED, "" },
    { "threaded, and ended again",
      LEGS (CUSTOMER_OUT "," LEG ("v2", "customer", "disconnected", "40", ENDED ("50", "peer"))),
      PRESENCE_ENDED, "" },
    { "threaded, an agent of after it has left",
      LEGS (CUSTOMER_OUT "," ANN_OUT ("client") "," LEG ("v2", "customer", "connected", "40",
            "") ","
            LEG ("a2", "agent", "disconnected", "41", ENDED ("42", "client"))), PRESENCE_LEFT, "" },
    { "an unknown state of the agent",
      LEGS (CUSTOMER "," LEG ("a1", "agent", "levitating", "05", "")), PRESENCE_UNCLEAR, "" },
    { "an unknown state of the agent that has ended",
      LEGS (CUSTOMER "," LEG ("a1", "agent", "levitating", "05", ENDED ("06", "other"))),
      PRESENCE_LEFT, "" },
    { "an unknown state of the customer", LEGS (LEG ("v1", "customer", "levitating", "00", "")),
      PRESENCE_UNCLEAR, "" },
    { "no customer", LEGS (ANN), PRESENCE_UNCLEAR, "" },
    { "no legs", LEGS (""), PRESENCE_UNCLEAR, "" },
    { "no times at all",
      LEGS ("{\"id\":\"v\",\"purpose\":\"customer\",\"state\":\"connected\"},"
            "{\"id\":\"a\",\"purpose\":\"agent\",\"state\":\"connected\"}"),
                  PRESENCE_CONNECTED, "a" },
    { "members of wrong types",
      LEGS ("7,null,[],{\"purpose\":7,\"state\":{}},{\"id\":{},\"purpose\":\"customer\","
            "\"state\":\"connected\",\"connectedTime\":7},{\"id\":[],\"purpose\":\"agent\","
            "\"state\":\"connected\",\"user\":7,\"name\":{}}"), PRESENCE_CONNECTED, "" },
    { "an id that is none of a URL",
      LEGS (CUSTOMER ",{\"id\":\"../x\",\"purpose\":\"agent\",\"state\":\"connected\"}"),
      PRESENCE_CONNECTED, "" },
    { "participants of a wrong type", "{\"participants\":{}}", PRESENCE_UNCLEAR, "" },
    { "no JSON", "<html>", PRESENCE_UNCLEAR, "" },
    { "nothing", "", PRESENCE_UNCLEAR, "" },
    { "no object", "[]", PRESENCE_UNCLEAR, "" },
};

Test (conversation_facts, of_every_case)
{
    for (size_t at = 0; at < sizeof s_answers / sizeof *s_answers; at++) {
        conversation_facts_t facts;
        conversation_facts_read (&facts, text_of (s_answers[at].body));
        cr_expect_eq (facts.presence, s_answers[at].presence, "%s: %s", s_answers[at].what,
                      presence_words (facts.presence));
        cr_expect_str_eq (facts.person, s_answers[at].person, "%s", s_answers[at].what);
    }
}

Test (conversation_facts, name_who_is_there_and_whom_to_disconnect)
{
    conversation_facts_t facts;
    conversation_facts_read (&facts, TEXT (LEGS (CUSTOMER "," ANN)));
    cr_expect_str_eq (facts.name, "Ann");
    cr_expect_str_eq (facts.user, "u-1");
    cr_expect_str_eq (facts.customer, "v1");
    cr_expect_not (facts.is_over);
    conversation_facts_read (
        &facts,
        TEXT (LEGS (CUSTOMER_OUT "," LEG ("v2", "customer", "disconnected", "40",
                                          ENDED ("50", "inactivity")))));
    cr_expect_str_eq (facts.customer, "v2");
    cr_expect (facts.is_over);
    cr_expect_str_eq (facts.why, "inactivity");
    conversation_facts_read (&facts, TEXT (LEGS (CUSTOMER "," LEG ("a1", "agent", "connected", "05",
                                                                   NAMED ("a\\u202eb", "u/1")))));
    cr_expect_str_eq (facts.name, "");
    cr_expect_str_eq (facts.user, "");
}

// ------------------------------------------------------------------------------------------------
//  Decisions

#define NOW 1000000u
static const watch_limits_t s_limits = { .queue_ms = 300000, .unreachable_ms = 120000 };

static conversation_facts_t
s_facts (presence_t presence, const char *person)
{
    conversation_facts_t facts = { .presence = presence };
    snprintf (facts.person, sizeof facts.person, "%s", person);
    snprintf (facts.name, sizeof facts.name, "%s", *person ? "Ann" : "");
    return facts;
}

static watch_memory_t
s_memory (watch_state_t state)
{
    watch_memory_t memory = { .state = state, .turn = 3, .began_ms = 1000, .since_ms = NOW - 1000 };
    if (state == WATCH_WITH) {
        memory.since_ms = 0;
        memory.was_attended = true;
        snprintf (memory.person, sizeof memory.person, "a1");
    }
    return memory;
}

//  What each state does about each fact, in time: the act, and the state behind it.
static const struct {
    presence_t presence;
    struct {
        watch_act_t act;
        watch_state_t next;
    } of[WATCH_STATES];
} s_expected[] = {
#define STAYS { { WATCH_NOTHING, WATCH_WAITING }, { WATCH_NOTHING, WATCH_WITH },                   \
                { WATCH_NOTHING, WATCH_BETWEEN } }
#define WAITS { { WATCH_NOTHING, WATCH_WAITING }, { WATCH_EXIT, WATCH_BETWEEN },                   \
                { WATCH_NOTHING, WATCH_BETWEEN } }
#define IS_OUT { { WATCH_GIVE_BACK, WATCH_WAITING }, { WATCH_EXIT, WATCH_BETWEEN },                \
                 { WATCH_GIVE_BACK, WATCH_BETWEEN } }
    { PRESENCE_CONNECTED, { { WATCH_ENTER, WATCH_WITH }, { WATCH_NOTHING, WATCH_WITH },
                            { WATCH_ENTER, WATCH_WITH } } },
    { PRESENCE_ALERTING, WAITS },
    { PRESENCE_QUEUED, WAITS },
    { PRESENCE_FLOW, WAITS },
    { PRESENCE_PASSING, WAITS },
    { PRESENCE_NOBODY, WAITS },
    { PRESENCE_LEFT, IS_OUT },
    { PRESENCE_ENDED, IS_OUT },
    { PRESENCE_GONE, IS_OUT },
    { PRESENCE_BARRED, IS_OUT },
    { PRESENCE_UNCLEAR, STAYS },
    { PRESENCE_UNREACHABLE, STAYS },
};

Test (watch, every_state_with_every_fact)
{
    cr_assert_eq (sizeof s_expected / sizeof *s_expected, PRESENCES);
    for (size_t row = 0; row < PRESENCES; row++)
        for (int state = 0; state < WATCH_STATES; state++) {
            watch_memory_t memory = s_memory ((watch_state_t) state);
            presence_t presence = s_expected[row].presence;
            conversation_facts_t facts =
                s_facts (presence, presence == PRESENCE_CONNECTED ? "a1" : "");
            watch_decision_t decision = watch_decide (&memory, &facts, &s_limits, NOW);
            cr_expect_eq (decision.act, s_expected[row].of[state].act, "%s in %d: %d",
                          presence_words (presence), state, decision.act);
            cr_expect_eq (decision.next.state, s_expected[row].of[state].next, "%s in %d: %d",
                          presence_words (presence), state, decision.next.state);
            bool acts = decision.act == WATCH_ENTER || decision.act == WATCH_EXIT;
            cr_expect_eq (decision.next.turn, memory.turn + acts);
            cr_expect_eq (*decision.next.person != 0, decision.next.state == WATCH_WITH);
        }
}

//  Behind a talk the app goes on as it likes; else whoever is next is asked.
Test (watch, it_says_why_the_visitor_is_given_back)
{
    static const struct {
        presence_t presence;
        bool was_attended;
        const char *reason;
    } rows[] = { { PRESENCE_LEFT, true, "" },      { PRESENCE_ENDED, true, "" },
                 { PRESENCE_GONE, true, "" },      { PRESENCE_LEFT, false, "nobody" },
                 { PRESENCE_ENDED, false, "nobody" }, { PRESENCE_GONE, false, "nobody" },
                 { PRESENCE_BARRED, true, "unreachable" },
                 { PRESENCE_BARRED, false, "unreachable" } };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        watch_memory_t memory =
            s_memory (rows[row].was_attended ? WATCH_BETWEEN : WATCH_WAITING);
        memory.was_attended = rows[row].was_attended;
        conversation_facts_t facts = s_facts (rows[row].presence, "");
        watch_decision_t decision = watch_decide (&memory, &facts, &s_limits, NOW);
        cr_expect_eq (decision.act, WATCH_GIVE_BACK, "row %zu", row);
        cr_expect_str_eq (decision.reason ? decision.reason : "", rows[row].reason, "row %zu",
                          row);
    }
}

Test (watch, another_person_comes_in_by_two_looks)
{
    watch_memory_t memory = s_memory (WATCH_WITH);
    conversation_facts_t facts = s_facts (PRESENCE_CONNECTED, "a2");
    watch_decision_t out = watch_decide (&memory, &facts, &s_limits, NOW);
    cr_assert_eq (out.act, WATCH_EXIT);
    cr_assert_eq (out.next.state, WATCH_BETWEEN);
    watch_decision_t in = watch_decide (&out.next, &facts, &s_limits, NOW + 1);
    cr_assert_eq (in.act, WATCH_ENTER);
    cr_assert_str_eq (in.next.person, "a2");
    cr_assert_str_eq (in.next.name, "Ann");
    cr_assert_eq (in.next.turn, 5);
    cr_assert_eq (in.next.since_ms, 0);
}

Test (watch, who_has_no_id_is_somebody_and_stays)
{
    watch_memory_t memory = s_memory (WATCH_WAITING);
    conversation_facts_t facts = s_facts (PRESENCE_CONNECTED, "");
    watch_decision_t decision = watch_decide (&memory, &facts, &s_limits, NOW);
    cr_assert_eq (decision.act, WATCH_ENTER);
    decision = watch_decide (&decision.next, &facts, &s_limits, NOW);
    cr_assert_eq (decision.act, WATCH_NOTHING);
}

//  The visitor waits from the first look on that sees it, and not longer than the app wants.
Test (watch, the_queue_has_a_deadline)
{
    static const presence_t waits[] = { PRESENCE_ALERTING, PRESENCE_QUEUED, PRESENCE_FLOW,
                                        PRESENCE_PASSING, PRESENCE_NOBODY };
    for (size_t at = 0; at < sizeof waits / sizeof *waits; at++) {
        watch_memory_t memory = { .state = WATCH_WAITING };
        conversation_facts_t facts = s_facts (waits[at], "");
        watch_decision_t decision = watch_decide (&memory, &facts, &s_limits, NOW);
        cr_expect_eq (decision.act, WATCH_NOTHING);
        cr_expect_eq (decision.next.since_ms, NOW);
        cr_expect_eq (decision.next.began_ms, NOW);
        memory = decision.next;
        decision = watch_decide (&memory, &facts, &s_limits, NOW + s_limits.queue_ms - 1);
        cr_expect_eq (decision.act, WATCH_NOTHING);
        decision = watch_decide (&memory, &facts, &s_limits, NOW + s_limits.queue_ms);
        cr_expect_eq (decision.act, WATCH_GIVE_BACK);
        cr_expect_str_eq (decision.reason, "nobody");
        cr_expect_not (decision.is_dark);
        //  What is on its way there is waited for; somebody who comes then is welcome.
        cr_expect_eq (decision.next.ended_ms, NOW + s_limits.queue_ms);
        facts = s_facts (PRESENCE_CONNECTED, "a1");
        decision = watch_decide (&decision.next, &facts, &s_limits, NOW + s_limits.queue_ms + 1);
        cr_expect_eq (decision.act, WATCH_ENTER);
        cr_expect_eq (decision.next.ended_ms, 0);
    }
}

Test (watch, nothing_may_be_known_for_a_while)
{
    static const presence_t dark[] = { PRESENCE_UNCLEAR, PRESENCE_UNREACHABLE };
    for (size_t at = 0; at < 2; at++)
        for (int state = 0; state < WATCH_STATES; state++) {
            watch_memory_t memory = s_memory ((watch_state_t) state);
            conversation_facts_t facts = s_facts (dark[at], "");
            watch_decision_t decision = watch_decide (&memory, &facts, &s_limits, NOW);
            cr_expect_eq (decision.next.dark_ms, NOW);
            memory = decision.next;
            decision =
                watch_decide (&memory, &facts, &s_limits, NOW + s_limits.unreachable_ms - 1);
            cr_expect_eq (decision.act, WATCH_NOTHING);
            decision = watch_decide (&memory, &facts, &s_limits, NOW + s_limits.unreachable_ms);
            if (state == WATCH_WITH) {
                cr_expect_eq (decision.act, WATCH_EXIT);
                memory = decision.next;
                decision =
                    watch_decide (&memory, &facts, &s_limits, NOW + s_limits.unreachable_ms);
            }
            cr_expect_eq (decision.act, WATCH_GIVE_BACK);
            cr_expect_str_eq (decision.reason, "unreachable");
            cr_expect (decision.is_dark);
            //  One good look, and the time begins anew.
            conversation_facts_t good = s_facts (PRESENCE_QUEUED, "");
            decision = watch_decide (&memory, &good, &s_limits, NOW + 5);
            cr_expect_eq (decision.next.dark_ms, 0);
        }
}

Test (watch, looks_are_fewer_with_time_and_with_number)
{
    watch_memory_t memory = s_memory (WATCH_WITH);
    uint64_t began = memory.began_ms;
    cr_expect_eq (watch_pause_ms (&memory, 5000, 0, began), 5000);
    cr_expect_eq (watch_pause_ms (&memory, 5000, 0, began + 300001), 10000);
    cr_expect_eq (watch_pause_ms (&memory, 5000, 0, began + 1800001), 20000);
    cr_expect_eq (watch_pause_ms (&memory, 5000, 30000, began + 1800001), 30000);
    //  A clock that is behind.
    cr_expect_eq (watch_pause_ms (&memory, 5000, 0, 0), 5000);
    memory.state = WATCH_WAITING;
    cr_expect_eq (watch_pause_ms (&memory, 5000, 0, began + 1800001), 5000);
}

Test (watch, its_memory_comes_back)
{
    char room[WATCH_MEMORY_SIZE];
    watch_memory_t memory = s_memory (WATCH_WITH), back;
    memory.dark_ms = 7;
    memory.ended_ms = 8;
    snprintf (memory.name, sizeof memory.name, "\"\\\"\\\"\\\"\\ Ann");
    text_t text = watch_memory_write (&memory, room);
    cr_assert_leq (text.size, 1024);
    watch_memory_read (&back, text);
    cr_assert_eq (memcmp (&memory, &back, sizeof back), 0, "%.*s", TEXT_ARGS (text));
    static const char *const wrong[] = { "", "7", "{}", "{\"state\":7,\"person\":{}}",
          "{\"state\":\"x\"}" };
    for (size_t at = 0; at < 5; at++) {
        watch_memory_read (&back, text_of (wrong[at]));
        cr_expect (back.state == WATCH_WAITING && back.turn == 0 && !*back.person);
    }
    //  The longest name, and every character of it escaped.
    memset (memory.name, '"', sizeof memory.name - 1);
    memset (memory.person, 'a', sizeof memory.person - 1);
    memory.turn = memory.began_ms = memory.since_ms = memory.dark_ms = memory.ended_ms = UINT64_MAX;
    text = watch_memory_write (&memory, room);
    cr_assert_leq (text.size, 1024);
}
