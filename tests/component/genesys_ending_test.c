//  A genesys-connector before the scripted platform ends a conversation, also one of which nobody
//  knows whether it is there, and tells when it may not.

#include "genesys_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test (genesys_ending, is_ended_by_its_customer)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    cr_assert (genesys_is_anybody_there ());
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_not (genesys_is_anybody_there ());
    cr_expect (strstr (genesys_session.memory, "\"opening\":0"), "%s", genesys_session.memory);
    //  Once more: nothing is open.
    genesys_item_run_t again = GENESYS_RUN ("again", GENESYS_BODY (14, "over", ""));
    GENESYS_ANSWERED (&again, 1);
    cr_expect_eq (genesys_platform_count ("PATCH"), 1);
    genesys_end ();
}

Test (genesys_ending, that_is_over_is_left_alone)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("customer-ends");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the conversation was over already");
    cr_expect_eq (genesys_platform_count ("PATCH"), 0);
    genesys_end ();
}

Test (genesys_ending, is_ended_as_a_whole_when_its_customer_cannot_be)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_control ("fault?kind=status&status=403&times=0&method=PATCH&path=.*participants.*");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the conversation is ended");
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

Test (genesys_ending, that_may_not_be_ended_is_a_dead_letter)
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
    GENESYS_ANSWERED (&over, 1);
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

//  A wrong secret says nothing of the conversation: it is ended when the secret is right again.
Test (genesys_ending, is_ended_once_the_login_is_mended)
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
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

//  The section may come again, and says nothing of the conversation either.
Test (genesys_ending, without_a_section_its_end_waits)
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
Test (genesys_ending, a_login_that_is_never_mended)
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
Test (genesys_ending, of_a_later_offer_is_not_ended)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (9, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect (genesys_is_anybody_there ());
    genesys_end ();
}

Test (genesys_ending, the_end_is_tried_until_it_goes)
{
    genesys_start (NULL, (const char *const[]){ "GENESYS_CALL_TIMEOUT=1s", NULL });
    genesys_open ();
    genesys_control ("fault?kind=status&status=500&method=GET&times=1");
    genesys_control ("fault?kind=status&status=502&method=PATCH&times=1");
    genesys_control ("fault?kind=hang-after&method=PATCH&times=1");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    for (int at = 0; at < 3; at++)
        cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_RETRY, "%s", over.done->detail);
    GENESYS_ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the conversation was over already");
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

//  The offer was over while the opening was under way: nobody knows whether there is one.
Test (genesys_ending, that_may_be_there_is_found_and_ended)
{
    genesys_start (NULL, NULL);
    genesys_control ("fault?kind=cut&path=.*message&times=1");
    genesys_item_run_t offer = GENESYS_RUN ("offer", GENESYS_OFFER (10));
    genesys_attempt (&offer);
    cr_assert_eq (genesys_attempt (&offer)->outcome, OUTCOME_RETRY);
    cr_assert (genesys_is_anybody_there ());
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (12, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_str_eq (over.done->detail, "the customer is disconnected");
    cr_expect_eq (genesys_conversations (), 1);
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

//  It could not be ended, and the visitor is offered there again: without threading, too, it goes
//  on in the conversation that is still open, and is ended behind it.
Test (genesys_ending, what_is_open_still_is_gone_on_with)
{
    genesys_start (NULL, NULL);
    genesys_control ("set?threading=false");
    genesys_open ();
    genesys_control ("permission?name=conversation:communication:disconnect&on=false");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_DEAD);
    genesys_item_run_t offer = GENESYS_RUN ("second", GENESYS_OFFER (15));
    GENESYS_ANSWERED (&offer, 2);
    cr_expect_eq (genesys_conversations (), 1);
    genesys_control ("permission?name=conversation:communication:disconnect&on=true");
    //  The dead letter, tried anew, ends nothing of what has begun since.
    GENESYS_ANSWERED (&over, 1);
    cr_expect (genesys_is_anybody_there ());
    genesys_item_run_t last = GENESYS_RUN ("last", GENESYS_BODY (17, "over", ""));
    GENESYS_ANSWERED (&last, 1);
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

//  It could not be ended, and the visitor is offered there again, who is declined at once: it is
//  known all the same, and ended behind that.
Test (genesys_ending, what_is_open_still_outlives_an_offer_in_vain)
{
    genesys_start (NULL, (const char *const[]){ "GENESYS_LOGIN_BACKOFF=100ms", NULL });
    genesys_open ();
    genesys_control ("permission?name=conversation:communication:disconnect&on=false");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_DEAD);
    genesys_control ("permission?name=conversation:message:receive&on=false");
    genesys_item_run_t offer = GENESYS_RUN ("second", GENESYS_OFFER (15));
    cr_assert_eq (genesys_drive (&offer, 2)->outcome, OUTCOME_DEAD);
    cr_assert (genesys_is_anybody_there ());
    genesys_control ("permission?name=conversation:communication:disconnect&on=true");
    genesys_item_run_t last = GENESYS_RUN ("last", GENESYS_BODY (17, "over", ""));
    GENESYS_ANSWERED (&last, 1);
    cr_expect_str_eq (last.done->detail, "the customer is disconnected");
    cr_expect_not (genesys_is_anybody_there ());
    cr_expect_null (strstr (genesys_session.memory, "before"), "%s", genesys_session.memory);
    genesys_end ();
}

//  Two are left: both are ended, whatever becomes of the first.
Test (genesys_ending, of_two_conversations_both_are_ended)
{
    char id[100];
    genesys_start (NULL, NULL);
    genesys_open ();
    snprintf (id, sizeof id, "%s", strstr (genesys_session.memory, "\"conversation\":\"") + 16);
    id[strcspn (id, "\"")] = '\0';
    snprintf (genesys_session.memory, sizeof genesys_session.memory,
              "{\"opening\":12,\"conversation\":\"00000000-0000-4000-8000-000000000000\","
              "\"before\":\"%s\"}", id);
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

//  Likewise, and somebody there ends it meanwhile: then it is another one, and nothing is left.
Test (genesys_ending, what_is_over_meanwhile_is_another_one)
{
    genesys_start (NULL, NULL);
    genesys_control ("set?threading=false");
    genesys_open ();
    genesys_control ("permission?name=conversation:communication:disconnect&on=false");
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    cr_assert_eq (genesys_attempt (&over)->outcome, OUTCOME_DEAD);
    genesys_control ("customer-ends");
    char before[1100];
    snprintf (before, sizeof before, "%s", strstr (genesys_session.memory, "\"conversation\":"));
    genesys_item_run_t offer = GENESYS_RUN ("second", GENESYS_OFFER (15));
    GENESYS_ANSWERED (&offer, 2);
    cr_expect_eq (genesys_conversations (), 2);
    cr_expect_str_neq (strstr (genesys_session.memory, "\"conversation\":"), before);
    genesys_control ("permission?name=conversation:communication:disconnect&on=true");
    genesys_item_run_t last = GENESYS_RUN ("last", GENESYS_BODY (17, "over", ""));
    GENESYS_ANSWERED (&last, 1);
    cr_expect_not (genesys_is_anybody_there ());
    genesys_end ();
}

Test (genesys_ending, a_later_offer_begins_anew)
{
    genesys_start (NULL, NULL);
    genesys_open ();
    genesys_item_run_t over = GENESYS_RUN ("over", GENESYS_BODY (13, "over", ""));
    GENESYS_ANSWERED (&over, 1);
    genesys_item_run_t offer = GENESYS_RUN ("second", GENESYS_OFFER (15));
    GENESYS_ANSWERED (&offer, 2);
    cr_expect_eq (offer.attempts, 2);
    //  By threading it is the same one.
    cr_expect_eq (genesys_conversations (), 1);
    cr_expect (genesys_is_anybody_there ());
    genesys_end ();
}
