//  A genesys-connector before the scripted platform opens a conversation: it says what was said
//  before; what passes is tried again with the same bytes, what does not is said at once.

#include "genesys_rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(seq, event, role, name, data)                                                          \
    "{\"seq\":" #seq ",\"event\":\"" event "\",\"role\":\"" role "\","                             \
    "\"sender\":{\"displayName\":\"" name "\"},\"data\":" data ",\"hidden\":false}"
#define SAYS_VISITOR(words)                                                                        \
    ROW (3, "new message", "visitor", "Vic", "{\"rawQuery\":\"" words "\"}")
#define SAYS_BOT(words)                                                                            \
    ROW (4, "new message", "bot", "Support",                                                       \
         "{\"outputSpeech\":{\"displayText\":\"" words "\"}}")
#define WHISPERS ROW (5, "whisper", "agent", "Anna", "{\"rawQuery\":\"not for others\"}")

Test (genesys_opening, is_opened_with_what_was_said)
{
    genesys_start (NULL, NULL);
    genesys_session.entries = WHISPERS "," SAYS_BOT ("We open at nine.") ","
                              SAYS_VISITOR ("opening hours?");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    //  First it is remembered that there will be one.
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_assert_eq (offer.done->after_ms, 0);
    cr_assert (strstr (genesys_session.memory, "\"opening\":10"), "%s", genesys_session.memory);
    cr_assert_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 0);
    GENESYS_ANSWERED (&offer, 1);
    cr_expect (strstr (offer.done->data, "\"isQuiet\":true,\"watch\":{\"conversation\":\""), "%s",
               offer.done->data);
    cr_expect (strstr (genesys_session.memory, "\"conversation\":\""), "%s",
               genesys_session.memory);
    cr_expect_eq (strlen (offer.done->detail), 32); //  the message there
    genesys_expect_log (GENESYS_MESSAGE_POST, "prefetchConversationId=true 200", 1);
    genesys_expect_log (GENESYS_MESSAGE_POST,
                        "What was said before:\\\\nVic (visitor): opening hours?"
                                "\\\\nSupport (bot): We open at nine.", 1);
    genesys_expect_log (GENESYS_MESSAGE_POST, "not for others", 0);
    genesys_expect_log (GENESYS_MESSAGE_POST, "2026-11-22T14:00:10.000Z", 1);
    const char *state = genesys_control ("state");
    cr_expect (strstr (state, "\"sessionId\": \"s-1\""), "%s", state);
    cr_expect (strstr (state, "\"reason\": \"an invoice\""));
    cr_expect (strstr (state, "\"name\": \"Vic\""));
    cr_expect_null (strstr (state, "\"userId\""));
    genesys_end ();
}

Test (genesys_opening, is_opened_without_what_the_app_keeps_back)
{
    genesys_start ("{\"transcript\":\"none\",\"attributes\":false}", NULL);
    genesys_session.entries = SAYS_VISITOR ("opening hours?");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    GENESYS_ANSWERED (&offer, 2);
    genesys_expect_log (GENESYS_MESSAGE_POST, "opening hours", 0);
    genesys_expect_log (GENESYS_MESSAGE_POST, "customAttributes", 0);
    cr_expect_eq (genesys_fixture->asked_count, 0);
    genesys_end ();
}

//  The settings are those that it began with: each try has the same bytes.
Test (genesys_opening, a_long_transcript_is_several_messages_in_order)
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
    GENESYS_ANSWERED (&offer, 2);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 4);
    cr_expect_eq (strlen (offer.done->detail), 4 * 32 + 3); //  the messages there
    genesys_expect_log (GENESYS_MESSAGE_POST, "customAttributes", 1);
    genesys_expect_log (GENESYS_MESSAGE_POST, "2026-11-22T14:00:10.002Z", 1);
    char *all = genesys_bodies (GENESYS_MESSAGE_POST);
    const char *first = strstr (all, ": 99 "), *middle = strstr (all, ": 50 "),
               *last = strstr (all, ": 0 ");
    cr_expect (first && first < middle && middle < last);
    free (all);
    cr_expect_eq (genesys_conversations (), 1);
    genesys_end ();
}

//  It was taken, and nobody heard of it: the same again opens no second conversation.
Test (genesys_opening, an_unsure_try_opens_no_second_one)
{
    genesys_start (NULL, NULL);
    genesys_control ("fault?kind=cut&path=.*message&times=1");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_assert_geq (offer.done->after_ms, 500);
    GENESYS_ANSWERED (&offer, 1);
    cr_expect_eq (genesys_platform_count ("AGAIN"), 1);
    cr_expect_eq (genesys_conversations (), 1);
    genesys_end ();
}

Test (genesys_opening, kill_9_between_the_post_and_the_report)
{
    genesys_start (NULL, NULL);
    genesys_session.entries = SAYS_VISITOR ("opening hours?");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    genesys_control ("fault?kind=hang-after&path=.*message&times=1");
    genesys_hand (&offer);
    RIG_UNTIL (&genesys_fixture->rig, 20000, genesys_platform_count (GENESYS_MESSAGE_POST) == 1);
    process_kill (genesys_fixture->process, SIGKILL);
    worker_fixture_again (genesys_fixture);
    offer.lost = 1;
    offer.attempts = 2;
    worker_fixture_settle (genesys_fixture, offer.item);
    GENESYS_ANSWERED (&offer, 1);
    cr_expect_eq (genesys_platform_count ("AGAIN"), 1); //  and no WRONG: the same bytes
    cr_expect_eq (genesys_conversations (), 1);
    genesys_end ();
}

//  Nobody could say who is there: the next responder is asked, and the conversation is ended.
Test (genesys_opening, that_has_no_name_is_declined)
{
    genesys_start (NULL, NULL);
    genesys_control ("set?prefetch=false");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    cr_assert_eq (genesys_drive (&offer, 10)->outcome, OUTCOME_DEAD, "%s", offer.done->detail);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 3);
    genesys_control ("set?prefetch=true");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (12, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_eq (genesys_conversations (), 1);
    genesys_end ();
}

Test (genesys_opening, a_403_declines_at_once)
{
    genesys_start (NULL, NULL);
    genesys_control ("permission?name=conversation:message:receive&on=false");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    cr_assert_eq (genesys_drive (&offer, 2)->outcome, OUTCOME_DEAD);
    cr_expect_eq (offer.attempts, 2);
    cr_expect_eq (offer.done->status, 403);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 1);
    //  Nothing is there: what ends the offer has nothing to end.
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (12, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_eq (genesys_platform_count (GENESYS_MESSAGE_POST), 1);
    genesys_end ();
}

Test (genesys_opening, a_wrong_secret_declines_at_once)
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

Test (genesys_opening, what_passes_is_tried_again)
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
    GENESYS_ANSWERED (&offer, 1);
    genesys_end ();
}

Test (genesys_opening, retry_after_is_kept)
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

Test (genesys_opening, bodies_that_are_none_are_dead)
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
