//  channel — stories of participants that are reached by a channel: each entry that is for them is
//  an item of the entry's changeset, handed out from memory when a worker has room.

#include "office_rig.h"
#include "tables/postoffice_metrics.h"

#include "fake_work_store.h"

#define TOPIC "notify.sms"

//  A visitor's tab, and a contact centre that is told by its channel.
static void
s_begin (void)
{
    rig_begin ();
    fake_store_other_opens (KEY, "vic");
    fake_store_other_reaches (KEY, ROLE_PLATFORM, "genesys", TOPIC, "conversation-1");
    visitor_joins (1, 5);
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), 2);
    fake_work_all_done ();
    rig_forget ();
}

TestSuite (channel, .init = s_begin, .fini = rig_end);

static void
s_expect_delivery (size_t at, uint64_t seq, bool is_leased)
{
    const store_work_t *work = fake_work_made (at);
    cr_assert_not_null (work, "there is no delivery %zu", at);
    cr_assert (text_is (work->topic, TEXT (TOPIC)));
    cr_assert (text_is (work->user, TEXT ("genesys")));
    cr_assert (text_is (work->lane, TEXT ("6:demo/s#4#genesys")));
    cr_assert_eq (work->seq, seq, "delivery %zu is of entry %u", at, (unsigned) work->seq);
    cr_assert_eq (work->is_leased, is_leased, "delivery %zu", at);
}

Test (channel, an_entry_is_an_item_in_its_changeset)
{
    s_expect_delivery (0, 2, false); //  that the visitor joined
    say (1, 5, "a");
    rig_run ();
    EXPECT ("e1 POSTED 1 ok #3\n");
    s_expect_delivery (1, 3, false);
    cr_assert_null (fake_work_made (2));
}

Test (channel, a_worker_with_room_is_handed_it_behind_the_commit)
{
    worker_up (W1, 5);
    say (1, 5, "\"a\"");
    rig_turn ();
    EXPECT ("");
    rig_run ();
    EXPECT ("e1 POSTED 1 ok #3\n"
            "w1 WORK t1 1\n"   //  the delivery
            "w1 WORK t2 1\n"); //  the bot's turn
    s_expect_delivery (1, 3, true);
    char expected[400];
    snprintf (expected, sizeof expected,
              "{\"event\":\"new message\",\"seq\":3,\"timeMs\":%llu,\"appId\":\"demo\","
              "\"sessionId\":\"s\",\"messageId\":\"\\\"a\\\"\",\"role\":\"visitor\","
              "\"userId\":\"vic\",\"sender\":{},\"data\":\"a\","
              "\"participant\":{\"role\":\"platform\",\"userId\":\"genesys\","
              "\"channel\":\"" TOPIC "\",\"externalId\":\"conversation-1\"}}",
              (unsigned long long) fake_store_entry (KEY, 3)->time_ms);
    cr_assert (text_is (fake_work_made (1)->body, text_of (expected)), "%.*s",
               TEXT_ARGS (fake_work_made (1)->body));
}

//  Two entries of one changeset, and one behind an open one: the lane goes in order.
Test (channel, of_a_lane_only_the_first_is_leased)
{
    worker_up (W1, 9);
    say (1, 5, "a");
    say (1, 5, "b");
    rig_run ();
    say (1, 5, "c");
    rig_run ();
    s_expect_delivery (1, 3, true);
    s_expect_delivery (2, 4, false);
    s_expect_delivery (3, 5, false);
    EXPECT ("e1 POSTED 1 ok #3\n"
            "e1 POSTED 2 ok #4\n"
            "w1 WORK t1 1\n"
            "w1 WORK t2 1\n"
            "e1 POSTED 3 ok #5\n");
}

Test (channel, nothing_is_handed_out_of_a_changeset_that_is_lost)
{
    worker_up (W1, 1);
    fake_store_next (FAKE_DOWN);
    say (1, 5, "a");
    rig_run ();
    EXPECT ("e1 POSTED 1 store_down #0\n");
    cr_assert_null (fake_work_made (1));
    say (1, 5, "b");
    rig_run ();
    s_expect_delivery (1, 3, true); //  the room is free again
}

//  The append was stored, and nobody heard: what it leased is not known here, and is released.
Test (channel, what_is_unsure_is_not_handed_out)
{
    worker_up (W1, 5);
    fake_store_next (FAKE_UNSURE);
    say (1, 5, "a");
    rig_run ();
    EXPECT ("w1 WORK t1 1\n" //  the bot's turn, which the load has brought
            "e1 DELIVER 5 #3 a\n"
            "e1 POSTED 1 duplicate #3\n");
    s_expect_delivery (1, 3, true);
    char item[200];
    snprintf (item, sizeof item, "%.*s", TEXT_ARGS (fake_work_made (1)->item));
    cr_assert_not (fake_work_is_known (item));
    cr_assert_null (fake_work_made (2), "it is not made twice");
}

Test (channel, what_another_postoffice_was_faster_with_is_decided_again)
{
    worker_up (W1, 5);
    say (1, 5, "a");
    rig_turn ();
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_AGENT,
                                                .user = "anna",
                                                .data = "\"hi\"" });
    rig_run ();
    s_expect_delivery (1, 4, true);
    cr_assert_null (fake_work_made (2));
}

//  Nobody is said to have left who has a channel, however long it has no endpoint.
Test (channel, has_no_grace_period)
{
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 100);
    cr_assert_eq (fake_store_entry (KEY, 3)->event, EVENT_USER_LEFT); //  the visitor
    s_expect_delivery (1, 3, false);                                    //  of which it is told
    cr_assert_eq (fake_store_last (KEY), 3);
    rig_wait (GRACE_MS + IDLE_MS + 100);
    cr_assert_eq (fake_store_last (KEY), 3);
    cr_assert_null (rig_session (), "it costs no memory");
}

//  A participant with a channel that opens a tab, and closes it: it is told over both, and stays.
Test (channel, and_an_endpoint)
{
    fake_store_other_reaches (KEY, ROLE_AGENT, "anna", TOPIC, "");
    edge_down (1);
    rig_wait (GRACE_MS + IDLE_MS + 200); //  loaded anew
    agent_joins (2, 7, "anna");
    rig_run ();
    uint64_t last = fake_store_last (KEY);
    detach (2, 7, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 100);
    cr_assert_eq (fake_store_last (KEY), last, "anna has not left");
}
