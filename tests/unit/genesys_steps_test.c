//  What the steps of a conversation tell each other, and which conversations a process looks after.

#include "conversation/open_conversations.h"
#include "platform/genesys_metrics.h"
#include "translation/step_memory.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test (step_memory, comes_back)
{
    char room[STEP_MEMORY_SIZE];
    item_memory_t item = { .fails = 3, .parts = 2, .is_unsure = true, .unnamed = 1 }, item_back;
    item_memory_add_id (&item, TEXT ("a-1"));
    item_memory_add_id (&item, TEXT ("not one"));
    item_memory_add_id (&item, TEXT ("b_2"));
    item_memory_read (&item_back, item_memory_write (&item, room));
    cr_assert (item_back.fails == 3 && item_back.parts == 2 && item_back.is_unsure
               && item_back.unnamed == 1);
    cr_assert_str_eq (item_back.ids, "a-1 b_2");
    lane_memory_t lane = { .opening = 9, .messages = 20, .attributes = true }, lane_back;
    snprintf (lane.conversation, sizeof lane.conversation, "c-1");
    snprintf (lane.before, sizeof lane.before, "c-0");
    lane_memory_read (&lane_back, lane_memory_write (&lane, room));
    cr_assert (lane_back.opening == 9 && lane_back.messages == 20 && lane_back.attributes
               && !lane_back.is_whole);
    cr_assert_str_eq (lane_back.conversation, "c-1");
    cr_assert_str_eq (lane_back.before, "c-0");
    //  The largest ones fit.
    memset (lane.conversation, 'c', sizeof lane.conversation - 1);
    memset (lane.before, 'b', sizeof lane.before - 1);
    lane.opening = lane.messages = item.fails = item.parts = item.unnamed = UINT64_MAX;
    for (int at = 0; at < 1000; at++)
        item_memory_add_id (&item, TEXT ("0123456789abcdef0123456789abcdef"));
    item_memory_add_id (&item, TEXT ("0123"));
    cr_assert_gt (strlen (item.ids), ITEM_IDS_SIZE - 40);
    cr_assert_lt (lane_memory_write (&lane, room).size, STEP_MEMORY_SIZE);
    cr_assert_lt (item_memory_write (&item, room).size, STEP_MEMORY_SIZE);
}

Test (step_memory, of_anything_else_is_none)
{
    static const char *const wrong[] = {
        "", "7", "[]", "{", "{}", "{\"opening\":true,\"conversation\":7,\"parts\":[],\"fails\":-1}",
        "{\"conversation\":\"../c\",\"unsure\":1}",
    };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        item_memory_t item;
        lane_memory_t lane;
        item_memory_read (&item, text_of (wrong[at]));
        lane_memory_read (&lane, text_of (wrong[at]));
        cr_expect (item.parts == 0 && !item.is_unsure, "%s", wrong[at]);
        cr_expect (lane.opening == 0 && !*lane.conversation, "%s", wrong[at]);
    }
}

// ------------------------------------------------------------------------------------------------

#define COUNT(app) open_conversations_count (open, TEXT (app))
#define OPEN(app) genesys_metrics_of (TEXT (app))->counts[GENESYS_OPEN]
#define WAITING(app) genesys_metrics_of (TEXT (app))->counts[GENESYS_WAITING]

Test (open_conversations, are_counted_by_app)
{
    open_conversations_t *open = open_conversations_new ();
    cr_assert_eq (COUNT ("demo"), 0);
    open_conversations_note (open, TEXT ("demo"), TEXT ("s-1"), true, 1000, 5000);
    open_conversations_note (open, TEXT ("demo"), TEXT ("s-1"), true, 6000, 5000);
    open_conversations_note (open, TEXT ("demo"), TEXT ("s-2"), false, 6000, 5000);
    open_conversations_note (open, TEXT ("other"), TEXT ("s-1"), true, 6000, 5000);
    cr_expect (COUNT ("demo") == 2 && COUNT ("other") == 1 && COUNT ("none") == 0);
    cr_expect (OPEN ("demo") == 2 && WAITING ("demo") == 1 && WAITING ("other") == 1);
    open_conversations_note (open, TEXT ("demo"), TEXT ("s-1"), false, 7000, 5000);
    cr_expect (OPEN ("demo") == 2 && WAITING ("demo") == 0);
    open_conversations_forget (open, TEXT ("demo"), TEXT ("s-1"));
    open_conversations_forget (open, TEXT ("demo"), TEXT ("s-1"));
    cr_expect (COUNT ("demo") == 1 && OPEN ("demo") == 1);
    open_conversations_destroy (&open);
    cr_expect (OPEN ("demo") == 0 && OPEN ("other") == 0 && WAITING ("other") == 0);
}

//  Another process looks after it by now.
Test (open_conversations, that_are_not_looked_at_any_more_are_forgotten)
{
    open_conversations_t *open = open_conversations_new ();
    for (int at = 0; at < 100; at++) {
        char session[20];
        snprintf (session, sizeof session, "s-%d", at);
        open_conversations_note (open, TEXT ("demo"), text_of (session), false, 1000, 5000);
    }
    cr_assert_eq (COUNT ("demo"), 100);
    open_conversations_note (open, TEXT ("demo"), TEXT ("s-7"), false, 60000, 5000);
    open_conversations_sweep (open, 71000); //  a look may be late
    cr_expect_eq (COUNT ("demo"), 100);
    open_conversations_sweep (open, 72000);
    cr_expect_eq (COUNT ("demo"), 1);
    cr_expect_eq (OPEN ("demo"), 1);
    //  Also the last one, when nothing is looked at here any more.
    open_conversations_sweep (open, 200000);
    cr_expect_eq (COUNT ("demo"), 0);
    cr_expect_eq (OPEN ("demo"), 0);
    open_conversations_destroy (&open);
}
