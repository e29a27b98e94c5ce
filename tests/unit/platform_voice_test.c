//  platform_voice — what comes over several ways within a moment is said in the order in which it
//  was said there.

#include "office_rig.h"

#include "platforms/platform_voice.h"

#include <stdio.h>

#define WINDOW_MS 60
#define PLATFORM TEXT ("platform.x")

static platform_voice_t *s_voice;
static uint64_t s_number;

//  Anna, who has control, stands for whoever speaks: the order is the same.
static void
s_begin (void)
{
    rig_begin ();
    s_voice = platform_voice_new (rig_loop, &rig_office);
    s_number = 0;
    visitor_joins (1, 5);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
}

static void
s_end (void)
{
    platform_voice_destroy (&s_voice);
    rig_end ();
}

TestSuite (platform_voice, .init = s_begin, .fini = s_end);

static void
s_say (const char *id, uint64_t time_ms, uint64_t window_ms)
{
    operation_t *operation =
        operation_of_request (ROLE_AGENT, TEXT ("anna"),
                              &(bus_record_t){ .kind = BUS_POST,
                                               .post = { .request_id = ++s_number,
                                                         .session = KEY,
                                                         .event = EVENT_NEW_MESSAGE,
                                                         .message_id = text_of (id),
                                                         .data = text_of (id),
                                                         .secret = TEXT_EMPTY } });
    platform_voice_say (s_voice, KEY, PLATFORM, time_ms, window_ms, &operation);
    cr_assert_null (operation);
}

//  What the log has behind the entries of before, "a b c".
static void
s_expect_log (const char *expected)
{
    buffer_t all;
    buffer_init (&all, 1000);
    for (uint64_t seq = 4; seq <= fake_store_last (KEY); seq++)
        cr_assert ((seq > 4 ? buffer_put_string (&all, " ") : 0) == 0
                   && buffer_put_text (&all, fake_store_entry (KEY, seq)->message_id) == 0);
    cr_expect (text_is (buffer_text (&all), text_of (expected)), "%.*s",
               TEXT_ARGS (buffer_text (&all)));
    buffer_free (&all);
    rig_forget ();
}

//  Nothing is said before its moment is over; of one time, in the order in which they came.
Test (platform_voice, the_order_of_the_platform)
{
    s_say ("third", 30, WINDOW_MS);
    s_say ("first", 10, WINDOW_MS);
    s_say ("second", 20, WINDOW_MS);
    s_say ("2nd", 20, WINDOW_MS);
    rig_run ();
    s_expect_log ("");
    rig_wait (4 * WINDOW_MS);
    s_expect_log ("first second 2nd third");
}

//  One that is due takes those before it along, and leaves those behind it.
Test (platform_voice, what_is_due_first)
{
    s_say ("b", 20, WINDOW_MS);
    s_say ("a", 10, 100 * WINDOW_MS);
    s_say ("c", 30, 100 * WINDOW_MS);
    rig_wait (4 * WINDOW_MS);
    s_expect_log ("a b");
}

Test (platform_voice, what_comes_later_is_said_all_the_same)
{
    s_say ("b", 20, 0);
    rig_run ();
    s_say ("a", 10, 0);
    rig_run ();
    s_expect_log ("b a");
}

//  Whoever waits is told what came of it, behind the commit.
Test (platform_voice, it_is_answered)
{
    s_say ("a", 10, 0);
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 a\n"
            "e2 DELIVER 9 #4 a\n"
            "api POSTED 1 ok #4\n");
    s_say ("a", 10, 0);
    rig_run ();
    EXPECT ("api POSTED 2 duplicate #4\n");
}

//  More than is held of one session: all of it is said, in its order.
Test (platform_voice, too_much_is_said_at_once)
{
    char id[20];
    for (unsigned at = 0; at <= PLATFORM_VOICE_SESSION_MOST; at++) {
        snprintf (id, sizeof id, "m%u", at);
        s_say (id, PLATFORM_VOICE_SESSION_MOST - at, 1000 * WINDOW_MS);
    }
    rig_run ();
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), 3 + PLATFORM_VOICE_SESSION_MOST + 1);
    snprintf (id, sizeof id, "m%u", PLATFORM_VOICE_SESSION_MOST);
    cr_expect (text_is (fake_store_entry (KEY, 4)->message_id, text_of (id)));
    rig_forget ();
}

//  Whoever waits for the answer asks again: nothing of it was stored.
Test (platform_voice, what_is_held_goes_with_it)
{
    s_say ("a", 10, 100 * WINDOW_MS);
    platform_voice_destroy (&s_voice);
    rig_wait (2 * WINDOW_MS);
    EXPECT ("");
    cr_expect_eq (fake_store_last (KEY), 3);
}
