//  silence — whoever has control leaves the visitor without an answer: it is warned, and then
//  control goes on. How long that takes is measured by the database's clock.

#include "chat.h"
#include "desk.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test (silence, a_silent_agent_is_warned_and_loses_control)
{
    bot_t *bot = bot_new ();
    bot_says (bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
    router_stack_t *stack =
        desk_begins ("\"silenceSeconds\":6,\"giveBack\":\"question\"",
                     &(stack_plan_t){ .postoffices = 2, .bot_url = bot_url (bot) });
    person_t *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    person_t *ann = rich_agent_opens (stack, 1, "ann", "s1");
    barges_in (ann, "Ann");
    sees (eve, "user joined", "ann");
    says (eve, "one");
    hears (ann, "eve", "one");
    json_object *warning = sees (ann, "deadline", NULL);
    cr_expect_str_eq (ws_json_text (warning, "data.why"), "silent");
    //  Who answers has its time anew.
    says (ann, "one moment");
    hears (eve, "ann", "one moment");
    sees_no (eve, "user left", 2500);
    uint64_t asked_ms = clock_mono_ms ();
    says (eve, "two");
    hears (ann, "eve", "two");
    warning = sees (ann, "deadline", NULL);
    cr_expect_str_eq (ws_json_text (warning, "data.why"), "silent");
    says (eve, "three"); //  which is the same silence
    hears (ann, "eve", "three");
    json_object *left = sees (eve, "user left", "ann");
    cr_expect_str_eq (ws_json_text (left, "data.why"), "silent");
    cr_expect_geq (clock_mono_ms () - asked_ms, 6000);
    hears (eve, "bot", "You said: three");
    cr_expect_eq (bot_asked (bot, "two"), 0);
    leaves (&eve);
    leaves (&ann);
    desk_ends (&stack);
    bot_destroy (&bot);
}

// ---------------------------------------------------------------------------------------------
//  A clock that is wrong (not with sanitizers: CMakeLists.txt)

#ifdef WRONG_CLOCK
#define SESSIONS 8

static const char *const *
s_settings_of (void *owner, const char *name)
{
    static const char *const wrong[] = { "LD_PRELOAD=" WRONG_CLOCK, "WRONG_CLOCK_SECONDS=3600",
                                         NULL };
    static const char *const none[] = { NULL };
    (void) owner;
    return strcmp (name, "postoffice-1") == 0 ? wrong : none;
}

static unsigned
s_count (router_stack_t *stack, const char *sql)
{
    return (unsigned) strtoul (desk_sql (stack, sql), NULL, 10);
}

//  One replica is an hour ahead. It is not the one that warns at once, whoever stored the words.
Test (silence, a_clock_that_is_an_hour_wrong)
{
    router_stack_t *stack =
        desk_begins ("\"silenceSeconds\":9",
                     &(stack_plan_t){ .postoffices = 2, .settings_of = s_settings_of });
    char request[100], session[20];
    uint64_t asked_ms = clock_mono_ms ();
    for (int at = 0; at < SESSIONS; at++) {
        snprintf (session, sizeof session, "s%d", at);
        snprintf (request, sizeof request, "POST sessions/%s/messages", session);
        desk_visitor (stack, session);
        EVENTUALLY (20000, desk_acts (stack, session, "ann", "take") == 200);
        asked_ms = at == 0 ? clock_mono_ms () : asked_ms;
        EVENTUALLY (20000, desk_asks (stack, request,
                                      "{\"as\":{\"kind\":\"visitor\"},\"text\":\"hello\"}")
                               / 100 == 2);
    }
    EVENTUALLY (20000, s_count (stack, "SELECT count (*) FROM log WHERE event = 14") > 0);
    cr_expect_geq (clock_mono_ms () - asked_ms, 6000, "a warning came too early");
    EVENTUALLY (20000, s_count (stack, "SELECT count (*) FROM log WHERE event = 5 AND data LIKE"
                                       " '%silent%'")
                           > 0);
    cr_expect_geq (clock_mono_ms () - asked_ms, 9000, "control was taken too early");
    EVENTUALLY (20000, s_count (stack, "SELECT count (*) FROM log WHERE event = 5 AND data LIKE"
                                       " '%silent%'")
                           == SESSIONS);
    cr_expect_eq (s_count (stack, "SELECT count (*) FROM log WHERE event = 14"), SESSIONS);
    //  Until when, is said by the database's clock as well, whoever warns.
    cr_expect_eq (s_count (stack, "SELECT count (*) FROM log WHERE event = 14 AND"
                                  " (data::json->>'until')::timestamptz NOT BETWEEN"
                                  " stored_at - interval '1 s' AND stored_at + interval '5 s'"),
                  0);
    desk_ends (&stack);
}
#endif
