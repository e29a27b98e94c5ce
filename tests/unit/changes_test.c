//  changes — what the API asks of a session: each change in each state of the session, with and
//  without a key that was used, with the log that was expected and another one; who takes part
//  without a connection; and two postoffices that are asked at once.

#include "office_rig.h"
#include "rules/changes.h"

#include <stdio.h>

#define CLOSE_AFTER_MS 5000
#define ANY SEQ_UNKNOWN

static void
s_begin (void)
{
    rig_begin ();
    rig_office.rules.close_after_ms = CLOSE_AFTER_MS;
}

TestSuite (changes, .init = s_begin, .fini = rig_end);

//  The visitor is at endpoint 5 of edge 1.
static void
s_visitor (void)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

static void
s_ask (change_kind_t kind, const char *id)
{
    change_by_request (kind, ROLE_AGENT, id, ANY);
    rig_run ();
}

static void
s_expect_event (uint64_t seq, event_t event)
{
    const stored_entry_t *entry = fake_store_entry (KEY, seq);
    cr_assert_not_null (entry, "%u is not there", (unsigned) seq);
    cr_assert_eq (entry->event, event, "%u: %s", (unsigned) seq, event_wire_name (entry->event));
}

// ---------------------------------------------------------------------------------------------
//  All pairs

typedef enum { NOT_THERE, OPEN, CLOSED, WITH_CARL, STATES } state_t;

//  A new id; the id of a change of the same kind that was done; one of another kind; and a seq that
//  is not the log's last one.
typedef enum { FRESH, AGAIN, REUSED, STALE, WAYS } way_t;

//  What is answered, and whether anything is stored. Where a change of this kind has no effect in
//  the state, none was done there before: AGAIN is FRESH.
static const char *const s_expected[CHANGES][STATES] = {
    [CHANGE_OPEN] = { "ok+", "exists", "exists", "exists" },
    [CHANGE_CLOSE] = { "not_joined", "ok+", "ok", "ok+" },
    [CHANGE_REOPEN] = { "not_joined", "ok", "ok+", "ok" },
    [CHANGE_ENTER] = { "not_joined", "ok+", "ok+", "ok" },
    [CHANGE_TAKE] = { "not_joined", "ok+", "closed", "ok+" },
    [CHANGE_RELEASE] = { "not_joined", "not_in_control", "closed", "not_in_control" },
    [CHANGE_OFFER] = { "not_joined", "ok+", "closed", "ok+" },
    [CHANGE_ACCEPT] = { "not_joined", "not_offered", "closed", "not_offered" },
    [CHANGE_DECLINE] = { "not_joined", "not_offered", "closed", "not_offered" },
    [CHANGE_EXIT] = { "not_joined", "ok", "ok", "ok+" },
    [CHANGE_READ] = { "not_joined", "ok", "ok", "ok" },
    [CHANGE_ACKNOWLEDGE] = { "not_joined", "ok+", "ok+", "ok+" },
};

static void
s_make (state_t state)
{
    if (state == NOT_THERE)
        return;
    visitor_joins (1, 5);
    if (state == CLOSED)
        change_by_request (CHANGE_CLOSE, ROLE_API, ":key:made", ANY);
    if (state == WITH_CARL)
        enter_by_request ("carl", false, ":key:made");
    rig_run ();
    rig_forget ();
}

static void
s_walk (change_kind_t kind, state_t state, way_t way)
{
    s_make (state);
    const char *expected = s_expected[kind][state];
    bool acts = expected[strlen (expected) - 1] == '+';
    uint64_t before = fake_store_last (KEY);
    const char *id = ":key:1";
    if (way == AGAIN) {
        s_ask (kind, id);
        before = fake_store_last (KEY);
        rig_forget ();
    }
    bool is_reused = way == REUSED && (state == CLOSED || state == WITH_CARL);
    if (is_reused)
        id = ":key:made";
    change_by_request (kind, ROLE_AGENT, id, way == STALE ? before + 1 : before);
    rig_run ();
    char verdict[40];
    snprintf (verdict, sizeof verdict, " %.*s #", (int) strcspn (expected, "+"), expected);
    bool is_there = state != NOT_THERE;
    bool is_same = is_reused && kind == CHANGE_ENTER && state == WITH_CARL; //  carl's own
    if (is_reused && !is_same)
        snprintf (verdict, sizeof verdict, " key_reused #");
    else if (is_same || (way == AGAIN && acts))
        snprintf (verdict, sizeof verdict, " duplicate #");
    else if (way == STALE && (is_there ? kind != CHANGE_OPEN : kind == CHANGE_OPEN))
        snprintf (verdict, sizeof verdict, " precondition #");
    bool is_done = acts && !is_reused && way != AGAIN && way != STALE;
    cr_assert_not_null (strstr (rig_story (), verdict), "%d in %d, %d: not%s but %s", kind, state,
                        way, verdict, rig_story ());
    cr_assert_eq (fake_store_last (KEY) > before, is_done, "%d in %d, %d", kind, state, way);
}

#define PAIRS(NAME, name, events, words)                                                         \
    Test (changes, name##_in_each_state)                                                         \
    {                                                                                            \
        for (unsigned state = 0; state < STATES; state++)                                        \
            for (unsigned way = 0; way < WAYS; way++) {                                          \
                s_walk (CHANGE_##NAME, (state_t) state, (way_t) way);                            \
                rig_end ();                                                                      \
                s_begin ();                                                                      \
            }                                                                                    \
    }
#define CHANGE PAIRS
#include "rules/changes.def"
#undef CHANGE

// ---------------------------------------------------------------------------------------------
//  Opening

Test (changes, a_session_is_opened_for_who_is_not_there)
{
    worker_up (W1, 10);
    change_by_request (CHANGE_OPEN, ROLE_API, ":key:1", ANY);
    rig_run ();
    EXPECT ("api OPEN ok #1\n"
            "w1 WORK t1 1\n");
    s_expect_event (1, EVENT_SESSION_OPENED);
    s_expect_event (2, EVENT_NEW_MESSAGE);
    cr_assert_eq (fake_store_entry (KEY, 1)->role, ROLE_API);
    cr_assert_eq (fake_store_entry (KEY, 2)->role, ROLE_VISITOR);
    cr_assert_eq (*fake_store_host (KEY), 0, "nobody is there to be waited for");
    cr_assert_not_null (fake_store_timer (KEY), "it is closed when nobody comes");
    //  The visitor comes, and it is the visitor's.
    visitor_joins (1, 5);
    rig_run ();
    s_expect_event (3, EVENT_USER_JOINED);
    cr_assert_null (fake_store_timer (KEY));
    attach_as (1, 6, ROLE_VISITOR, "mal", DIALECT_RICH, ATTACH_JOIN, 0);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 ATTACHED 6 not_yours"), "%s", rig_story ());
    worker_down (W1);
}

Test (changes, who_opened_it_is_told_again_however_much_was_said)
{
    change_by_request (CHANGE_OPEN, ROLE_API, ":key:1", ANY);
    rig_run ();
    visitor_joins (1, 5);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    for (int at = 0; at < 2 * RECENT_IDS; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%d", at);
        say (2, 9, id);
        rig_run ();
    }
    rig_forget ();
    change_by_request (CHANGE_OPEN, ROLE_API, ":key:1", ANY);
    change_by_request (CHANGE_OPEN, ROLE_API, ":key:2", ANY);
    rig_run ();
    EXPECT ("api OPEN duplicate #1\n"
            "api OPEN exists #0\n");
}

//  A server that mixes up its keys is not told of another visitor's session as if it were new.
Test (changes, the_key_of_an_opening_is_of_one_visitor)
{
    open_by_request ("vic", ":key:1");
    rig_run ();
    open_by_request ("mal", ":key:1");
    open_by_request ("vic", ":key:1");
    rig_run ();
    EXPECT ("api OPEN ok #1\n"
            "api OPEN key_reused #1\n"
            "api OPEN duplicate #1\n");
}

// ---------------------------------------------------------------------------------------------
//  Closing

Test (changes, closing_ends_turns_and_gives_control_back)
{
    s_visitor ();
    worker_up (W1, 10);
    say (1, 5, "help");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    s_ask (CHANGE_CLOSE, ":key:1");
    cr_assert_not_null (strstr (rig_story (), "api CLOSE ok #3\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #3 session closed\n"), "%s",
                        rig_story ());
    cr_assert_not_null (strstr (rig_story (), "w1 CANCEL t1"), "%s", rig_story ());
    cr_assert (fake_store_is_closed (KEY));
    done (W1, "t1", "late");
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), 3, "a late answer opens nothing");
    //  Who stays connected may go on.
    rig_forget ();
    say (1, 5, "again");
    rig_run ();
    s_expect_event (4, EVENT_SESSION_REOPENED);
    s_expect_event (5, EVENT_NEW_MESSAGE);
    cr_assert_not (fake_store_is_closed (KEY));
    cr_assert_null (fake_store_timer (KEY), "somebody is there");
    worker_down (W1);
}

Test (changes, closing_takes_control_from_an_agent)
{
    s_visitor ();
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    s_ask (CHANGE_CLOSE, ":key:1");
    s_expect_event (4, EVENT_BARGE_OUT);
    s_expect_event (5, EVENT_SESSION_CLOSED);
    cr_assert_eq (rig_session ()->fold.control_role, ROLE_BOT);
}

//  Who leaves afterwards does not open it again.
Test (changes, who_leaves_a_closed_session)
{
    s_visitor ();
    s_ask (CHANGE_CLOSE, ":key:1");
    detach (1, 5, SEQ_UNKNOWN);
    for (int at = 0; at < 100 && fake_store_last (KEY) < 3; at++)
        rig_wait (20);
    s_expect_event (3, EVENT_USER_LEFT);
    cr_assert (fake_store_is_closed (KEY));
    cr_assert_null (fake_store_timer (KEY));
    cr_assert_eq (*fake_store_host (KEY), 0);
}

Test (changes, the_timer_goes_with_the_closing_and_comes_with_the_opening)
{
    change_by_request (CHANGE_OPEN, ROLE_API, ":key:1", ANY);
    rig_run ();
    cr_assert_not_null (fake_store_timer (KEY));
    s_ask (CHANGE_CLOSE, ":key:2");
    cr_assert_null (fake_store_timer (KEY));
    s_ask (CHANGE_REOPEN, ":key:3");
    cr_assert_not_null (fake_store_timer (KEY));
    cr_assert_eq (fake_store_timer (KEY)->seq, fake_store_last (KEY));
    cr_assert_not (fake_store_is_closed (KEY));
}

Test (changes, several_in_one_changeset)
{
    s_visitor ();
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:1", ANY);
    change_by_request (CHANGE_REOPEN, ROLE_AGENT, ":key:2", ANY);
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:3", ANY);
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:1", ANY);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api CLOSE ok #2\n"));
    cr_assert_not_null (strstr (rig_story (), "api REOPEN ok #3\n"));
    cr_assert_not_null (strstr (rig_story (), "api CLOSE ok #4\n"));
    cr_assert_not_null (strstr (rig_story (), "api CLOSE duplicate #2\n"));
    cr_assert (fake_store_is_closed (KEY));
}

// ---------------------------------------------------------------------------------------------
//  Taking part without a connection

static bool
s_is_present (const char *user)
{
    const participant_t *participant =
        fold_participant (&rig_session ()->fold, ROLE_AGENT, text_of (user));
    return participant && participant->present;
}

Test (changes, no_grace_period_ends_it)
{
    s_visitor ();
    enter_by_request ("anna", true, ":key:1");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #3 user joined\n"), "%s",
                        rig_story ());
    cr_assert (s_is_present ("anna"));
    say_by_request (ROLE_AGENT, "anna", "hello");
    rig_wait (GRACE_MS + 300);
    cr_assert_not_null (strstr (rig_story (), "api POSTED 1 ok #4\n"), "%s", rig_story ());
    cr_assert (s_is_present ("anna"));
    cr_assert_eq (fake_store_works (KEY), 0, "nothing is delivered to it");
    leave_by_request ("anna", ":key:2");
    rig_run ();
    s_expect_event (5, EVENT_BARGE_OUT);
    s_expect_event (6, EVENT_USER_LEFT);
    cr_assert_not (s_is_present ("anna"));
}

//  The session is loaded by another postoffice: it is there, and there is nobody to be waited for.
Test (changes, it_outlives_its_postoffice)
{
    s_visitor ();
    enter_by_request ("anna", false, ":key:1");
    detach (1, 5, SEQ_UNKNOWN);
    for (int at = 0; at < 100 && rig_session (); at++)
        rig_wait (20);
    cr_assert_null (rig_session ());
    cr_assert_null (fake_store_timer (KEY), "anna is there");
    visitor_joins (1, 6);
    rig_wait (GRACE_MS + 300);
    cr_assert (s_is_present ("anna"));
    detach (1, 6, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 300);
    leave_by_request ("anna", ":key:2");
    rig_run ();
    cr_assert_not_null (fake_store_timer (KEY), "all have left");
    cr_assert_eq (*fake_store_host (KEY), 0);
}

//  A connection comes and goes meanwhile; once it has left, a connection is what counts again.
Test (changes, with_a_connection_too)
{
    s_visitor ();
    enter_by_request ("anna", false, ":key:1");
    agent_joins (2, 9, "anna");
    rig_run ();
    uint64_t last = fake_store_last (KEY);
    detach (2, 9, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 300);
    cr_assert_eq (fake_store_last (KEY), last);
    leave_by_request ("anna", ":key:2");
    agent_joins (2, 10, "anna");
    rig_run ();
    s_expect_event (last + 1, EVENT_USER_LEFT);
    s_expect_event (last + 2, EVENT_USER_JOINED);
    detach (2, 10, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 300);
    s_expect_event (last + 3, EVENT_USER_LEFT);
}

//  Who is connected already stays when the connection goes; that is no news to anybody.
Test (changes, who_is_connected_enters)
{
    s_visitor ();
    agent_joins (2, 9, "anna");
    rig_run ();
    uint64_t last = fake_store_last (KEY);
    enter_by_request ("anna", false, ":key:1");
    rig_run ();
    s_expect_event (last + 1, EVENT_USER_JOINED);
    cr_assert (fake_store_entry (KEY, last + 1)->hidden);
    detach (2, 9, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 300);
    cr_assert (s_is_present ("anna"));
    cr_assert_eq (fake_store_last (KEY), last + 1);
}

//  One who enters within the grace period of a lost connection is not said to have left.
Test (changes, who_enters_in_the_grace_period)
{
    s_visitor ();
    agent_joins (2, 9, "anna");
    rig_run ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_run ();
    enter_by_request ("anna", false, ":key:1");
    rig_wait (GRACE_MS + 300);
    cr_assert (s_is_present ("anna"));
}

Test (changes, closing_sends_home)
{
    s_visitor ();
    enter_by_request ("anna", false, ":key:1");
    enter_by_request ("carl", true, ":key:2");
    rig_run ();
    s_ask (CHANGE_CLOSE, ":key:3");
    cr_assert_not (s_is_present ("anna"));
    cr_assert_not (s_is_present ("carl"));
    //  So does the database: nobody is said to be there when it is loaded.
    detach (1, 5, SEQ_UNKNOWN);
    for (int at = 0; at < 100 && rig_session (); at++)
        rig_wait (20);
    leave_by_request ("anna", ":key:4");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api EXIT ok #0\n"), "%s", rig_story ());
}

Test (changes, who_comes_and_goes_in_one_changeset)
{
    s_visitor ();
    enter_by_request ("anna", false, ":key:1");
    leave_by_request ("anna", ":key:2");
    rig_run ();
    agent_joins (2, 9, "anna");
    rig_run ();
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 300);
    cr_assert_not (s_is_present ("anna"), "it has a connection only, and that went");
}

Test (changes, there_is_a_limit)
{
    s_visitor ();
    for (int at = 0; at <= CHANNEL_API_MOST; at++) {
        char user[20], id[20];
        snprintf (user, sizeof user, "u%d", at);
        snprintf (id, sizeof id, ":key:%d", at);
        enter_by_request (user, false, id);
        rig_run ();
    }
    cr_assert_not_null (strstr (rig_story (), "api ENTER busy #0\n"));
    cr_assert_eq (fake_store_last (KEY), 1 + CHANNEL_API_MOST);
}

//  An agent who takes control by a request takes part by it, too.
Test (changes, there_is_a_limit_of_those_who_take)
{
    s_visitor ();
    for (int at = 0; at < CHANNEL_API_MOST; at++) {
        char user[20], id[20];
        snprintf (user, sizeof user, "u%d", at);
        snprintf (id, sizeof id, ":key:%d", at);
        enter_by_request (user, false, id);
        rig_run ();
    }
    s_ask (CHANGE_TAKE, ":key:take");
    cr_assert_not_null (strstr (rig_story (), "api TAKE busy #0\n"), "%s", rig_story ());
    cr_assert_eq (fake_store_last (KEY), 1 + CHANNEL_API_MOST);
    leave_by_request ("u0", ":key:leaves");
    rig_run ();
    rig_forget ();
    s_ask (CHANGE_TAKE, ":key:take");
    cr_assert_not_null (strstr (rig_story (), "api TAKE ok "), "%s", rig_story ());
}

//  By a server, in the name of otto, of this role, who has seen that version of control.
static void
s_releases (uint64_t role, uint64_t version)
{
    operation_t *operation = operation_change (&(change_t){ .kind = CHANGE_RELEASE,
                                                            .session = KEY,
                                                            .message_id = TEXT (":key:release"),
                                                            .by_role = ROLE_API,
                                                            .by_user = TEXT ("key"),
                                                            .by_sender = TEXT ("{}"),
                                                            .role = role,
                                                            .user = TEXT ("otto"),
                                                            .sender = TEXT ("{}"),
                                                            .info = TEXT_EMPTY,
                                                            .first_id = TEXT_EMPTY,
                                                            .data = TEXT_EMPTY,
                                                            .version = version,
                                                            .targets = TEXT_EMPTY,
                                                            .why = TEXT_EMPTY,
                                                            .secret = TEXT_EMPTY });
    operation->if_match = ANY;
    sessions_ask (rig_office.sessions, KEY, &operation);
}

//  One who waits goes on waiting, unless the one who ends it has seen that; or the app itself wants
//  it so.
Test (changes, who_has_no_control_gives_nothing_back)
{
    static const struct {
        role_t role;
        bool has_seen;
        const char *verdict;
    } rows[] = { { ROLE_AGENT, false, "not_in_control" },
                 { ROLE_PLATFORM, false, "not_in_control" },
                 { ROLE_AGENT, true, "ok" },
                 { ROLE_API, false, "ok" } };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char expected[60];
        s_visitor ();
        s_ask (CHANGE_OFFER, ":key:offer");
        cr_assert_eq (rig_session ()->fold.control_role, ROLE_ROUTER);
        rig_forget ();
        uint64_t version = rig_session ()->fold.control_seq;
        s_releases (rows[at].role, rows[at].has_seen ? version : SEQ_UNKNOWN);
        rig_run ();
        snprintf (expected, sizeof expected, "api RELEASE %s #", rows[at].verdict);
        cr_assert_not_null (strstr (rig_story (), expected), "row %zu: %s", at, rig_story ());
        bool is_over = rig_session ()->fold.control_role == ROLE_BOT;
        cr_assert_eq (is_over, strcmp (rows[at].verdict, "ok") == 0, "row %zu", at);
        rig_end ();
        s_begin ();
    }
}

//  The app ends it for whoever has it: the bot answers, the entry is the holder's, and who asks
//  again is told the same.
Test (changes, the_app_gives_back_what_an_agent_has)
{
    s_visitor ();
    s_releases (ROLE_API, SEQ_UNKNOWN);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api RELEASE not_in_control #"), "%s", rig_story ());
    s_ask (CHANGE_TAKE, ":key:take");
    uint64_t version = rig_session ()->fold.control_seq;
    rig_forget ();
    s_releases (ROLE_API, version - 1);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api RELEASE precondition #"), "%s", rig_story ());
    s_releases (ROLE_API, version);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api RELEASE ok #"), "%s", rig_story ());
    cr_assert_eq (rig_session ()->fold.control_role, ROLE_BOT);
    s_expect_event (version + 1, EVENT_BARGE_OUT);
    cr_assert_eq (fake_store_entry (KEY, version + 1)->role, ROLE_AGENT);
    s_ask (CHANGE_TAKE, ":key:again");
    rig_forget ();
    s_releases (ROLE_API, SEQ_UNKNOWN);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api RELEASE duplicate #"), "%s", rig_story ());
    cr_assert_eq (rig_session ()->fold.control_role, ROLE_AGENT, "it was taken later");
}

static unsigned s_answered;

static void
s_on_answered (void *owner, const operation_t *operation)
{
    (void) owner;
    cr_assert_eq (operation->verdict, VERDICT_DUPLICATE, "there is no such offer");
    s_answered++;
}

//  A worker answers for the platforms of its own topics: no other gets control by it.
Test (changes, an_offer_is_answered_by_its_platforms_worker)
{
    const bus_record_t record = { .kind = BUS_DONE,
                                  .done = { .item = TEXT (":offer:x#1#"),
                                            .session = KEY,
                                            .topic = TEXT ("platform.x"),
                                            .outcome = OUTCOME_ANSWERED,
                                            .data = TEXT_EMPTY,
                                            .target = TEXT_EMPTY,
                                            .detail = TEXT_EMPTY } };
    const bus_hello_t hello = { .topics = TEXT ("notify.sms platform.x"), .credit = 10 };
    rig_office.offer_answered = s_on_answered;
    s_visitor ();
    worker_up (W1, 10);
    cr_assert_not (sessions_offer_answered (rig_office.sessions, W1, &record));
    rig_run ();
    cr_assert_eq (s_answered, 0);
    worker_down (W1);
    workers_add (rig_office.workers, W1, &hello);
    cr_assert (sessions_offer_answered (rig_office.sessions, W1, &record));
    rig_run ();
    cr_assert_eq (s_answered, 1);
    worker_down (W1);
}

//  Control goes from one to the other, and each request is one entry that has its id.
Test (changes, control_is_taken_with_entering)
{
    s_visitor ();
    enter_by_request ("anna", true, ":key:1");
    enter_by_request ("carl", true, ":key:2");
    enter_by_request ("anna", true, ":key:1");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api ENTER ok #3\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "api ENTER ok #6\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "api ENTER duplicate #3\n"), "%s", rig_story ());
    cr_assert (text_is (rig_session ()->fold.control_user, TEXT ("carl")));
}

// ---------------------------------------------------------------------------------------------
//  Messages

Test (changes, a_message_of_a_key_is_one_of_its_asker_only)
{
    s_visitor ();
    enter_by_request ("anna", true, ":key:1");
    rig_run ();
    rig_forget ();
    say_by_request (ROLE_AGENT, "anna", ":key:2");
    say_by_request (ROLE_AGENT, "anna", ":key:2");
    say_by_request (ROLE_VISITOR, "vic", ":key:2");
    say_by_request (ROLE_VISITOR, "vic", ":key:1");
    say_by_request (ROLE_VISITOR, "vic", ":keys");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 :key:2\n"
            "api POSTED 1 ok #4\n"
            "api POSTED 2 duplicate #4\n"
            "api POSTED 3 key_reused #4\n"
            "api POSTED 4 key_reused #3\n"
            "api POSTED 5 bad_request #0\n");
}

Test (changes, a_message_into_the_log_that_was_seen)
{
    s_visitor ();
    post_by_request (ROLE_VISITOR, "vic", ":key:1", 1);
    post_by_request (ROLE_VISITOR, "vic", ":key:2", 1);
    post_by_request (ROLE_VISITOR, "vic", ":key:1", 1);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api POSTED 1 ok #2\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "api POSTED 2 precondition #0\n"));
    cr_assert_not_null (strstr (rig_story (), "api POSTED 3 duplicate #2\n"));
}

// ---------------------------------------------------------------------------------------------
//  Other postoffices, and a database that is away

//  Two close the same log at once: one of them finds another one.
Test (changes, a_race_of_two_closings)
{
    s_visitor ();
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:1", 1);
    rig_turn (); //  at the store
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_VISITOR,
                                                .user = "vic",
                                                .data = "{}" });
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api CLOSE precondition #0\n"), "%s", rig_story ());
    cr_assert_not (fake_store_is_closed (KEY));
}

//  What another one wrote, and the notice is not here yet: it is looked at before it is refused.
Test (changes, what_another_one_wrote_is_what_was_seen)
{
    s_visitor ();
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_VISITOR,
                                                .user = "vic",
                                                .data = "{}" });
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:1", 2);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api CLOSE ok #3\n"), "%s", rig_story ());
}

//  A session that was not there when it was asked for last.
Test (changes, what_another_one_opened)
{
    s_ask (CHANGE_CLOSE, ":key:1");
    EXPECT ("api CLOSE not_joined #0\n");
    fake_store_other_opens (KEY, "vic");
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:1", ANY);
    say_by_request (ROLE_VISITOR, "vic", "hello");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "api CLOSE ok #2\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "api POSTED 1 ok #4\n"), "%s", rig_story ());
}

//  Nobody knows whether it is stored: it is looked for, and is there once, whatever was expected.
Test (changes, an_answer_that_is_lost)
{
    static const fake_mood_t moods[] = { FAKE_UNSURE, FAKE_UNSURE_LOST };
    static const change_kind_t kinds[] = { CHANGE_CLOSE, CHANGE_REOPEN, CHANGE_ENTER, CHANGE_EXIT };
    s_visitor ();
    uint64_t last = 1;
    for (size_t kind = 0; kind < 4; kind++)
        for (size_t at = 0; at < 2; at++) {
            char id[20];
            snprintf (id, sizeof id, ":key:%zu%zu", kind, at);
            fake_store_next (moods[at]);
            rig_forget ();
            change_by_request (kinds[kind], ROLE_AGENT, id, last);
            rig_run ();
            bool acts = at == 0; //  the second one finds it done
            last += acts;
            cr_assert_eq (fake_store_last (KEY), last, "%zu %zu: %s", kind, at, rig_story ());
            cr_assert_not_null (strstr (rig_story (), acts ? " duplicate #" : " ok #0"), "%s",
                                rig_story ());
        }
}

Test (changes, a_database_that_is_away)
{
    s_visitor ();
    fake_store_always (FAKE_DOWN);
    s_ask (CHANGE_CLOSE, ":key:1");
    EXPECT ("api CLOSE store_down #0\n");
    fake_store_always (FAKE_WELL);
    rig_wait (300);
    cr_assert_not (fake_store_is_closed (KEY), "it was said that it is not done");
}
