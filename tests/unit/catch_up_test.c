//  catch_up — stories of endpoints that come back and are brought what they missed: nothing twice,
//  no hole, in order, whatever happens meanwhile.

#include "office_rig.h"

TestSuite (catch_up, .init = rig_begin, .fini = rig_end);

static void
s_other_says (const char *data)
{
    fake_store_other_says (KEY,
                           &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, data });
}

//  The widget of "vic" on endpoint 5 of edge 1, which has everything; an agent on endpoint 9 of
//  edge 2 who is in control (so that there are no turns).
static void
s_widget_and_agent (void)
{
    widget_joins (1, 5);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    received (1, 5, 3);
    rig_forget ();
}

static void
s_back_silently (peer_t peer, uint64_t endpoint)
{
    attach_as (peer, endpoint, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_SILENT, SEQ_UNKNOWN);
}

//  Entries 4… up to the last one, said by the agent and by nobody heard.
static void
s_log_up_to (uint64_t last)
{
    char data[20];
    for (uint64_t at = fake_store_last (KEY) + 1; at <= last; at++) {
        snprintf (data, sizeof data, "n%u", (unsigned) at);
        s_other_says (data);
    }
}

static uint64_t s_next; //  the seq that is to be delivered next

//  The story so far has deliveries to the endpoint, in order, and nothing behind the end of a
//  window. True when it ends with one.
static bool
s_take_part (peer_t peer, uint64_t endpoint)
{
    char all[40000], line[60];
    snprintf (all, sizeof all, "%s", rig_story ());
    rig_forget ();
    snprintf (line, sizeof line, "e%u DELIVER %u ", (unsigned) peer, (unsigned) endpoint);
    bool end_of_window = false;
    for (char *at = strtok (all, "\n"); at; at = strtok (NULL, "\n")) {
        if (strncmp (at, line, strlen (line)) != 0)
            continue;
        cr_assert_not (end_of_window, "before NEXT_WINDOW: %s", at);
        cr_assert_eq (strtoull (strchr (at, '#') + 1, NULL, 10), s_next, "%s, not %u", at,
                      (unsigned) s_next);
        end_of_window = strstr (at, " end_of_window") != NULL;
        if (++s_next == 352) //  its own joining
            s_next++;
    }
    return end_of_window;
}

//  All parts that follow come, up to this entry.
static void
s_take_rest (peer_t peer, uint64_t endpoint, uint64_t last)
{
    rig_run ();
    while (s_take_part (peer, endpoint)) {
        more (peer, endpoint);
        rig_run ();
    }
    cr_assert_eq (s_next, last + 1, "got up to %u", (unsigned) s_next - 1);
}

// ---------------------------------------------------------------------------------------------
//  The widget

Test (catch_up, silent_return_gets_what_it_missed)
{
    s_widget_and_agent ();
    say (2, 9, "one");
    say (1, 5, "mine");
    rig_run ();
    received (1, 5, 4);
    say (2, 9, "two");
    rig_run ();
    rig_forget ();
    detach (1, 5, SEQ_UNKNOWN);
    say (2, 9, "three");
    s_back_silently (2, 6);
    rig_run ();
    EXPECT ("e2 POSTED 5 ok #7\n"
            "e2 ATTACHED 6 ok #7\n"
            "e2 DELIVER 6 #6 two\n"
            "e2 DELIVER 6 #7 three\n"
            "e2 BROADCAST 6 stop typing\n");
    cr_assert_eq (fake_store_last (KEY), 7);
}

Test (catch_up, what_was_not_received_counts_as_missed)
{
    s_widget_and_agent ();
    say (2, 9, "one");
    say (2, 9, "two");
    rig_run ();
    rig_forget ();
    detach (1, 5, 4); //  the edge says that the first of them was confirmed
    s_back_silently (1, 6);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #5\n"
            "e1 DELIVER 6 #5 two\n"
            "e1 BROADCAST 6 stop typing\n");
    cr_assert_eq (fake_store_received_of (KEY, ROLE_VISITOR, "vic"), 4);
}

Test (catch_up, silent_return_to_another_postoffice)
{
    fake_store_other_opens (KEY, "vic");
    s_other_says ("one");
    s_other_says ("two");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", 2);
    s_back_silently (1, 5);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #3\n"
            "e1 DELIVER 5 #3 two\n"
            "e1 BROADCAST 5 stop typing\n");
}

Test (catch_up, what_is_lost_after_a_reattach_is_brought_again)
{
    fake_store_other_opens (KEY, "vic");
    s_other_says ("one");
    s_other_says ("two");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    //  Both were written to the socket; the client has confirmed the first one only.
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_REATTACH, 3);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #3\n");
    detach (1, 5, 2);
    s_back_silently (1, 6);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #3\n"
            "e1 DELIVER 6 #3 two\n"
            "e1 BROADCAST 6 stop typing\n");
}

Test (catch_up, lost_link_is_no_receipt)
{
    s_widget_and_agent ();
    say (2, 9, "one");
    rig_run ();
    edge_down (1); //  the link only: the edge comes back as another peer
    edge_up (3);
    attach_as (3, 5, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_REATTACH, 4);
    rig_run ();
    rig_forget ();
    detach (3, 5, SEQ_UNKNOWN);
    s_back_silently (3, 6);
    rig_run ();
    EXPECT ("e3 ATTACHED 6 ok #4\n"
            "e3 DELIVER 6 #4 one\n"
            "e3 BROADCAST 6 stop typing\n");
}

Test (catch_up, two_tabs)
{
    s_widget_and_agent ();
    s_back_silently (1, 6);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #3\n"
            "e1 BROADCAST 6 stop typing\n");
    say (1, 5, "from one tab");
    say (2, 9, "to both");
    rig_run ();
    EXPECT ("e2 DELIVER 9 #4 from one tab\n"
            "e1 DELIVER 6 #4 from one tab\n"
            "e1 POSTED 2 ok #4\n"
            "e1 DELIVER 5,6 #5 to both\n"
            "e2 POSTED 3 ok #5\n");
    received (1, 5, 5);
    detach (1, 6, SEQ_UNKNOWN); //  the other one has not confirmed it
    s_back_silently (1, 7);
    rig_run ();
    EXPECT ("e1 ATTACHED 7 ok #5\n"
            "e1 DELIVER 7 #5 to both\n"
            "e1 BROADCAST 7 stop typing\n");
}

Test (catch_up, typing_state_after_a_return)
{
    widget_joins (1, 5);
    rig_run ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    progress (W1, "t1", EVENT_TYPING);
    EXPECT ("e1 BROADCAST 5 typing\n");
    detach (1, 5, 2);
    s_back_silently (1, 6);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #2\n"
            "e1 BROADCAST 6 typing\n");
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("e1 BROADCAST 6 stop typing\n"
            "e1 DELIVER 6 #3 yes\n"
            "w1 SETTLED t1\n");
}

Test (catch_up, typing_that_ends_during_a_catch_up)
{
    widget_joins (1, 5);
    rig_run ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    progress (W1, "t1", EVENT_TYPING);
    rig_forget ();
    s_other_says ("a");
    session_happens (rig_session (), SESSION_MOVED);
    rig_turn ();
    cr_assert (fake_store_step ()); //  loaded; the entry is being read
    progress (W1, "t1", EVENT_STOP_TYPING);
    EXPECT ("");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 a\n"
            "e1 BROADCAST 5 stop typing\n");
}

// ---------------------------------------------------------------------------------------------
//  The rich dialect

Test (catch_up, resume)
{
    visitor_joins (1, 5);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    say (2, 9, "one");
    say (1, 5, "mine");
    say (2, 9, "two");
    rig_run ();
    rig_forget ();
    edge_down (1);
    attach_as (2, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 4);
    rig_run ();
    EXPECT ("e2 ATTACHED 6 ok #6\n"
            "e2 DELIVER 6 #5 mine\n"
            "e2 DELIVER 6 #6 two\n"
            "e2 BROADCAST 6 stop typing\n");
    //  The client says that it has lost something, and is believed.
    attach_as (2, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 5);
    rig_run ();
    EXPECT ("e2 ATTACHED 6 ok #6\n"
            "e2 DELIVER 6 #6 two\n"
            "e2 BROADCAST 6 stop typing\n");
}

//  Another postoffice has written meanwhile, and the client knows more than this one remembers:
//  it must not be told that the log is shorter, and what it has again.
Test (catch_up, client_knows_more)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    hand_over (1, 5);
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "b" });
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 2);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #3\n"
            "e1 DELIVER 5 #3 b\n");
}

//  It has more than there is: the log is another one. Looked at once, and told.
Test (catch_up, client_knows_another_log)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    hand_over (1, 5);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 9);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n"
            "e1 TRUNCATED 5 #0 of 1\n");
}

Test (catch_up, answer_waits_for_what_stands_before_it)
{
    //  Another postoffice has stored the message and died before it could answer.
    fake_store_other_opens (KEY, "vic");
    s_other_says ("a");
    s_other_says ("b");
    fake_store_other_says (KEY,
                           &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "m1", "m1" });
    s_other_says ("c");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    say (1, 5, "m1");
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #5\n"
            "e1 DELIVER 5 #2 a\n"
            "e1 DELIVER 5 #3 b\n"
            "e1 DELIVER 5 #4 m1\n"
            "e1 DELIVER 5 #5 c\n"
            "e1 POSTED 1 duplicate #4\n");
}

Test (catch_up, answer_that_waits_goes_with_its_endpoint)
{
    fake_store_other_opens (KEY, "vic");
    fake_store_other_says (KEY,
                           &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", "m1", "m1" });
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    say (1, 5, "m1");
    rig_turn ();
    cr_assert (fake_store_step ());
    rig_turn ();
    edge_down (1);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #2\n");
}

// ---------------------------------------------------------------------------------------------
//  A long history

//  An agent's page has been brought the first part of a long log.
static void
s_first_part (void)
{
    fake_store_other_opens (KEY, "vic");
    s_log_up_to (350);
    visitor_joins (2, 6);
    attach_as (1, 5, ROLE_AGENT, "anna", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 ATTACHED 5 ok #352\n"));
    s_next = 1;
    cr_assert (s_take_part (1, 5));
    cr_assert_eq (s_next, 101);
    cr_assert_eq (fake_store_reads, 1);
}

Test (catch_up, history_comes_in_parts)
{
    s_first_part ();
    rig_run ();
    EXPECT ("");
    more (1, 5);
    s_take_rest (1, 5, 352);
}

Test (catch_up, what_happens_meanwhile_comes_behind)
{
    s_first_part ();
    s_other_says ("while it waits");
    session_happens (rig_session (), SESSION_MOVED);
    say (2, 6, "so does this");
    rig_run ();
    cr_assert_not (s_take_part (1, 5));
    cr_assert_eq (s_next, 101);
    more (1, 5);
    rig_turn ();
    say (2, 6, "while it reads");
    rig_turn ();
    s_take_rest (1, 5, 355);
    say (2, 6, "live");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #356 live\n"
            "e2 POSTED 3 ok #356\n");
}

Test (catch_up, entries_between_two_parts)
{
    s_first_part ();
    more (1, 5);
    s_next = 101;
    //  Each part is followed by somebody's words, before and behind its reading.
    for (unsigned at = 0; at < 6; at++) {
        say (2, 6, (const char *[]){ "a", "b", "c", "d", "e", "f" }[at]);
        rig_turn ();
        fake_store_step ();
        if (s_take_part (1, 5))
            more (1, 5);
    }
    s_take_rest (1, 5, 358);
}

Test (catch_up, read_that_fails_is_done_again)
{
    s_first_part ();
    fake_store_next (FAKE_DOWN);
    more (1, 5);
    rig_wait (300);
    cr_assert (s_take_part (1, 5));
    more (1, 5);
    s_take_rest (1, 5, 352);
}

Test (catch_up, read_that_is_not_taken_is_asked_again)
{
    s_first_part ();
    fake_store_next (FAKE_FULL);
    more (1, 5);
    rig_wait (300);
    cr_assert (s_take_part (1, 5));
    more (1, 5);
    s_take_rest (1, 5, 352);
}

Test (catch_up, joining_again_begins_again)
{
    s_first_part ();
    //  With another page of the agent there the log does not grow, and nothing is between the
    //  read that is under way and the one that begins.
    attach_as (2, 7, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_run ();
    more (1, 5);
    attach_as (1, 5, ROLE_AGENT, "anna", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_turn ();
    s_next = 1;
    s_take_rest (1, 5, 352);
}

Test (catch_up, gone_while_it_reads)
{
    s_first_part ();
    more (1, 5);
    rig_turn ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_turn ();
    rig_run ();
    EXPECT ("");
    cr_assert_eq (rig_session ()->reads, 0);
    cr_assert_eq (rig_session ()->endpoint_count, 1);
}
