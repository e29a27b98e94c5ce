//  A genesys-connector before the scripted platform: a conversation is opened, goes on, and is
//  ended; what passes is tried again with the same bytes, what does not is said at once.

#include "genesys_rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_POST "inbound/open/message"
#define ANSWERED(run, most)                                                                        \
    cr_assert_eq (genesys_drive (run, most)->outcome, OUTCOME_ANSWERED, "%s", (run)->done->detail)

//  The bodies that the platform was sent by this call, one behind the other; to be freed.
static char *
s_bodies (const char *call)
{
    char *all = strdup (genesys_control ("log?text=%s", call));
    return all;
}

static void
s_expect_log (const char *call, const char *text, unsigned count)
{
    char *all = s_bodies (call);
    unsigned found = 0;
    for (const char *at = all; (at = strstr (at, text)); at++)
        found++;
    cr_expect_eq (found, count, "%s: %u in %s", text, found, all);
    free (all);
}

static unsigned
s_conversations (void)
{
    const char *state = genesys_control ("state");
    unsigned count = 0;
    for (const char *at = state; (at = strstr (at, "\"forgotten\"")); at++)
        count++;
    return count;
}

#define ROW(seq, event, role, name, data)                                                          \
    "{\"seq\":" #seq ",\"event\":\"" event "\",\"role\":\"" role "\","                             \
    "\"sender\":{\"displayName\":\"" name "\"},\"data\":" data ",\"hidden\":false}"
#define SAYS_VISITOR(words)                                                                        \
    ROW (3, "new message", "visitor", "Vic", "{\"rawQuery\":\"" words "\"}")
#define SAYS_BOT(words)                                                                            \
    ROW (4, "new message", "bot", "Support",                                                       \
         "{\"outputSpeech\":{\"displayText\":\"" words "\"}}")
#define WHISPERS ROW (5, "whisper", "agent", "Anna", "{\"rawQuery\":\"not for others\"}")

// ------------------------------------------------------------------------------------------------
//  Opening

Test (genesys_conversation, is_opened_with_what_was_said)
{
    genesys_start (NULL, NULL);
    genesys_session.entries = WHISPERS "," SAYS_BOT ("We open at nine.") ","
                              SAYS_VISITOR ("opening hours?");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    //  First it is remembered that there will be one.
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_assert_eq (offer.done->after_ms, 0);
    cr_assert (strstr (genesys_session.memory, "\"opening\":10"), "%s", genesys_session.memory);
    cr_assert_eq (genesys_platform_count (MESSAGE_POST), 0);
    ANSWERED (&offer, 1);
    cr_expect (strstr (offer.done->data, "\"isQuiet\":true,\"watch\":{\"conversation\":\""), "%s",
               offer.done->data);
    cr_expect (strstr (genesys_session.memory, "\"conversation\":\""), "%s",
               genesys_session.memory);
    cr_expect_eq (strlen (offer.done->detail), 32); //  the message there
    s_expect_log (MESSAGE_POST, "prefetchConversationId=true 200", 1);
    s_expect_log (MESSAGE_POST, "What was said before:\\\\nVic (visitor): opening hours?"
                                "\\\\nSupport (bot): We open at nine.", 1);
    s_expect_log (MESSAGE_POST, "not for others", 0);
    s_expect_log (MESSAGE_POST, "2026-11-22T14:00:10.000Z", 1);
    const char *state = genesys_control ("state");
    cr_expect (strstr (state, "\"sessionId\": \"s-1\""), "%s", state);
    cr_expect (strstr (state, "\"reason\": \"an invoice\""));
    cr_expect (strstr (state, "\"name\": \"Vic\""));
    cr_expect_null (strstr (state, "\"userId\""));
    genesys_end ();
}

Test (genesys_conversation, is_opened_without_what_the_app_keeps_back)
{
    genesys_start ("{\"transcript\":\"none\",\"attributes\":false}", NULL);
    genesys_session.entries = SAYS_VISITOR ("opening hours?");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    ANSWERED (&offer, 2);
    s_expect_log (MESSAGE_POST, "opening hours", 0);
    s_expect_log (MESSAGE_POST, "customAttributes", 0);
    cr_expect_eq (genesys_fixture->asked_count, 0);
    genesys_end ();
}

//  The settings are those that it began with: each try has the same bytes.
Test (genesys_conversation, a_long_transcript_is_several_messages_in_order)
{
    static char entries[30000];
    size_t size = 0;
    genesys_start ("{\"transcript\":\"whole\"}", NULL);
    for (int at = 0; at < 100; at++) {
        char words[101];
        memset (words, 'a' + at % 26, 100);
        words[100] = '\0';
        size += (size_t) snprintf (entries + size, sizeof entries - size,
                                   "%s" SAYS_VISITOR ("%d %s"), at > 0 ? "," : "", at, words);
    }
    genesys_session.entries = entries;
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    ANSWERED (&offer, 2);
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 4);
    cr_expect_eq (strlen (offer.done->detail), 4 * 32 + 3); //  the messages there
    s_expect_log (MESSAGE_POST, "customAttributes", 1);
    s_expect_log (MESSAGE_POST, "2026-11-22T14:00:10.002Z", 1);
    char *all = s_bodies (MESSAGE_POST);
    const char *first = strstr (all, ": 99 "), *middle = strstr (all, ": 50 "),
               *last = strstr (all, ": 0 ");
    cr_expect (first && first < middle && middle < last);
    free (all);
    cr_expect_eq (s_conversations (), 1);
    genesys_end ();
}

//  It was taken, and nobody heard of it: the same again opens no second conversation.
Test (genesys_conversation, an_unsure_try_opens_no_second_one)
{
    genesys_start (NULL, NULL);
    genesys_control ("fault?kind=cut&path=.*message&times=1");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_assert_geq (offer.done->after_ms, 500);
    ANSWERED (&offer, 1);
    cr_expect_eq (genesys_platform_count ("AGAIN"), 1);
    cr_expect_eq (s_conversations (), 1);
    genesys_end ();
}

Test (genesys_conversation, kill_9_between_the_post_and_the_report)
{
    genesys_start (NULL, NULL);
    genesys_session.entries = SAYS_VISITOR ("opening hours?");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    genesys_control ("fault?kind=hang-after&path=.*message&times=1");
    genesys_hand (&offer);
    RIG_UNTIL (&genesys_fixture->rig, 20000, genesys_platform_count (MESSAGE_POST) == 1);
    process_kill (genesys_fixture->process, SIGKILL);
    worker_fixture_again (genesys_fixture);
    offer.lost = 1;
    offer.attempts = 2;
    worker_fixture_settle (genesys_fixture, offer.item);
    ANSWERED (&offer, 1);
    cr_expect_eq (genesys_platform_count ("AGAIN"), 1); //  and no WRONG: the same bytes
    cr_expect_eq (s_conversations (), 1);
    genesys_end ();
}

//  Nobody could say who is there: the next responder is asked, and the conversation is ended.
Test (genesys_conversation, that_has_no_name_is_declined)
{
    genesys_start (NULL, NULL);
    genesys_control ("set?prefetch=false");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    cr_assert_eq (genesys_drive (&offer, 10)->outcome, OUTCOME_DEAD, "%s", offer.done->detail);
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 3);
    genesys_control ("set?prefetch=true");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (12, "over", ""));
    ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_eq (s_conversations (), 1);
    genesys_end ();
}

Test (genesys_conversation, a_403_declines_at_once)
{
    genesys_start (NULL, NULL);
    genesys_control ("permission?name=conversation:message:receive&on=false");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    cr_assert_eq (genesys_drive (&offer, 2)->outcome, OUTCOME_DEAD);
    cr_expect_eq (offer.attempts, 2);
    cr_expect_eq (offer.done->status, 403);
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 1);
    //  Nothing is there: what ends the offer has nothing to end.
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (12, "over", ""));
    ANSWERED (&over, 1);
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 1);
    genesys_end ();
}

Test (genesys_conversation, a_wrong_secret_declines_at_once)
{
    genesys_start (NULL, NULL);
    genesys_control ("set?secret=another");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    cr_assert_eq (genesys_drive (&offer, 2)->outcome, OUTCOME_DEAD);
    genesys_item_run_t more = GENESYS_RUN ("more", GENESYS_OFFER (14));
    cr_assert_eq (genesys_drive (&more, 2)->outcome, OUTCOME_DEAD);
    cr_expect_eq (genesys_platform_count ("LOGIN refused"), 1);
    genesys_end ();
}

Test (genesys_conversation, what_passes_is_tried_again)
{
    genesys_start (NULL, NULL);
    genesys_control ("fault?kind=status&status=503&path=.*message&times=2");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    uint64_t first = offer.done->after_ms;
    cr_assert_eq (offer.done->status, 503);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_expect_gt (offer.done->after_ms, first);
    ANSWERED (&offer, 1);
    genesys_end ();
}

Test (genesys_conversation, retry_after_is_kept)
{
    genesys_start (NULL, NULL);
    genesys_control ("fault?kind=status&status=429&retry=3&path=.*message&times=1");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY, "%s", offer.done->detail);
    cr_expect (offer.done->after_ms >= 3000 && offer.done->after_ms < 3500, "%llu",
               (unsigned long long) offer.done->after_ms);
    genesys_end ();
}

Test (genesys_conversation, bodies_that_are_none_are_dead)
{
    static const char *const bodies[] = {
        "7", "{}", "{\"event\":7}", "{\"event\":\"offer\",\"appId\":\"demo\"}",
        "{\"event\":\"offer\",\"appId\":\"nobody\",\"seq\":3}",
        "{\"event\":\"receipt\",\"appId\":\"demo\",\"status\":\"Read\"}",
    };
    genesys_start (NULL, NULL);
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        char name[20];
        snprintf (name, sizeof name, "bad-%zu", at);
        genesys_item_run_t bad = GENESYS_RUN (name, bodies[at]);
        genesys_drive (&bad, 6);
        cr_expect_eq (bad.done->outcome, at == 1 ? OUTCOME_ANSWERED : OUTCOME_DEAD, "%s: %s",
                      bodies[at], bad.done->detail);
    }
    genesys_end ();
}

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
    ANSWERED (&text, 1);
    cr_expect_eq (strlen (text.done->detail), 32);
    ANSWERED (&file, 1);
    ANSWERED (&agent, 1);
    ANSWERED (&joined, 1);
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 5); //  with the opening
    s_expect_log (MESSAGE_POST, "\\\"nickname\\\":\\\"Vic\\\"", 4);
    s_expect_log (MESSAGE_POST, "\\\"mediaType\\\":\\\"Image\\\"", 1);
    s_expect_log (MESSAGE_POST, "Anna: I am off", 1);
    cr_expect_eq (s_conversations (), 1);
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
    ANSWERED (&good, 1);
    s_expect_log ("structured/response", "\\\"payload\\\":\\\"yes sir\\\"", 1);
    snprintf (unknown, sizeof unknown,
              GENESYS_SAYS (13, "visitor", "Vic", "{\"type\":\"OPTION_SELECT_REQUEST\","
                            "\"title\":\"No\",\"rawQuery\":\"No\",\"token\":\"%s\"}"),
              "genesys:QuickReply:unknown:no");
    genesys_item_run_t gone = GENESYS_RUN ("gone", unknown);
    ANSWERED (&gone, 1);
    s_expect_log ("structured/response", " 400 ", 1);
    s_expect_log (MESSAGE_POST, "\\\"text\\\":\\\"No\\\"", 1);
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
    ANSWERED (&text, 1);
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 1 + 1 + 3);
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
    cr_expect_eq (genesys_platform_count (MESSAGE_POST), 1); //  the opening
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
    ANSWERED (&text, 1); //  the same process
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
    ANSWERED (&text, 1);
    cr_expect_str_neq (genesys_session.memory, before);
    cr_expect_eq (s_conversations (), 2);
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    ANSWERED (&over, 1);
    const char *state = genesys_control ("state");
    cr_expect_null (strstr (state, "\"state\": \"connected\""), "%s", state);
    genesys_end ();
}

// ------------------------------------------------------------------------------------------------
//  The end

static bool
s_is_anybody_there (void)
{
    return strstr (genesys_control ("state"), "\"state\": \"connected\"");
}

Test (genesys_conversation, is_ended_by_its_customer)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    cr_assert (s_is_anybody_there ());
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_not (s_is_anybody_there ());
    cr_expect (strstr (genesys_session.memory, "\"opening\":0"), "%s", genesys_session.memory);
    //  Once more: nothing is open.
    genesys_item_run_t again = GENESYS_RUN ("again", GENESYS_BODY (14, "over", ""));
    ANSWERED (&again, 1);
    cr_expect_eq (genesys_platform_count ("PATCH"), 1);
    genesys_end ();
}

Test (genesys_conversation, that_is_over_is_left_alone)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("customer-ends");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the conversation was over already");
    cr_expect_eq (genesys_platform_count ("PATCH"), 0);
    genesys_end ();
}

Test (genesys_conversation, is_ended_as_a_whole_when_its_customer_cannot_be)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("fault?kind=status&status=403&times=0&method=PATCH&path=.*participants.*");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the conversation is ended");
    cr_expect_not (s_is_anybody_there ());
    genesys_end ();
}

Test (genesys_conversation, that_may_not_be_ended_is_a_dead_letter)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("permission?name=conversation:communication:disconnect&on=false");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_DEAD);
    cr_expect_eq (over.done->status, 403);
    //  It is still open there, and is ended once the right is there and the item is tried anew.
    cr_expect (strstr (genesys_session.memory, "\"conversation\""), "%s", genesys_session.memory);
    genesys_control ("permission?name=conversation:communication:disconnect&on=true");
    ANSWERED (&over, 1);
    cr_expect_not (s_is_anybody_there ());
    genesys_end ();
}

//  A wrong secret says nothing of the conversation: it is ended when the secret is right again.
Test (genesys_conversation, is_ended_once_the_login_is_mended)
{
    genesys_start (NULL, (const char *const[]){ "GENESYS_LOGIN_BACKOFF=100ms", NULL });
    genesys_open ();
    genesys_control ("set?secret=another");
    genesys_control ("revoke");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    for (int at = 0; at < 3; at++)
        cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_RETRY, "%s", over.done->detail);
    cr_expect (strstr (genesys_session.memory, "\"conversation\""), "%s", genesys_session.memory);
    genesys_control ("set?secret=very-secret-demo");
    uint64_t until = eventually_deadline (20000);
    while (genesys_attempt (&over)->outcome == OUTCOME_RETRY)
        cr_assert (eventually_again (until), "%s", over.done->detail);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_not (s_is_anybody_there ());
    genesys_end ();
}

//  The section may come again, and says nothing of the conversation either.
Test (genesys_conversation, without_a_section_its_end_waits)
{
    static const char *const lanes[] = { "{\"opening\":10}",
                                         "{\"opening\":10,\"conversation\":\"c-1\"}" };
    genesys_start (NULL, NULL);
    for (size_t at = 0; at < sizeof lanes / sizeof *lanes; at++) {
        snprintf (genesys_session.memory, sizeof genesys_session.memory, "%s", lanes[at]);
        genesys_item_run_t over =
            GENESYS_RUN (at == 0 ? "unknown" : "known",
                         "{\"event\":\"over\",\"appId\":\"nobody\",\"seq\":13}");
        cr_assert_eq (genesys_drive (&over, 8)->outcome, OUTCOME_RETRY, "%s", over.done->detail);
        cr_expect (strstr (over.done->detail, "no section"), "%s", over.done->detail);
        cr_expect_str_eq (genesys_session.memory, lanes[at]);
    }
    genesys_end ();
}

//  For ever it is not tried.
Test (genesys_conversation, a_login_that_is_never_mended)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("set?secret=another");
    genesys_control ("revoke");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    cr_assert_eq (genesys_drive (&over, 69)->outcome, OUTCOME_RETRY, "%s", over.done->detail);
    cr_expect_geq (over.done->after_ms, 20000);
    cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_DEAD);
    cr_expect (strstr (genesys_session.memory, "\"conversation\""), "%s", genesys_session.memory);
    genesys_end ();
}

//  A dead letter that is tried anew ends no conversation that was opened since.
Test (genesys_conversation, of_a_later_offer_is_not_ended)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (9, "over", ""));
    ANSWERED (&over, 1);
    cr_expect (s_is_anybody_there ());
    genesys_end ();
}

Test (genesys_conversation, the_end_is_tried_until_it_goes)
{
    genesys_start (NULL, (const char *const[]){ "GENESYS_CALL_TIMEOUT=1s", NULL });
    genesys_open ();
    genesys_control ("fault?kind=status&status=500&method=GET&times=1");
    genesys_control ("fault?kind=status&status=502&method=PATCH&times=1");
    genesys_control ("fault?kind=hang-after&method=PATCH&times=1");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    for (int at = 0; at < 3; at++)
        cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_RETRY, "%s", over.done->detail);
    ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the conversation was over already");
    cr_expect_not (s_is_anybody_there ());
    genesys_end ();
}

//  The offer was over while the opening was under way: nobody knows whether there is one.
Test (genesys_conversation, that_may_be_there_is_found_and_ended)
{
    genesys_start (NULL, NULL);
    genesys_control ("fault?kind=cut&path=.*message&times=1");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_assert (s_is_anybody_there ());
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (12, "over", ""));
    ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_eq (s_conversations (), 1);
    cr_expect_not (s_is_anybody_there ());
    genesys_end ();
}

Test (genesys_conversation, a_later_offer_begins_anew)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    ANSWERED (&over, 1);
    genesys_item_run_t offer = GENESYS_RUN ("second", GENESYS_OFFER (15));
    ANSWERED (&offer, 2);
    cr_expect_eq (offer.attempts, 2);
    //  By threading it is the same one.
    cr_expect_eq (s_conversations (), 1);
    cr_expect (s_is_anybody_there ());
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
    ANSWERED (&back, 1);
    cr_expect_str_eq (back.done->detail, "the visitor is back");
    genesys_session.visitor_is_away = true;
    genesys_session.refusals = 2; //  something happens in the session meanwhile
    genesys_item_run_t left = GENESYS_RUN ("left", LEFT (13));
    ANSWERED (&left, 1);
    cr_expect_str_eq (genesys_session.acts, "release; ");
    genesys_item_run_t later = GENESYS_RUN ("later", LEFT (14));
    ANSWERED (&later, 1);
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
    ANSWERED (&good, 1);
    ANSWERED (&bad, 1);
    cr_assert_eq (genesys_attempt (&unknown)->outcome, OUTCOME_DEAD);
    s_expect_log ("open/receipt", " 200 ", 2);
    genesys_control ("fault?kind=status&status=403&path=.*receipt&times=1");
    genesys_item_run_t forbidden = GENESYS_RUN ("forbidden", RECEIPT (15, "g1", "Delivered", ""));
    cr_assert_eq (genesys_attempt (&forbidden)->outcome, OUTCOME_DEAD);
    s_expect_log ("open/receipt", "\\\"reasons\\\":[{\\\"code\\\":\\\"GeneralError\\\"", 1);
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
    ANSWERED (&good, 1);
    ANSWERED (&bad, 1);
    s_expect_log ("open/receipt", " 200 ", 1); //  what failed is always said
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
    s_expect_log ("open/event", " 200 ", 1);
    genesys_end ();
}
