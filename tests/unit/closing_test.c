//  closing — a session that is left is closed by a timer, and opened again by whatever happens in
//  it: with the fake store, which keeps the timer that is set, and runs none.

#include "office_rig.h"

#include "config/apps_file.h"
#include "triggers/alerts.h"

#define CLOSE_AFTER_MS 5000

//  The visitor is at endpoint 5 of edge 1.
static void
s_begin (void)
{
    rig_begin ();
    rig_office.rules.close_after_ms = CLOSE_AFTER_MS;
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

static void
s_end (void)
{
    edge_down (1);
    edge_down (2);
    rig_end ();
}

TestSuite (closing, .init = s_begin, .fini = s_end);

//  After the grace period the log says that the visitor left.
static void
s_leave (uint64_t endpoint)
{
    uint64_t last = fake_store_last (KEY);
    detach (1, endpoint, SEQ_UNKNOWN);
    for (int at = 0; at < 100 && fake_store_last (KEY) == last; at++)
        rig_wait (20);
    cr_assert_eq (fake_store_entry (KEY, last + 1)->event, EVENT_USER_LEFT);
    rig_forget ();
}

static void
s_close (void)
{
    s_leave (5);
    timer_due (fake_store_last (KEY));
    rig_run ();
    EXPECT ("timer ran\n");
}

static event_t
s_event (uint64_t seq)
{
    const stored_entry_t *entry = fake_store_entry (KEY, seq);
    cr_assert_not_null (entry);
    return (event_t) entry->event;
}

Test (closing, who_leaves_last_sets_the_timer)
{
    agent_joins (2, 9, "anna");
    rig_run ();
    cr_assert_null (fake_store_timer (KEY));
    detach (2, 9, SEQ_UNKNOWN);
    uint64_t last = fake_store_last (KEY);
    for (int at = 0; at < 100 && fake_store_last (KEY) == last; at++)
        rig_wait (20);
    cr_assert_null (fake_store_timer (KEY), "the visitor is there");
    s_leave (5);
    const store_work_t *timer = fake_store_timer (KEY);
    cr_assert_not_null (timer);
    cr_assert_eq (timer->seq, fake_store_last (KEY));
    cr_assert_eq (timer->after_ms, CLOSE_AFTER_MS);
    cr_assert (text_is (timer->item, TEXT (":timer:close:demo/s")));
}

Test (closing, never_when_it_is_switched_off)
{
    rig_office.rules.close_after_ms = 0;
    s_leave (5);
    cr_assert_null (fake_store_timer (KEY));
}

Test (closing, who_comes_back_cancels_the_timer)
{
    s_leave (5);
    visitor_joins (1, 6);
    rig_run ();
    cr_assert_null (fake_store_timer (KEY));
    cr_assert_eq (s_event (fake_store_last (KEY)), EVENT_USER_JOINED);
}

//  Also at a postoffice that did not set it.
Test (closing, the_timer_of_another_postoffice_is_cancelled)
{
    s_leave (5);
    while (rig_session ())
        rig_wait (20);
    cr_assert_not_null (fake_store_timer (KEY));
    visitor_joins (1, 6);
    rig_run ();
    cr_assert_null (fake_store_timer (KEY));
}

//  What happens while nobody is present begins the wait anew.
Test (closing, what_is_said_meanwhile_moves_the_timer)
{
    s_leave (5);
    uint64_t seq = fake_store_timer (KEY)->seq;
    say_by_request (ROLE_VISITOR, "vic", "news");
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), seq + 1);
    cr_assert_eq (fake_store_timer (KEY)->seq, seq + 1);
    rig_forget ();
    timer_due (seq);
    rig_run ();
    EXPECT ("timer stale\n");
    cr_assert_not (fake_store_is_closed (KEY));
}

Test (closing, the_timer_closes)
{
    s_close ();
    cr_assert_eq (s_event (fake_store_last (KEY)), EVENT_SESSION_CLOSED);
    cr_assert (fake_store_is_closed (KEY));
    cr_assert_null (fake_store_timer (KEY));
    //  It is run twice: the lease was released although its postoffice lives.
    timer_due (fake_store_last (KEY) - 1);
    rig_run ();
    EXPECT ("timer stale\n");
}

Test (closing, a_stale_timer_does_nothing)
{
    uint64_t last = fake_store_last (KEY);
    timer_due (last); //  somebody is present
    rig_run ();
    timer_due (last + 10); //  of a log that is not ours
    rig_run ();
    EXPECT ("timer stale\ntimer stale\n");
    cr_assert_eq (fake_store_last (KEY), last);
}

//  Another postoffice wrote and set the timer, and the notice is not here yet.
Test (closing, what_another_one_wrote_is_read_before_it_is_stale)
{
    s_leave (5);
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_API,
                                                .user = "server",
                                                .data = "{}" });
    timer_due (fake_store_last (KEY));
    rig_run ();
    EXPECT ("timer ran\n");
    cr_assert (fake_store_is_closed (KEY));
}

//  A timer that was decided on loses against the message that another postoffice stores.
Test (closing, a_message_that_races_wins)
{
    s_leave (5);
    timer_due (fake_store_last (KEY));
    rig_turn (); //  at the store
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_VISITOR,
                                                .user = "vic",
                                                .data = "{}" });
    rig_run ();
    EXPECT ("timer stale\n");
    cr_assert_not (fake_store_is_closed (KEY));
}

//  Both in one changeset, in either order: it is open in the end.
Test (closing, a_message_in_the_same_changeset)
{
    s_leave (5);
    uint64_t last = fake_store_last (KEY);
    timer_due (last);
    visitor_joins (1, 6);
    rig_run ();
    cr_assert_eq (s_event (last + 1), EVENT_SESSION_CLOSED);
    cr_assert_eq (s_event (last + 2), EVENT_SESSION_REOPENED);
    cr_assert_eq (s_event (last + 3), EVENT_USER_JOINED);
    cr_assert_not (fake_store_is_closed (KEY));
    cr_assert_null (fake_store_timer (KEY));
}

Test (closing, joining_opens_it_again)
{
    s_close ();
    uint64_t last = fake_store_last (KEY);
    widget_joins (1, 6);
    rig_run ();
    cr_assert_eq (s_event (last + 1), EVENT_SESSION_REOPENED);
    cr_assert_eq (s_event (last + 2), EVENT_USER_JOINED);
    cr_assert_not (fake_store_is_closed (KEY));
    cr_assert_null (strstr (rig_story (), "session"), "a widget knows nothing of it: %s",
                    rig_story ());
    s_leave (6);
    cr_assert_eq (fake_store_timer (KEY)->seq, fake_store_last (KEY));
}

Test (closing, words_open_it_again)
{
    s_close ();
    uint64_t last = fake_store_last (KEY);
    say_by_request (ROLE_VISITOR, "vic", "news");
    rig_run ();
    cr_assert_eq (s_event (last + 1), EVENT_SESSION_REOPENED);
    cr_assert_eq (s_event (last + 2), EVENT_NEW_MESSAGE);
    cr_assert_not (fake_store_is_closed (KEY));
    cr_assert_eq (fake_store_timer (KEY)->seq, last + 2, "and the wait begins anew");
    EXPECT ("api POSTED 1 ok #5\n");
}

//  Rich clients see both when they read the log.
Test (closing, rich_clients_are_shown_both)
{
    s_close ();
    attach_as (1, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 1);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "#3 session closed\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "#4 session reopened\n"), "%s", rig_story ());
}

//  A session that is in memory for its timer only goes at once: a backlog of them fills nothing.
Test (closing, a_session_for_a_timer_goes_at_once)
{
    s_leave (5);
    while (rig_session ())
        rig_wait (20);
    rig_office.idle_ms = 20000;
    timer_due (fake_store_last (KEY));
    rig_run ();
    cr_assert_not_null (rig_session ());
    for (int at = 0; at < 100 && rig_session (); at++)
        rig_wait (20);
    cr_assert_null (rig_session ());
}

//  The database is lost with the timer at the store: it is run when the database is back.
Test (closing, a_timer_outlives_an_outage)
{
    s_leave (5);
    fake_store_next (FAKE_UNSURE);
    timer_due (fake_store_last (KEY));
    rig_run ();
    cr_assert (fake_store_is_closed (KEY));
    cr_assert_eq (s_event (fake_store_last (KEY)), EVENT_SESSION_CLOSED);
    EXPECT ("timer stale\n"); //  its entry is there: whoever has the item ends it
}

//  A rule of the app: what calls people is stored with its entry.
Test (closing, people_are_called_with_it)
{
    static const char json[] =
        "{\"apps\":[{\"appId\":\"demo\",\"people\":[{\"id\":\"anna\"}],\"slack\":{\"webhook\":"
        "\"https://s/x\"},\"alerts\":[{\"name\":\"ends\",\"on\":\"session-ended\",\"steps\":[{"
        "\"by\":[\"slack\"],\"to\":[\"person:anna\"]}]}]}]}";
    buffer_t said;
    buffer_init (&said, 1000);
    apps_reading_t reading = { .reader = APP_READER_POSTOFFICE,
                               .complaint = &said,
                               .warnings = &said };
    apps_file_t *file = apps_file_new (text_of (json), &reading);
    cr_assert (file);
    app_t *app = (app_t *) (uintptr_t) apps_find (rig_office.apps, TEXT ("demo"));
    app->alerts = apps_file_first (file)->alerts; //  lent: nobody reads the file again
    s_close ();
    const store_work_t *alert = fake_store_timer (KEY);
    cr_assert (alert && text_is (alert->topic, TOPIC_ALERT));
    cr_assert_eq (alert->seq, fake_store_last (KEY));
    cr_assert_eq (s_event (alert->seq), EVENT_SESSION_CLOSED);
    app->alerts = (json_rows_t){ NULL, 0 };
    apps_file_destroy (&file);
    buffer_free (&said);
}

// ---------------------------------------------------------------------------------------------

static void
s_say_often (int times)
{
    static int s_number;
    for (int at = 0; at < times; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%d", s_number++);
        say (2, 9, id);
        if (at % 20 == 0)
            rig_run ();
    }
    rig_run ();
    rig_forget ();
}

//  That an alert is seen to is no reason: what called people may be that it was closed. One entry
//  says so, whoever is first.
Test (closing, not_by_who_sees_to_an_alert)
{
    s_close ();
    uint64_t last = fake_store_last (KEY);
    static const uint64_t roles[] = { ROLE_AGENT, ROLE_API, ROLE_AGENT };
    for (size_t at = 0; at < 3; at++) {
        change_by_request (CHANGE_ACKNOWLEDGE, roles[at], ":seen:1:session-ended", SEQ_UNKNOWN);
        rig_run ();
        cr_assert_eq (fake_store_last (KEY), last + 1);
    }
    cr_assert_eq (s_event (last + 1), EVENT_ALERT_ACKNOWLEDGED);
    cr_assert_eq (fake_store_entry (KEY, last + 1)->role, ROLE_AGENT);
    cr_assert (fake_store_is_closed (KEY));
    rig_forget ();
}

//  That a session is active costs no message a write to its row.
Test (closing, activity_is_written_now_and_then)
{
    agent_joins (2, 9, "anna");
    rig_run ();
    post (2, 9, EVENT_BARGE_IN, "in");
    s_say_often (500);
    cr_assert_eq (fake_store_row_writes (KEY), 1, "of control; it was opened just now");
    fake_store_active_ago (6 * 60 * 1000);
    session_happens (rig_session (), SESSION_MOVED);
    s_say_often (500);
    cr_assert_eq (fake_store_row_writes (KEY), 2, "its row was older than five minutes");
    cr_assert_eq (fake_store_last (KEY), 1003);
    fake_store_active_ago (1000);
    session_happens (rig_session (), SESSION_MOVED);
    s_say_often (10);
    cr_assert_eq (fake_store_row_writes (KEY), 2);
}

// ---------------------------------------------------------------------------------------------
//  Who writes by SMS

#define PHONE "@sms:+49301"

static void
s_begin_by_sms (void)
{
    rig_begin ();
    rig_office.rules.close_after_ms = CLOSE_AFTER_MS;
    fake_store_other_opens (KEY, PHONE);
    fake_store_other_reaches (KEY, ROLE_VISITOR, PHONE, "sms.out", "+49301");
    say_by_request (ROLE_VISITOR, PHONE, "hello");
    rig_run ();
    rig_forget ();
}

TestSuite (closing_by_sms, .init = s_begin_by_sms, .fini = s_end);

//  No connection ends with which it could leave: silence is all that there is.
Test (closing_by_sms, a_quiet_day_closes)
{
    const store_work_t *timer = fake_store_timer (KEY);
    cr_assert_not_null (timer);
    cr_assert_eq (timer->seq, fake_store_last (KEY));
    cr_assert_eq (timer->after_ms, APP_QUIET_S * 1000);
    uint64_t before = timer->seq;
    say_by_request (ROLE_VISITOR, PHONE, "are you there?");
    rig_run ();
    rig_forget ();
    timer_due (before);
    rig_run ();
    EXPECT ("timer stale\n");
    cr_assert_not (fake_store_is_closed (KEY));
    rig_forget ();
    timer_due (fake_store_last (KEY));
    rig_run ();
    EXPECT ("timer ran\n");
    cr_assert (fake_store_is_closed (KEY));
    cr_assert_null (fake_store_timer (KEY));
    say_by_request (ROLE_VISITOR, PHONE, "again");
    rig_run ();
    cr_assert_not (fake_store_is_closed (KEY));
    cr_assert_eq (fake_store_timer (KEY)->seq, fake_store_last (KEY));
}

//  As long as somebody else is there, nothing is closed.
Test (closing_by_sms, not_while_an_agent_is_there)
{
    agent_joins (2, 9, "anna");
    rig_run ();
    cr_assert_null (fake_store_timer (KEY));
    detach (2, 9, SEQ_UNKNOWN);
    uint64_t last = fake_store_last (KEY);
    for (int at = 0; at < 100 && fake_store_last (KEY) == last; at++)
        rig_wait (20);
    cr_assert_eq (fake_store_timer (KEY)->seq, fake_store_last (KEY));
    cr_assert_eq (fake_store_timer (KEY)->after_ms, APP_QUIET_S * 1000);
}
