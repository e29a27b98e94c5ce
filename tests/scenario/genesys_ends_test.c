//  genesys_ends — every way in which a visitor does not stay with Genesys: nobody comes, the
//  visitor goes, one of our own takes over, it is out of reach, it may not be used. Somebody else
//  answers then, and no conversation stays open there without us.

#include "contact_centre.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEAD 3
#define RELOADS "stentor_apps_reloads_total{result=\"ok\"}"

static bool
s_is_put (const char *words)
{
    return bot_asked (centre_bot, words) > 0;
}

static void
s_expect_nothing_left (void)
{
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_is_empty ());
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_items (0) + centre_items (1) == 0);
}

Test (genesys_ends, nobody_comes_in_time)
{
    centre_begins (",\"queueSeconds\":2");
    person_t *eve = centre_visitor ("eve", "s1");
    says (eve, "is anybody there?");
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_heard ("is anybody there?"));
    CENTRE_CONTROL ("");
    hears (eve, "bot", "You said: is anybody there?");
    s_expect_nothing_left ();
    cr_expect_eq (centre_items (DEAD), 0);
    leaves (&eve);
    centre_ends ();
}

//  The app's list goes on behind Genesys.
Test (genesys_ends, nobody_comes_and_the_next_one_is_asked)
{
    centre_begins_as ("[\"platform:genesys\",\"group:front-desk\"]", true,
                      ",\"queueSeconds\":2");
    desk_agent (centre_stack, "otto", "available", 1, "front-desk");
    person_t *eve = centre_visitor ("eve", "s1");
    says (eve, "is anybody there?");
    DESK_OFFERED (centre_stack, "s1", "otto");
    cr_assert_eq (desk_acts (centre_stack, "s1", "otto", "accept"), 200);
    CENTRE_CONTROL ("otto");
    s_expect_nothing_left ();
    cr_expect_not (s_is_put ("is anybody there?"));
    leaves (&eve);
    centre_ends ();
}

//  The time in which a loop would have asked Genesys once more.
#define LOOP_MS 4000

static void
s_expect_nobody_is_asked (person_t *eve, unsigned opened)
{
    s_expect_nothing_left ();
    hears_nothing (eve, LOOP_MS);
    cr_expect_eq (genesys_platform_count ("What was said before"), opened);
    cr_expect (centre_controls (""));
}

//  Without a bot nobody but the visitor begins it anew.
Test (genesys_ends, without_a_bot_nobody_comes)
{
    centre_begins_as ("[\"platform:genesys\"],\"nobodyText\":\"Nobody is free\"", false,
                      ",\"queueSeconds\":2");
    person_t *eve = rich_visitor_opens (centre_stack, 1, "eve", "s1");
    for (unsigned round = 1; round <= 2; round++) {
        says (eve, "is anybody there?");
        CENTRE_CONTROL ("platform.genesys");
        hears_at_last (eve, "bot", "Nobody is free");
        s_expect_nobody_is_asked (eve, round);
    }
    leaves (&eve);
    centre_ends ();
}

//  How often genesys-connectors have read the apps file anew.
static double
s_reloads (void)
{
    return stack_metric (centre_stack, "genesys-connector-", RELOADS);
}

//  It declines, as the login is wrong: the next word asks it again, and no deadline is waited for.
Test (genesys_ends, without_a_bot_a_word_asks_again)
{
    centre_begins_as ("[\"platform:genesys\"],\"nobodyText\":\"Nobody is free\","
                      "\"waitSeconds\":86400",
                      false, "");
    double before = s_reloads ();
    centre_write_secret ("a wrong one");
    EVENTUALLY (CENTRE_PATIENCE_MS, s_reloads () >= before + 2);
    person_t *eve = rich_visitor_opens (centre_stack, 1, "eve", "s1");
    says (eve, "one");
    hears_at_last (eve, "bot", "Nobody is free");
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_items (DEAD) == 1);
    says (eve, "two");
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_items (DEAD) == 2);
    cr_expect (centre_controls (""));
    leaves (&eve);
    centre_ends ();
}

Test (genesys_ends, without_a_bot_the_talk_is_over)
{
    centre_begins_as ("[\"platform:genesys\"]", false, ",\"queueSeconds\":2");
    person_t *eve = rich_visitor_opens (centre_stack, 1, "eve", "s1");
    for (unsigned round = 1; round <= 2; round++) {
        says (eve, "is anybody there?");
        CENTRE_CONTROL ("platform.genesys");
        genesys_control ("agent-joins?user=ann");
        centre_sees (eve, "user joined", "Ann Agent");
        genesys_control ("says?text=done&user=ann");
        hears (eve, "platform.genesys", "done");
        genesys_control ("agent-leaves?user=ann&ends=true");
        centre_sees (eve, "user left", "Ann Agent");
        CENTRE_CONTROL ("");
        s_expect_nobody_is_asked (eve, round);
    }
    leaves (&eve);
    centre_ends ();
}

Test (genesys_ends, the_visitor_goes)
{
    centre_begins ("");
    person_t *eve = centre_visitor ("eve", "s1");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    leaves (&eve);
    s_expect_nothing_left ();
    CENTRE_CONTROL ("");
    centre_ends ();
}

//  What is said there from then on is for nobody, and is said to have failed.
Test (genesys_ends, one_of_our_own_takes_over)
{
    centre_begins ("");
    person_t *eve = centre_visitor ("eve", "s1");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    cr_assert_eq (desk_acts (centre_stack, "s1", "otto", "take"), 200);
    centre_sees (eve, "user left", "Ann Agent");
    s_expect_nothing_left ();
    genesys_control ("says?text=too late&user=ann");
    says (eve, "hello otto");
    EVENTUALLY (CENTRE_PATIENCE_MS,
                strstr (genesys_control ("receipts"), "\"status\": \"Failed\""));
    hears_nothing (eve, 300);
    cr_expect_not (centre_heard ("hello otto"));
    s_expect_nothing_left ();
    leaves (&eve);
    centre_ends ();
}

Test (genesys_ends, it_is_out_of_reach)
{
    centre_begins (",\"unreachableSeconds\":2");
    person_t *eve = centre_visitor ("eve", "s1");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    genesys_control ("fault?kind=status&status=503&times=0");
    says (eve, "is anybody there?");
    centre_sees (eve, "user left", "Ann Agent");
    hears (eve, "bot", "You said: is anybody there?");
    cr_expect_not (centre_is_empty ());
    genesys_control ("mend");
    //  As soon as it is back: not both.
    s_expect_nothing_left ();
    const char *state = genesys_control ("state");
    cr_expect_null (strstr (state, "is anybody there?"));
    leaves (&eve);
    centre_ends ();
}

Test (genesys_ends, it_may_not_be_used)
{
    centre_begins ("");
    genesys_control ("permission?name=conversation:message:receive&on=false");
    person_t *eve = rich_visitor_opens (centre_stack, 1, "eve", "s1");
    says (eve, "agent please");
    hears (eve, "bot", "I call somebody");
    says (eve, "well?");
    hears (eve, "bot", "You said: well?");
    cr_expect_eq (genesys_platform_count (" 403 "), 1);
    s_expect_nothing_left ();
    leaves (&eve);
    centre_ends ();
}

//  Before anything of the visitor is deleted here: nobody would know of the conversation any more.
Test (genesys_ends, the_visitor_is_erased)
{
    centre_begins ("");
    person_t *eve = centre_visitor ("eve", "s1");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    cr_assert_eq (desk_asks (centre_stack, "DELETE visitors/eve", "%s", ""), 202);
    EVENTUALLY (CENTRE_PATIENCE_MS,
                strcmp (desk_sql (centre_stack, "SELECT state::text FROM erasure"), "4") == 0);
    cr_expect (centre_is_empty ());
    cr_expect_eq (centre_items (0) + centre_items (1) + centre_items (DEAD), 0);
    leaves (&eve);
    s_expect_nothing_left ();
    centre_ends ();
}

//  Of one visitor, in two sessions: two conversations, and each hears its own.
Test (genesys_ends, two_sessions_are_two_conversations)
{
    centre_begins ("");
    person_t *one = centre_visitor ("eve", "s1");
    person_t *two = centre_visitor ("eve", "s2");
    says (one, "in the first");
    says (two, "in the second");
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_heard ("in the first"));
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_heard ("in the second"));
    genesys_control ("agent-joins?user=ann");
    genesys_control ("says?text=to the second&user=ann");
    hears (two, "platform.genesys", "to the second");
    hears_nothing (one, 300);
    leaves (&one);
    leaves (&two);
    s_expect_nothing_left ();
    centre_ends ();
}

//  A second hand-over: by threading it is the same conversation, which begins with what was said
//  meanwhile.
Test (genesys_ends, a_visitor_who_comes_again)
{
    centre_begins ("");
    person_t *eve = centre_visitor ("eve", "s1");
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    genesys_control ("says?text=done&user=ann");
    hears (eve, "platform.genesys", "done");
    genesys_control ("agent-leaves?user=ann&ends=true");
    centre_sees (eve, "user left", "Ann Agent");
    CENTRE_CONTROL ("");
    s_expect_nothing_left ();
    says (eve, "agent please");
    hears (eve, "bot", "I call somebody");
    CENTRE_CONTROL ("platform.genesys");
    genesys_control ("agent-joins?user=bob");
    centre_sees (eve, "user joined", "Bob Builder");
    genesys_control ("says?text=bob here&user=bob");
    hears (eve, "platform.genesys", "bob here");
    cr_expect_eq (genesys_platform_count ("What was said before"), 2);
    cr_expect_eq (genesys_platform_count ("Ann Agent (platform): done"), 1);
    genesys_control ("agent-leaves?user=bob&ends=true");
    centre_sees (eve, "user left", "Bob Builder");
    s_expect_nothing_left ();
    cr_expect_eq (centre_items (DEAD), 0);
    leaves (&eve);
    centre_ends ();
}

//  The agent ends the conversation in the very moment in which the visitor says something: it is
//  delivered, and then opens the conversation again, or it is put to the bot. It is never lost, and
//  what was delivered behind the end is never put to the bot as well.
#define ROUNDS 9

//  The conversation goes on there by these words.
static bool
s_goes_on (const char *words)
{
    return centre_heard (words) && !centre_is_empty ();
}

static void
s_round (person_t *eve, unsigned round, unsigned tally[2])
{
    char words[40];
    snprintf (words, sizeof words, "word of round %u", round);
    genesys_control ("agent-joins?user=ann");
    centre_sees (eve, "user joined", "Ann Agent");
    //  Before the end, behind it, and as soon as the visitor is told.
    if (round % 3 == 0)
        says (eve, words);
    genesys_control ("agent-leaves?user=ann&ends=true");
    if (round % 3 == 1)
        says (eve, words);
    centre_sees (eve, "user left", "Ann Agent");
    if (round % 3 == 2)
        says (eve, words);
    EVENTUALLY (CENTRE_PATIENCE_MS, s_goes_on (words) || centre_controls (""));
    bool goes_on = s_goes_on (words);
    if (!goes_on)
        EVENTUALLY (CENTRE_PATIENCE_MS, s_is_put (words));
    cr_expect (!goes_on || !s_is_put (words), "%s: delivered, and put to the bot", words);
    tally[!goes_on]++;
}

//  Back at the platform, whoever answers at the moment.
static void
s_hand_over (person_t *eve)
{
    if (!centre_controls ("platform.genesys")) {
        says (eve, "agent please");
        hears_at_last (eve, "bot", "I call somebody");
    }
    CENTRE_CONTROL ("platform.genesys");
}

Test (genesys_ends, what_is_said_as_the_agent_leaves)
{
    unsigned tally[2] = { 0, 0 };
    centre_begins ("");
    person_t *eve = centre_visitor ("eve", "s1");
    for (unsigned round = 0; round < ROUNDS; round++) {
        s_hand_over (eve);
        s_round (eve, round, tally);
    }
    printf ("said as the agent left: %u delivered, and the platform went on; %u put to the bot\n",
            tally[0], tally[1]);
    cr_expect_eq (tally[0] + tally[1], ROUNDS);
    leaves (&eve);
    s_expect_nothing_left ();
    cr_expect_eq (centre_items (DEAD), 0);
    centre_ends ();
}
