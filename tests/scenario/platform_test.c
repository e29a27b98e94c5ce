//  platform — a visitor who waits, along the whole chain: an agent who declines, one who lets it
//  pass, and a contact centre, which is a real worker (platform_worker.c) that may die in the
//  middle of it.

#include "chat.h"
#include "desk.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER "platform-worker-1"

static char s_directory[100], s_heard[120], s_script[120];
static bot_t *s_bot;

static void
s_platform_will (const char *manner)
{
    FILE *file = fopen (s_script, "w");
    cr_assert (file && fputs (manner, file) >= 0 && fclose (file) == 0);
}

static router_stack_t *
s_begin (const char *section, const char *manner)
{
    char settings[2][160];
    snprintf (s_directory, sizeof s_directory, "%s/stentor-platform-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    cr_assert (mkdtemp (s_directory));
    snprintf (s_heard, sizeof s_heard, "%s/heard", s_directory);
    snprintf (s_script, sizeof s_script, "%s/script", s_directory);
    snprintf (settings[0], sizeof settings[0], "WORKER_TELLS=%s", s_heard);
    snprintf (settings[1], sizeof settings[1], "PLATFORM_SCRIPT=%s", s_script);
    s_platform_will (manner);
    s_bot = bot_new ();
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
    return desk_begins (section,
                        &(stack_plan_t){ .postoffices = 2,
                                         .worker = BIN_DIR "/platform-worker",
                                         .workers = 1,
                                         .bot_url = bot_url (s_bot),
                                         .settings = (const char *const[]){ settings[0],
                                                                            settings[1], NULL } });
}

static void
s_end (router_stack_t **stack_p)
{
    desk_ends (stack_p);
    bot_destroy (&s_bot);
    unlink (s_heard);
    unlink (s_script);
    rmdir (s_directory);
}

//  Has the platform heard these, one behind the other?
static bool
s_has_heard (const char *const *texts)
{
    static char all[8 * 1024 * 1024];
    FILE *file = fopen (s_heard, "r");
    size_t size = file ? fread (all, 1, sizeof all - 1, file) : 0;
    const char *at = all;
    all[size] = 0;
    if (file)
        fclose (file);
    for (; at && *texts; texts++)
        at = (at = strstr (at, *texts)) ? at + strlen (*texts) : NULL;
    return at;
}

#define HEARS_PLATFORM(...)                                                                        \
    EVENTUALLY (20000, s_has_heard ((const char *const[]){ __VA_ARGS__, NULL }))

static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    return strcmp (desk_sql (stack, sql), value) == 0;
}

#define OFFERED_TO "SELECT offered_to FROM session WHERE session = 'demo/s1'"
#define CONTROL "SELECT control_role || ' ' || control_user FROM session WHERE session = 'demo/s1'"

#define OFFER_EVENT "\"event\":\"offer\""
#define OFFER_ITEMS                                                                                \
    "SELECT string_agg (state || ' ' || detail, ', ' ORDER BY number) FROM work_item"              \
    " WHERE item LIKE ':offer:%'"

static void
s_platform_asks (router_stack_t *stack, const char *what, const char *text)
{
    char request[100];
    snprintf (request, sizeof request, "POST sessions/s1/%s", what);
    int status = desk_asks (stack, request,
                            "{\"as\":{\"kind\":\"platform\",\"userId\":"
                            "\"platform.scripted\"}%s%s%s}",
                            *text ? ",\"text\":\"" : "", text, *text ? "\"" : "");
    cr_assert (status == 200 || status == 201, "%s: %d", what, status);
}

//  What the log tells of control: "offer group:sales", "declined ann" … one after the other.
static void
s_expect_story (router_stack_t *stack, const char *expected)
{
    const char *story = desk_sql (
        stack,
        "SELECT string_agg (CASE event WHEN 4 THEN 'control ' || user_id WHEN 5 THEN 'back ' ||"
        " user_id WHEN 12 THEN 'offer ' || coalesce (d->>'to', d->'targets'->>(d->>'step')::int)"
        " ELSE d->>'why' END, ', ' ORDER BY seq) FROM (SELECT *, data::json AS d FROM log"
        " WHERE session = 'demo/s1' AND event IN (4, 5, 12, 13)) l");
    printf ("the story of a visitor who waits: %s\n", story);
    cr_expect_str_eq (story, expected);
}

Test (platform, the_story_of_a_visitor_who_waits)
{
    router_stack_t *stack = s_begin ("\"offerSeconds\":5,\"giveBack\":\"question\"", "accepts");
    desk_agent (stack, "ann", "available", 1, "sales");
    person_t *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    says (eve, "opening hours?");
    hears (eve, "bot", "You said: opening hours?");
    desk_offers (stack, "s1", "[\"group:sales\",\"platform:scripted\",\"bot\"]");
    says (eve, "is anybody there?");
    DESK_OFFERED (stack, "s1", "ann");
    desk_agent (stack, "bob", "available", 1, "sales");
    cr_assert_eq (desk_acts (stack, "s1", "ann", "decline"), 200);
    DESK_OFFERED (stack, "s1", "bob");
    EVENTUALLY (20000, s_is (stack, CONTROL, "4 platform.scripted"));
    HEARS_PLATFORM ("\"event\":\"offer\"", "is anybody there?");

    sees (eve, "user joined", "platform.scripted");
    s_platform_asks (stack, "messages", "here I am");
    hears (eve, "platform.scripted", "here I am");
    says (eve, "one");
    says (eve, "two");
    HEARS_PLATFORM ("is anybody there?", "\"one\"", "\"two\"");
    s_platform_asks (stack, "messages", "answer one");
    s_platform_asks (stack, "messages", "answer two");
    hears (eve, "platform.scripted", "answer one");
    hears (eve, "platform.scripted", "answer two");
    says (eve, "and on Sundays?");
    HEARS_PLATFORM ("\"one\"", "\"two\"", "and on Sundays?");
    static const char *const unheard[] = { "is anybody there?", "one", "two", "and on Sundays?" };
    for (size_t at = 0; at < 4; at++)
        cr_expect_eq (bot_asked (s_bot, unheard[at]), 0, "the bot was asked: %s", unheard[at]);

    s_platform_asks (stack, "release", "");
    sees (eve, "user left", "platform.scripted");
    hears (eve, "bot", "You said: and on Sundays?");
    says (eve, "thanks");
    hears (eve, "bot", "You said: thanks");
    cr_expect_not (s_has_heard ((const char *const[]){ "thanks", NULL }));
    s_expect_story (stack,
                    "offer group:sales, offer agent:ann, declined, offer group:sales, offer"
                    " agent:bob, expired, offer group:sales, offer platform:scripted, accepted,"
                    " control platform.scripted, back platform.scripted");
    leaves (&eve);
    s_end (&stack);
}

//  kill -9 while it has the offer: it is asked again when it is back, and hears everything once it
//  has accepted.
Test (platform, a_worker_that_dies_in_the_middle_of_an_offer)
{
    router_stack_t *stack = s_begin ("\"offerSeconds\":60,\"giveBack\":\"question\"", "waits");
    person_t *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    desk_offers (stack, "s1", "[\"platform:scripted\"]");
    says (eve, "is anybody there?");
    HEARS_PLATFORM ("\"event\":\"offer\"");
    stack_kill (stack, WORKER);
    cr_expect_str_eq (desk_sql (stack, OFFERED_TO), "platform:scripted");
    s_platform_will ("accepts");
    cr_assert (stack_start (stack, WORKER));
    EVENTUALLY (40000, s_is (stack, CONTROL, "4 platform.scripted"));
    HEARS_PLATFORM ("\"event\":\"offer\"", "\"event\":\"offer\"", "is anybody there?");
    s_platform_asks (stack, "messages", "here I am");
    hears (eve, "platform.scripted", "here I am");
    cr_expect_eq (bot_asked (s_bot, "is anybody there?"), 0);
    s_expect_story (stack, "offer platform:scripted, accepted, control platform.scripted");
    leaves (&eve);
    s_end (&stack);
}

//  It says no: the next of the chain is asked; and it is told nothing more.
Test (platform, one_that_declines)
{
    router_stack_t *stack = s_begin ("\"giveBack\":\"question\"", "declines");
    desk_agent (stack, "ann", "available", 1, "sales");
    person_t *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    desk_offers (stack, "s1", "[\"platform:scripted\",\"agent:ann\"]");
    says (eve, "is anybody there?");
    DESK_OFFERED (stack, "s1", "ann");
    says (eve, "anybody?");
    cr_assert_eq (desk_acts (stack, "s1", "ann", "decline"), 200);
    hears (eve, "bot", "You said: anybody?");
    cr_expect_eq (bot_asked (s_bot, "is anybody there?"), 0);
    s_expect_story (stack, "offer platform:scripted, declined, offer agent:ann, offer agent:ann,"
                           " declined, nobody");
    cr_expect_not (s_has_heard ((const char *const[]){ "anybody?\"", "anybody?\"", NULL }));
    leaves (&eve);
    s_end (&stack);
}

//  The offer is over before the worker is back: it finds none of it, and the next one counts.
Test (platform, a_worker_that_was_away_meets_no_offer_that_is_over)
{
    router_stack_t *stack = s_begin ("\"offerSeconds\":5,\"giveBack\":\"question\"", "accepts");
    person_t *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    stack_kill (stack, WORKER);
    desk_offers (stack, "s1", "[\"platform:scripted\",\"bot\"]");
    says (eve, "is anybody there?");
    hears_at_last (eve, "bot", "You said: is anybody there?");
    cr_expect_str_eq (desk_sql (stack, OFFER_ITEMS), "4 the offer is over");
    desk_offers (stack, "s1", "[\"platform:scripted\",\"bot\"]");
    cr_assert_eq (desk_acts (stack, "s1", "ann", "take"), 200);
    cr_assert_eq (desk_acts (stack, "s1", "ann", "release"), 200);
    cr_expect_str_eq (desk_sql (stack, OFFER_ITEMS), "4 the offer is over, 4 the offer is over");

    cr_assert (stack_start (stack, WORKER));
    desk_offers (stack, "s1", "[\"platform:scripted\",\"bot\"]");
    EVENTUALLY (40000, s_is (stack, CONTROL, "4 platform.scripted"));
    says (eve, "well?");
    HEARS_PLATFORM ("\"event\":\"offer\"", "well?");
    cr_expect_not (s_has_heard ((const char *const[]){ OFFER_EVENT, OFFER_EVENT, NULL }));
    leaves (&eve);
    s_end (&stack);
}

//  It has the offers in hand, from whichever postoffice, and is told of each that it is over.
Test (platform, a_worker_is_told_that_an_offer_is_over)
{
    static const char *const sessions[] = { "s1", "s2", "s3", "s4", "s5", "s6" };
    size_t count = sizeof sessions / sizeof *sessions;
    router_stack_t *stack = s_begin ("\"offerSeconds\":120", "waits");
    stack_kill (stack, WORKER);
    for (size_t at = 0; at < count; at++) {
        desk_visitor (stack, sessions[at]);
        desk_offers (stack, sessions[at], "[\"platform:scripted\",\"bot\"]");
    }
    cr_assert (stack_start (stack, WORKER));
    HEARS_PLATFORM (OFFER_EVENT, OFFER_EVENT, OFFER_EVENT, OFFER_EVENT, OFFER_EVENT, OFFER_EVENT);
    for (size_t at = 0; at < count; at++)
        cr_assert_eq (desk_acts (stack, sessions[at], "ann", "take"), 200);
    HEARS_PLATFORM ("cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled");
    cr_expect_str_eq (desk_sql (stack, "SELECT count (*) FROM work_item WHERE state < 2"
                                       " AND item LIKE ':offer:%'"), "0");
    s_end (&stack);
}

// ---------------------------------------------------------------------------------------------
//  A platform that accepts quietly, looks at its far side again and again, and has people

#define WATCH                                                                                      \
    "SELECT state || ' ' || (attempts > 5) || ' ' || (SELECT count (*) FROM"                       \
    " work_attempt a WHERE a.item = w.item) FROM work_item w WHERE item LIKE ':watch:%'"
#define OPEN_ITEMS                                                                                 \
    "SELECT count (*) FROM work_item WHERE state < 2 AND topic = 'platform.scripted'"

static router_stack_t *
s_begin_quietly (person_t **eve)
{
    router_stack_t *stack = s_begin ("\"offerSeconds\":60,\"giveBack\":\"question\"", "quietly");
    *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    desk_offers (stack, "s1", "[\"platform:scripted\"]");
    EVENTUALLY (20000, s_is (stack, CONTROL, "4 platform.scripted"));
    return stack;
}

//  The frame's sender is this person.
static void
s_expect_sender (json_object *frame, const char *name, const char *avatar)
{
    json_object *data = frame, *sender = NULL, *value = NULL;
    (void) json_object_object_get_ex (frame, "data", &data);
    bool has_sender = json_object_object_get_ex (frame, "sender", &sender)
                      || json_object_object_get_ex (data, "sender", &sender);
    cr_assert (has_sender, "%s", json_object_to_json_string (frame));
    cr_assert (json_object_object_get_ex (sender, "displayName", &value));
    cr_expect_str_eq (json_object_get_string (value), name);
    value = NULL;
    json_object_object_get_ex (sender, "avatarPath", &value);
    cr_expect_str_eq (value ? json_object_get_string (value) : "", avatar);
}

Test (platform, its_people_come_and_go_while_it_keeps_watch)
{
    person_t *eve;
    router_stack_t *stack = s_begin_quietly (&eve);
    HEARS_PLATFORM ("s1 looked 200", "\"controls\" : true", "\"asked\" : false", "\"open\" : 0",
                    "\"isClosed\" : false", "\"visitorPresent\" : true");
    says (eve, "is anybody there?");
    HEARS_PLATFORM ("is anybody there?");
    s_platform_will ("quietly enters");
    json_object *joined = sees (eve, "user joined", NULL);
    s_expect_sender (joined, "Ann", "https://x.example/ann.png");
    s_platform_asks (stack, "messages", "here I am");
    s_expect_sender (hears (eve, "platform.scripted", "here I am"), "Ann",
                     "https://x.example/ann.png");
    EVENTUALLY (20000, s_is (stack, WATCH, "0 true 0") || s_is (stack, WATCH, "1 true 0"));

    stack_kill (stack, WORKER);
    cr_assert (stack_start (stack, WORKER));
    s_platform_will ("quietly exits");
    s_expect_sender (sees (eve, "user left", NULL), "Ann", "https://x.example/ann.png");
    cr_expect (s_is (stack, CONTROL, "4 platform.scripted"));
    s_platform_will ("quietly reads");
    HEARS_PLATFORM ("s1 done 200", "is anybody there?", "here I am");
    s_platform_will ("quietly releases");
    EVENTUALLY (20000, s_is (stack, CONTROL, "3 "));
    HEARS_PLATFORM ("\"event\":\"over\"", "\"why\":\"asked\",\"wasInControl\":true",
                    "{\"conversation\":\"c-1\"}");
    EVENTUALLY (20000, s_is (stack, OPEN_ITEMS, "0"));
    cr_expect (s_is (stack, WATCH, "4 true 0"), "%s", desk_sql (stack, WATCH));
    says (eve, "thanks");
    hears (eve, "bot", "You said: thanks");
    s_expect_story (stack, "offer platform:scripted, accepted, control platform.scripted, control"
                           " platform.scripted, back platform.scripted, back platform.scripted");
    leaves (&eve);
    s_end (&stack);
}

//  What is not its own, and what no worker may, is refused, and says nothing.
Test (platform, a_worker_asks_for_no_more_than_it_may)
{
    person_t *eve;
    router_stack_t *stack = s_begin_quietly (&eve);
    s_platform_will ("quietly tries");
    HEARS_PLATFORM ("tried 0: 403 \n", "tried 1: 403 \n", "tried 2: 403 \n", "tried 3: 403 \n",
                    "tried 4: 403 \n", "tried 5: 403 \n", "tried 6: 403 \n", "tried 7: 403 \n",
                    "tried 8: 403 \n", "tried 9: 403 \n", "tried 10: 403 \n",
                    "tried 11: 403 \n", "tried 12: 403 \n", "tried 13: 403 \n",
                    "tried 14: 403 \n");
    s_platform_will ("quietly");
    cr_expect (s_is (stack, CONTROL, "4 platform.scripted"));
    cr_expect (s_is (stack, "SELECT count (*) FROM log WHERE session = 'demo/s1' AND data LIKE"
                            " '%forbidden%'", "0"));
    leaves (&eve);
    s_end (&stack);
}

Test (platform, hears_that_the_visitor_types)
{
    person_t *eve;
    router_stack_t *stack = s_begin_quietly (&eve);
    does (eve, "typing");
    HEARS_PLATFORM ("notice typing of platform.scripted in s1, ");
    says (eve, "well?");
    HEARS_PLATFORM ("well?");
    does (eve, "typing");
    says (eve, "hello?");
    HEARS_PLATFORM ("hello?");
    cr_expect_not (s_has_heard ((const char *const[]){ "notice", "notice", NULL }),
                   "once in a while");
    leaves (&eve);
    s_end (&stack);
}

//  What became of what the visitor said in each round: "2" delivered, "4" not.
#define SAID                                                                                       \
    "SELECT string_agg (w.state::text, ' ' ORDER BY w.number) FROM work_item w JOIN log l ON"      \
    " l.session = w.session AND l.seq = w.seq WHERE w.topic = 'platform.scripted'"                 \
    " AND w.item NOT LIKE ':%' AND l.event = 3 AND l.role = 1"

//  With a postoffice that dies in each round: what the visitor said is delivered there, and not put
//  to the bot, as it was answered; or it is not, and the bot is asked it, once.
Test (platform, never_both_and_never_neither)
{
    enum { ROUNDS = 4 };
    person_t *eve;
    router_stack_t *stack = s_begin_quietly (&eve);
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool is_held = round % 2 == 0;
        char word[40], answer[60], victim[20];
        snprintf (word, sizeof word, "round %u", round);
        snprintf (victim, sizeof victim, "postoffice-%u", 1 + round / 2 % 2);
        s_platform_will (is_held ? "quietly holds" : "quietly");
        if (round > 0) {
            desk_offers (stack, "s1", "[\"platform:scripted\"]");
            EVENTUALLY (20000, s_is (stack, CONTROL, "4 platform.scripted"));
        }
        says (eve, word);
        HEARS_PLATFORM (word);
        stack_kill (stack, victim);
        if (!is_held) {
            EVENTUALLY (20000, desk_asks (stack, "POST sessions/s1/messages",
                                          "{\"as\":{\"kind\":\"platform\",\"userId\":"
                                          "\"platform.scripted\"},\"text\":\"got %s\"}",
                                          word) == 201);
            snprintf (answer, sizeof answer, "got %s", word);
            hears (eve, "platform.scripted", answer);
        }
        EVENTUALLY (30000, desk_asks (stack, "POST sessions/s1/release",
                                      "{\"as\":{\"kind\":\"platform\",\"userId\":"
                                      "\"platform.scripted\"}}") == 200
                               || s_is (stack, CONTROL, "3 "));
        if (is_held) {
            snprintf (answer, sizeof answer, "You said: %s", word);
            hears_at_last (eve, "bot", answer);
        }
        cr_assert (stack_start (stack, victim));
        EVENTUALLY (40000, s_is (stack, OPEN_ITEMS, "0"));
        cr_expect_eq (bot_asked (s_bot, word), is_held ? 1 : 0, "%s", word);
    }
    cr_expect_str_eq (desk_sql (stack, SAID), "4 2 4 2");
    cr_expect (s_is (stack, "SELECT count (*) FROM work_item WHERE item LIKE ':over:%' AND state ="
                            " 2", "4"));
    leaves (&eve);
    s_end (&stack);
}
