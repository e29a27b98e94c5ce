//  alerts — people are called by what happens in sessions: rules of an app, real services, real
//  visitors. Nobody takes the items for the notifier here: they are read from the table.

#include "chat.h"
#include "desk.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

//  Behind the section `switchboard` of the app others follow.
#define SECTIONS                                                                                   \
    "\"offerSeconds\":60,\"silenceSeconds\":0},"                                                   \
    "\"people\":[{\"id\":\"anna\",\"email\":\"anna@example.com\",\"phone\":\"+4930123\"}],"        \
    "\"email\":{\"url\":\"smtp://127.0.0.1:1\",\"from\":\"a@example.com\",\"withoutLogin\":true}," \
    "\"alerts\":["                                                                                 \
    "{\"name\":\"started\",\"on\":\"session-started\"," TO_ANNA "},"                               \
    "{\"name\":\"asked\",\"on\":\"handoff-asked\"," TO_ANNA "},"                                   \
    "{\"name\":\"soon\",\"on\":\"visitor-waits\",\"afterSeconds\":1," TO_ANNA "},"                 \
    "{\"name\":\"late\",\"on\":\"visitor-waits\",\"afterSeconds\":20," TO_ANNA "},"                \
    "{\"name\":\"word\",\"on\":\"keyword\",\"where\":{\"keywords\":[\"refund\"]}," TO_ANNA         \
    ",\"text\":\"{{visitor.id}}: {{message.text}}\"},"                                             \
    "{\"name\":\"silent\",\"on\":\"agent-silent\",\"afterSeconds\":5," TO_ANNA "},"                \
    "{\"name\":\"nobody\",\"on\":\"nobody-there\",\"where\":{\"groups\":[\"night\"]}," TO_ANNA     \
    "},"                                                                                           \
    "{\"name\":\"over\",\"on\":\"session-ended\",\"text\":\"{{message.text}}.\"," TO_ANNA          \
    "}],\"comments\":{"
#define TO_ANNA "\"steps\":[{\"by\":[\"email\"],\"to\":[\"person:anna\"]}]"

//  The rules that anna was called by about the session, in the order of the alphabet.
static const char *
s_calls (router_stack_t *stack, const char *session)
{
    static char sql[400];
    snprintf (sql, sizeof sql,
              "SELECT coalesce (string_agg (DISTINCT body::json ->> 'rule', ' '), '') FROM"
              " work_item WHERE topic = 'notify.email' AND session = 'demo/%s'",
              session);
    return desk_sql (stack, sql);
}

static bool
s_is_called (router_stack_t *stack, const char *session, const char *rules)
{
    return strcmp (s_calls (stack, session), rules) == 0;
}

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    return strcmp (desk_sql (stack, sql), value) == 0;
}

Test (alerts, people_are_called_by_what_happens)
{
    router_stack_t *stack = desk_begins (SECTIONS, &(stack_plan_t){ .postoffices = 2 });
    //  There, and without time: who is offered to its group waits.
    desk_agent (stack, "ann", "available", 0, "sales");

    //  A person is asked for, and nobody has said a word. The visitor waits for a second.
    desk_visitor (stack, "s1");
    desk_offers (stack, "s1", "[\"group:sales\"]");
    EVENTUALLY (40000, s_is_called (stack, "s1", "asked soon started"));

    //  Somebody takes over: nobody is called about a wait of twenty seconds, which is over.
    cr_assert_eq (desk_acts (stack, "s1", "bob", "take"), 200);
    EVENTUALLY (60000, s_is (stack, "SELECT state IN (2, 3) FROM alert WHERE rule = 'late' AND"
                                    " session = 'demo/s1'", "t")); //  seen, or over
    cr_expect_str_eq (s_calls (stack, "s1"), "asked soon started");

    //  A word in passing. Twice, and one call: once in ten minutes is the usual.
    person_t *vic = visitor_opens (stack, 1, "vic", "s2");
    says (vic, "I want a REFUND!");
    EVENTUALLY (40000, s_is_called (stack, "s2", "started word"));
    says (vic, "refund. refund.");
    EVENTUALLY (40000, s_is (stack, "SELECT string_agg (state::text, ' ' ORDER BY seq) FROM alert"
                                    " WHERE rule = 'word'", "4 5"));
    cr_expect (s_is (stack, "SELECT body::json ->> 'text' FROM work_item WHERE topic ="
                            " 'notify.email' AND body::json ->> 'rule' = 'word'",
                     "vic: I want a REFUND!"));

    //  The agent who has the visitor says nothing.
    cr_assert_eq (desk_acts (stack, "s2", "bob", "take"), 200);
    EVENTUALLY (60000, s_is_called (stack, "s2", "silent started word"));

    //  Nobody of this group is there; of the other one it would call nobody.
    desk_visitor (stack, "s3");
    desk_offers (stack, "s3", "[\"group:day\"]");
    desk_visitor (stack, "s4");
    desk_offers (stack, "s4", "[\"group:night\"]");
    EVENTUALLY (40000, s_is_called (stack, "s4", "asked nobody started"));
    EVENTUALLY (40000, s_is_called (stack, "s3", "asked started"));

    //  What was said, and answered, before anything came of it.
    person_t *joe = visitor_opens (stack, 1, "joe", "s5");
    says (joe, "my order is late");
    EVENTUALLY (40000, s_is (stack, "SELECT count (*) FROM log WHERE session = 'demo/s5'"
                                    " AND event = 3", "1"));
    cr_assert_eq (desk_acts (stack, "s5", "bob", "take"), 200);
    cr_assert_eq (desk_asks (stack, "POST sessions/s5/messages",
                             "{\"text\":\"It comes today.\",\"as\":{\"kind\":\"agent\","
                             "\"userId\":\"bob\"}}"), 201);
    cr_assert_eq (desk_asks (stack, "POST sessions/s5/close", "{}"), 200);
    EVENTUALLY (40000, s_is (stack, "SELECT body::json ->> 'text' FROM work_item WHERE session ="
                                    " 'demo/s5' AND body::json ->> 'rule' = 'over'"
                                    " AND topic = 'notify.email'", "my order is late."));
    leaves (&joe);
    leaves (&vic);
    desk_ends (&stack);
}
