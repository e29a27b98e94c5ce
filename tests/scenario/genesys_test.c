//  genesys — the whole story: a bot hands the visitor over to a contact centre, who waits there,
//  meets an agent, is passed on, taken over by a supervisor, and comes back to the bot. All
//  services are real, but for Genesys Cloud, which follows a script (tests/genesys). Told once as
//  it is, and with a kill -9 in every step.

#include "contact_centre.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { NOBODY, A_CONNECTOR, A_POSTOFFICE } victim_t;

static victim_t s_victim;
static unsigned s_kills;

//  kill -9, now, in the middle of whatever is under way; it is started again at once.
static void
s_strike (const char *step)
{
    char name[40];
    if (s_victim == NOBODY)
        return;
    const char *program = s_victim == A_CONNECTOR ? "genesys-connector" : "postoffice";
    snprintf (name, sizeof name, "%s-%u", program, s_kills++ % 2 + 1);
    printf ("%-38s kill -9 %s\n", step, name);
    stack_kill (centre_stack, name);
    cr_assert (s_victim == A_CONNECTOR ? stack_launch (centre_stack, name)
                                       : stack_start (centre_stack, name));
}

// ------------------------------------------------------------------------------------------------
//  What came of it

//  How often the visitor's words stand in the conversations there, and whether they stand in order.
static void
s_expect_heard (const char *const *words, size_t count)
{
    json_object *state = json_tokener_parse (genesys_control ("state")), *all, *messages;
    unsigned lost = 0, doubled = 0, late = 0;
    size_t last = 0;
    cr_assert (json_object_object_get_ex (state, "conversations", &all));
    cr_expect_eq (json_object_array_length (all), 1, "a second conversation was opened");
    json_object *conversation = json_object_array_get_idx (all, 0);
    cr_assert (json_object_object_get_ex (conversation, "messages", &messages));
    for (size_t word = 0; word < count; word++) {
        unsigned found = 0;
        for (size_t at = 0; at < json_object_array_length (messages); at++) {
            json_object *one = json_object_array_get_idx (messages, at), *text;
            if (!json_object_object_get_ex (one, "text", &text)
                || strcmp (json_object_get_string (text), words[word]) != 0)
                continue;
            late += found == 0 && at < last;
            last = at;
            found++;
        }
        lost += found == 0;
        doubled += found > 1;
    }
    printf ("the agents heard %zu: lost %u, doubled %u, out of order %u; kills %u; repeated by us,"
            " and dropped there: %u\n",
            count, lost, doubled, late, s_kills, genesys_platform_count ("AGAIN"));
    cr_expect (lost == 0 && doubled == 0 && late == 0);
    json_object_put (state);
}

static void
s_show_log (void)
{
    printf ("%s\n",
            desk_sql (centre_stack,
                      "SELECT string_agg (to_char (to_timestamp (time_ms / 1000.0), 'MI:SS.MS')"
                      " || '  ' || rpad (what, 14) || who || said, E'\\n' ORDER BY seq)"
                      " FROM (SELECT seq, time_ms, CASE event WHEN 1 THEN 'user joined'"
                      " WHEN 2 THEN 'user left' WHEN 3 THEN 'says' WHEN 4 THEN 'takes over'"
                      " WHEN 5 THEN 'is out' WHEN 6 THEN 'handoff' WHEN 12 THEN 'offer'"
                      " WHEN 13 THEN 'offer ended' ELSE event::text END AS what, user_id ||"
                      " coalesce (' (' || (sender::json->>'displayName') || ')', '') AS who,"
                      " coalesce (': ' || coalesce (data::json->>'rawQuery',"
                      " data::json->'outputSpeech'->>'displayText',"
                      " data::json->>'outputSpeech', data::json->>'why'), '') AS said"
                      " FROM log WHERE session = 'demo/s1') AS lines"));
}

// ------------------------------------------------------------------------------------------------

static const char *const s_words[] = { "is anybody there?", "here I am", "and on Sundays?",
                                       "to the next one", "to the supervisor", "thank you all" };

static void
s_agent_says (const char *user, const char *words)
{
    genesys_control ("says?user=%s&text=%s", user, words);
}

#define SAYS_AND_IS_HEARD(who, words)                                                              \
    do {                                                                                           \
        says (who, words);                                                                         \
        s_strike ("the visitor says something");                                                   \
        EVENTUALLY (CENTRE_PATIENCE_MS, centre_heard (words));                                     \
    } while (0)

static void
s_tell (void)
{
    person_t *eve = rich_visitor_opens (centre_stack, 1, "eve", "s1");
    says (eve, "opening hours?");
    hears (eve, "bot", "You said: opening hours?");
    says (eve, "agent please");
    hears (eve, "bot", "I call somebody");
    s_strike ("the visitor is handed over");
    CENTRE_CONTROL ("platform.genesys");
    SAYS_AND_IS_HEARD (eve, s_words[0]);

    genesys_control ("agent-alerts?user=ann");
    s_strike ("an agent is called");
    genesys_control ("agent-joins?user=ann");
    s_strike ("an agent comes");
    centre_sees (eve, "user joined", "Ann Agent");
    s_agent_says ("ann", "good morning");
    s_strike ("the agent says something");
    hears (eve, "platform.genesys", "good morning");
    SAYS_AND_IS_HEARD (eve, s_words[1]);
    SAYS_AND_IS_HEARD (eve, s_words[2]);

    genesys_control ("transfer?user=ann");
    s_strike ("the agent passes the visitor on");
    centre_sees (eve, "user left", "Ann Agent");
    SAYS_AND_IS_HEARD (eve, s_words[3]);
    genesys_control ("agent-joins?user=bob");
    s_strike ("the next agent comes");
    centre_sees (eve, "user joined", "Bob Builder");
    s_agent_says ("bob", "bob here");
    hears (eve, "platform.genesys", "bob here");

    genesys_control ("takeover?user=boss");
    s_strike ("a supervisor takes over");
    centre_sees (eve, "user left", "Bob Builder");
    centre_sees (eve, "user joined", "Sue Supervisor");
    s_agent_says ("boss", "sue here");
    hears (eve, "platform.genesys", "sue here");
    SAYS_AND_IS_HEARD (eve, s_words[4]);
    SAYS_AND_IS_HEARD (eve, s_words[5]);
    s_agent_says ("boss", "good bye");
    hears (eve, "platform.genesys", "good bye");

    genesys_control ("agent-leaves?user=boss&ends=true");
    s_strike ("the supervisor ends it");
    centre_sees (eve, "user left", "Sue Supervisor");
    CENTRE_CONTROL ("");
    s_strike ("the bot has the visitor back");
    says (eve, "once more");
    hears (eve, "bot", "You said: once more");
    for (size_t at = 0; at < sizeof s_words / sizeof *s_words; at++)
        cr_expect_eq (bot_asked (centre_bot, s_words[at]), 0, "the bot was asked: %s", s_words[at]);
    s_expect_heard (s_words, sizeof s_words / sizeof *s_words);
    leaves (&eve);
}

//  Nothing is left: no conversation there without us, nothing undone, nothing given up.
static void
s_expect_nothing_left (void)
{
    EVENTUALLY (CENTRE_PATIENCE_MS, centre_items (0) + centre_items (1) == 0);
    cr_expect_eq (centre_items (3), 0);
    cr_expect (centre_is_empty ());
    s_show_log ();
}

static void
s_story (victim_t victim)
{
    s_victim = victim;
    centre_begins (",\"queueSeconds\":120");
    s_tell ();
    s_expect_nothing_left ();
    centre_ends ();
}

Test (genesys, the_whole_story)
{
    s_story (NOBODY);
}

Test (genesys, the_whole_story_with_a_connector_killed_in_every_step)
{
    s_story (A_CONNECTOR);
}

Test (genesys, the_whole_story_with_a_postoffice_killed_in_every_step)
{
    s_story (A_POSTOFFICE);
}

//  Genesys took the transcript, and says later that it has not reached anybody: somebody is to see
//  that. The visitor stays.
Test (genesys, what_the_offer_began_with_has_failed)
{
    static const char offer[] = "SELECT state || ' ' || split_part (detail, ' ', 2) FROM work_item"
                                " WHERE item LIKE ':offer:%'";
    centre_begins ("");
    person_t *eve = centre_visitor ("eve", "s1");
    EVENTUALLY (CENTRE_PATIENCE_MS, strncmp (desk_sql (centre_stack, offer), "2 ", 2) == 0);
    genesys_control ("receipt?status=Failed&id=%s",
                     desk_sql (centre_stack, "SELECT split_part (detail, ' ', 1) FROM work_item"
                                             " WHERE item LIKE ':offer:%'"));
    EVENTUALLY (CENTRE_PATIENCE_MS, strcmp (desk_sql (centre_stack, offer), "3 failed:") == 0);
    cr_expect_eq (centre_items (3), 1);
    CENTRE_CONTROL ("platform.genesys");
    leaves (&eve);
    centre_ends ();
}
