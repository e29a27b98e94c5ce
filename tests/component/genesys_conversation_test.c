//  A genesys-connector before the scripted platform: what visitors say, choose and type goes there,
//  and what became of it comes back.

#include "genesys_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ------------------------------------------------------------------------------------------------
//  What is said

Test (genesys_conversation, what_is_said_goes_there)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_item_run_t text =
        GENESYS_RUN ("text", GENESYS_SAYS (12, "visitor", "Vic", "{\"rawQuery\":\"hello there\"}"));
    genesys_item_run_t file = GENESYS_RUN (
        "file", GENESYS_SAYS (13, "visitor", "Vic",
                              "{\"rawQuery\":\"look\",\"attachments\":[{\"url\":"
                              "\"https://x.example.com/a.png\",\"type\":\"image/png\"}]}"));
    genesys_item_run_t agent =
        GENESYS_RUN ("agent", GENESYS_SAYS (14, "agent", "Anna", "{\"rawQuery\":\"I am off\"}"));
    genesys_item_run_t joined =
        GENESYS_RUN ("joined", GENESYS_BODY (15, "user joined", ",\"role\":\"visitor\""));
    GENESYS_ANSWERED (&text, 1);
    cr_expect_eq (strlen (text.done->detail), 32);
    GENESYS_ANSWERED (&file, 1);
    GENESYS_ANSWERED (&agent, 1);
    GENESYS_ANSWERED (&joined, 1);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 5); //  with the opening
    genesys_expect_log (GENESYS_MESSAGE_POST, "\\\"nickname\\\":\\\"Vic\\\"", 4);
    genesys_expect_log (GENESYS_MESSAGE_POST, "\\\"mediaType\\\":\\\"Image\\\"", 1);
    genesys_expect_log (GENESYS_MESSAGE_POST, "Anna: I am off", 1);
    cr_expect_eq (genesys_conversations (), 1);
    genesys_end ();
}

Test (genesys_conversation, a_choice_goes_back_or_is_said_in_words)
{
    char body[1200], unknown[1200];
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control_post ("says", "{\"id\":\"q1\",\"text\":\"Proceed?\",\"type\":\"Structured\","
                                  "\"send\":false,\"content\":[{\"contentType\":\"QuickReply\","
                                  "\"quickReply\":{\"text\":\"Yes\",\"payload\":\"yes sir\"}}]}");
    snprintf (body, sizeof body,
              GENESYS_SAYS (12, "visitor", "Vic", "{\"type\":\"OPTION_SELECT_REQUEST\","
                            "\"title\":\"Yes\",\"rawQuery\":\"Yes\",\"token\":\"%s\"}"),
              "genesys:QuickReply:q1:yes%20sir");
    genesys_item_run_t good = GENESYS_RUN ("good", body);
    GENESYS_ANSWERED (&good, 1);
    genesys_expect_log ("structured/response", "\\\"payload\\\":\\\"yes sir\\\"", 1);
    snprintf (unknown, sizeof unknown,
              GENESYS_SAYS (13, "visitor", "Vic", "{\"type\":\"OPTION_SELECT_REQUEST\","
                            "\"title\":\"No\",\"rawQuery\":\"No\",\"token\":\"%s\"}"),
              "genesys:QuickReply:unknown:no");
    genesys_item_run_t gone = GENESYS_RUN ("gone", unknown);
    GENESYS_ANSWERED (&gone, 1);
    genesys_expect_log ("structured/response", " 400 ", 1);
    genesys_expect_log (GENESYS_MESSAGE_POST, "\\\"text\\\":\\\"No\\\"", 1);
    genesys_end ();
}

//  What was accepted of a long one is not said again.
Test (genesys_conversation, a_long_message_goes_on_behind_what_was_accepted)
{
    static char body[20000], words[12001];
    memset (words, 'x', sizeof words - 1);
    snprintf (body, sizeof body, GENESYS_SAYS (12, "visitor", "Vic", "{\"rawQuery\":\"%s\"}"),
              words);
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("fault?kind=status&status=500&path=.*message&times=1");
    genesys_item_run_t text = GENESYS_RUN ("text", body);
    cr_assert_eq (genesys_attempt (&text)->outcome, OUTCOME_RETRY);
    GENESYS_ANSWERED (&text, 1);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 1 + 1 + 3);
    cr_expect_eq (genesys_platform_count ("AGAIN"), 0);
    //  And the ids of the first try's are not forgotten.
    cr_expect_eq (strlen (text.done->detail), 3 * 32 + 2);
    genesys_end ();
}

#define CHOICE(seq, token)                                                                         \
    GENESYS_SAYS (seq, "visitor", "Vic",                                                           \
                  "{\"type\":\"OPTION_SELECT_REQUEST\",\"title\":\"No\",\"rawQuery\":\"No\"," \
                  "\"token\":\"" token "\"}")

//  It may have been taken, and be refused for that: in words it would be there twice.
Test (genesys_conversation, an_unsure_choice_is_not_said_again_in_words)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control_post ("says", "{\"id\":\"q1\",\"text\":\"Proceed?\",\"type\":\"Structured\","
                                  "\"send\":false,\"content\":[{\"contentType\":\"QuickReply\","
                                  "\"quickReply\":{\"text\":\"No\",\"payload\":\"no\"}}]}");
    genesys_control ("fault?kind=cut&path=.*structured.*&times=1");
    genesys_control ("fault?kind=status&status=400&path=.*structured.*&times=1");
    genesys_item_run_t choice = GENESYS_RUN ("choice", CHOICE (12, "genesys:QuickReply:q1:no"));
    cr_assert_eq (genesys_attempt (&choice)->outcome, OUTCOME_RETRY, "%s", choice.done->detail);
    cr_assert_eq (genesys_attempt (&choice)->outcome, OUTCOME_DEAD, "%s", choice.done->detail);
    cr_expect_eq (choice.done->status, 400);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 1); //  the opening
    genesys_end ();
}

//  In words it is one message, of 4,000 characters, as the choice was one; none is cut in two.
Test (genesys_conversation, a_long_choice_is_cut_in_words)
{
    enum { LETTERS = 4100 };
    static char body[20000], words[2 * LETTERS + 1];
    genesys_start (NULL, NULL);
    genesys_open ();
    for (size_t at = 0; at < LETTERS; at++)
        memcpy (words + 2 * at, "\xc3\xa9", 2);
    snprintf (body, sizeof body,
              GENESYS_SAYS (12, "visitor", "Vic", "{\"title\":\"%s\",\"rawQuery\":\"%s\","
                            "\"token\":\"genesys:QuickReply:q1:no\"}"), words, words);
    genesys_item_run_t choice = GENESYS_RUN ("choice", body);
    GENESYS_ANSWERED (&choice, 1); //  there is no such message any more
    char *all = genesys_bodies (GENESYS_MESSAGE_POST);
    const char *text = strstr (all, "\\u00e9");
    cr_assert (text, "%s", all);
    cr_expect_eq (strspn (text, "\\u0e9") / strlen ("\\u00e9"), 4000);
    free (all);
    genesys_end ();
}

//  What a visitor sends may be too long for anything.
Test (genesys_conversation, a_choice_that_is_too_long_is_a_dead_letter)
{
    static char body[600000];
    genesys_start (NULL, NULL);
    genesys_open ();
    size_t size = (size_t) snprintf (
        body, sizeof body, GENESYS_BODY (12, "new message", ",\"role\":\"visitor\",\"data\":"
                                         "{\"token\":\"genesys:Button:q1:"));
    size -= 1; //  the brace of the body
    for (int at = 0; at < 150000; at++, size += 3)
        memcpy (body + size, "%01", 3);
    snprintf (body + size, sizeof body - size, "\"}}");
    genesys_item_run_t choice = GENESYS_RUN ("choice", body);
    cr_assert_eq (genesys_attempt (&choice)->outcome, OUTCOME_DEAD, "%s", choice.done->detail);
    cr_expect_str_eq (choice.done->detail, "it is too long for a message to Genesys");
    genesys_item_run_t text =
        GENESYS_RUN ("text", GENESYS_SAYS (13, "visitor", "Vic", "{\"rawQuery\":\"hello there\"}"));
    GENESYS_ANSWERED (&text, 1); //  the same process
    genesys_end ();
}

//  The right is gone: the visitor's app decides who answers, at once.
Test (genesys_conversation, a_403_gives_the_visitor_back)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("permission?name=conversation:message:receive&on=false");
    genesys_item_run_t text =
        GENESYS_RUN ("text", GENESYS_SAYS (12, "visitor", "Vic", "{\"rawQuery\":\"hello there\"}"));
    cr_assert_eq (genesys_attempt (&text)->outcome, OUTCOME_DEAD);
    cr_expect_str_eq (genesys_session.acts, "release unreachable; ");
    genesys_end ();
}

//  By threading a message opens the conversation again; beyond that it is another one, and the lane
//  knows which.
Test (genesys_conversation, another_conversation_is_remembered)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    char before[1100];
    snprintf (before, sizeof before, "%s", genesys_session.memory);
    genesys_control ("set?threading=false");
    genesys_control ("customer-ends");
    genesys_item_run_t text =
        GENESYS_RUN ("text", GENESYS_SAYS (12, "visitor", "Vic", "{\"rawQuery\":\"hello there\"}"));
    GENESYS_ANSWERED (&text, 1);
    cr_expect_str_neq (genesys_session.memory, before);
    cr_expect_eq (genesys_conversations (), 2);
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    const char *state = genesys_control ("state");
    cr_expect_null (strstr (state, "\"state\": \"connected\""), "%s", state);
    genesys_end ();
}

// ------------------------------------------------------------------------------------------------
//  The visitor has gone

#define LEFT(seq) GENESYS_BODY (seq, "user left", ",\"role\":\"visitor\",\"userId\":\"vic\"")

Test (genesys_conversation, who_has_gone_is_given_back)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_item_run_t back = GENESYS_RUN ("back", LEFT (12));
    GENESYS_ANSWERED (&back, 1);
    cr_expect_str_eq (back.done->detail, "the visitor is back");
    genesys_session.visitor_is_away = true;
    genesys_session.refusals = 2; //  something happens in the session meanwhile
    genesys_item_run_t left = GENESYS_RUN ("left", LEFT (13));
    GENESYS_ANSWERED (&left, 1);
    cr_expect_str_eq (genesys_session.acts, "release; ");
    genesys_item_run_t later = GENESYS_RUN ("later", LEFT (14));
    GENESYS_ANSWERED (&later, 1);
    cr_expect_str_eq (later.done->detail, "the platform is out already");
    genesys_session.status = 503;
    genesys_item_run_t down = GENESYS_RUN ("down", LEFT (15));
    cr_expect_eq (genesys_attempt (&down)->outcome, OUTCOME_RETRY);
    genesys_end ();
}

// ------------------------------------------------------------------------------------------------
//  Receipts, typing

#define RECEIPT(seq, id, status, more)                                                             \
    "{\"event\":\"receipt\",\"seq\":" #seq ",\"timeMs\":17953560" #seq "000,"                      \
    "\"appId\":\"demo\",\"sessionId\":\"s-1\",\"externalId\":\"e-1\",\"id\":\"" id "\","           \
    "\"status\":\"" status "\"" more "}"

Test (genesys_conversation, receipts_go_there)
{
    genesys_start (NULL, NULL);
    genesys_session.entries = NULL;
    genesys_open ();
    //  The platform knows the visitor by the id that the opening had.
    genesys_control ("says?text=hi&id=g1&send=false&user=ann");
    genesys_control ("says?text=hi&id=g2&send=false&user=ann");
    genesys_item_run_t good = GENESYS_RUN ("good", RECEIPT (12, "g1", "Delivered", ""));
    genesys_item_run_t bad = GENESYS_RUN (
        "bad", RECEIPT (13, "g2", "Failed", ",\"code\":\"GeneralError\",\"reason\":\"closed\""));
    genesys_item_run_t unknown = GENESYS_RUN ("unknown", RECEIPT (14, "g3", "Delivered", ""));
    GENESYS_ANSWERED (&good, 1);
    GENESYS_ANSWERED (&bad, 1);
    //  404: nothing is lost with it, and nobody is to be called.
    GENESYS_ANSWERED (&unknown, 1);
    cr_expect_eq (genesys_metric ("stentor_genesys_receipts_unknown_total{app=\"demo\"}"), 1);
    genesys_expect_log ("open/receipt", " 200 ", 2);
    genesys_control ("fault?kind=status&status=403&path=.*receipt&times=1");
    genesys_item_run_t forbidden = GENESYS_RUN ("forbidden", RECEIPT (15, "g1", "Delivered", ""));
    cr_assert_eq (genesys_attempt (&forbidden)->outcome, OUTCOME_DEAD);
    genesys_expect_log ("open/receipt", "\\\"reasons\\\":[{\\\"code\\\":\\\"GeneralError\\\"", 1);
    genesys_end ();
}

//  What became of a message is told once it may be told again.
Test (genesys_conversation, receipts_wait_while_no_call_is_made)
{
    genesys_start (NULL, (const char *const[]){ "GENESYS_LOGIN_BACKOFF=2s", NULL });
    genesys_open ();
    genesys_control ("says?text=hi&id=g1&send=false&user=ann");
    genesys_control ("fault?kind=status&status=403&path=.*message&times=1");
    genesys_item_run_t text =
        GENESYS_RUN ("text", GENESYS_SAYS (12, "visitor", "Vic", "{\"rawQuery\":\"hello there\"}"));
    cr_assert_eq (genesys_attempt (&text)->outcome, OUTCOME_DEAD);
    genesys_item_run_t good = GENESYS_RUN ("good", RECEIPT (13, "g1", "Delivered", ""));
    cr_assert_eq (genesys_attempt (&good)->outcome, OUTCOME_RETRY, "%s", good.done->detail);
    uint64_t until = eventually_deadline (20000);
    while (genesys_attempt (&good)->outcome == OUTCOME_RETRY) {
        cr_assert (eventually_again (until), "%s", good.done->detail);
        *good.memory = '\0'; //  it comes sooner than it says, and these do not count
    }
    cr_expect_str_eq (good.done->detail, "Genesys has the receipt");
    genesys_end ();
}

Test (genesys_conversation, an_app_may_send_no_receipts)
{
    genesys_start ("{\"receipts\":false}", NULL);
    genesys_open ();
    genesys_control ("says?text=hi&id=g2&send=false&user=ann");
    genesys_item_run_t good = GENESYS_RUN ("good", RECEIPT (12, "g1", "Delivered", ""));
    genesys_item_run_t bad =
        GENESYS_RUN ("bad", RECEIPT (13, "g2", "Failed", ",\"reason\":\"closed\""));
    GENESYS_ANSWERED (&good, 1);
    GENESYS_ANSWERED (&bad, 1);
    genesys_expect_log ("open/receipt", " 200 ", 1); //  what failed is always said
    genesys_end ();
}

static void
s_types (const char *app)
{
    worker_fixture_notice (genesys_fixture, &(bus_notice_t){ .topic = TEXT ("platform.genesys"),
                                                             .app = text_of (app),
                                                             .session = TEXT ("s-1"),
                                                             .external_id = TEXT ("e-1"),
                                                             .event = EVENT_TYPING });
}

Test (genesys_conversation, typing_goes_there)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    s_types ("nobody");
    s_types ("demo");
    RIG_UNTIL (&genesys_fixture->rig, 20000, genesys_platform_count ("open/event") == 1);
    genesys_expect_log ("open/event", " 200 ", 1);
    genesys_end ();
}
