//  feed — watchers of an app's sessions who follow the rule (subscribe, query, apply) never keep a
//  wrong row, whatever is killed: at the end each row is what the API says.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "watcher.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 10u
#define WATCHERS 4u

static const char *const s_sessions[SESSIONS] = { "s-0", "s-1", "s-2", "s-3", "s-4",
                                                  "s-5", "s-6", "s-7", "s-8", "s-9" };
static router_stack_t *s_stack;
static person_t *s_people[SESSIONS];
static watcher_t *s_watchers[WATCHERS];
static unsigned s_posts;
static char s_wrong[400];

static void
s_listen (void)
{
    for (unsigned at = 0; at < WATCHERS; at++)
        watcher_listen (s_watchers[at]);
}

//  Through any edge that takes it; what is not taken changes nothing, or something that is told.
static bool
s_post (unsigned edge, unsigned session)
{
    char target[200], body[200];
    snprintf (target, sizeof target, "/api/v1/sessions/%s/messages?userId=v%u",
              s_sessions[session], session);
    int size = snprintf (body, sizeof body, "{\"messageId\":\"p-%u\",\"text\":\"hello\"}",
                         ++s_posts);
    http_answer_t answer = http_request (stack_edge_port (s_stack, edge), "POST", target,
                                         "content-type: application/json\r\n", body,
                                         (size_t) size);
    bool is_taken = answer.status == 201;
    http_answer_free (&answer);
    return is_taken;
}

//  What some watcher shows of some session and the API does not say; NULL: there is nothing.
static const char *
s_find_wrong (void)
{
    json_object *truth = watcher_ask (s_stack, 2);
    s_wrong[0] = '\0';
    for (unsigned session = 0; truth && session < SESSIONS; session++)
        for (unsigned at = 0; at < WATCHERS && !*s_wrong; at++) {
            json_object *row = watcher_row (s_watchers[at], session);
            const char *what = watcher_compare (row, watcher_find (truth, s_sessions[session]));
            if (what)
                snprintf (s_wrong, sizeof s_wrong, "watcher %u: %s of %s is not %s", at, what,
                          json_object_to_json_string (row), s_sessions[session]);
        }
    const char *wrong = !truth ? "the API does not answer" : *s_wrong ? s_wrong : NULL;
    json_object_put (truth);
    return wrong;
}

//  All watchers show what the API says, after a while in which nothing changes.
static void
s_expect_right (uint64_t milliseconds)
{
    const char *wrong = "";
    for (uint64_t until = eventually_deadline (milliseconds); wrong;) {
        s_listen ();
        wrong = s_find_wrong ();
        if (wrong && !eventually_again (until))
            cr_assert_fail ("%s", wrong);
    }
}

static bool
s_all_know (void)
{
    s_listen ();
    unsigned count = 0;
    for (unsigned at = 0; at < WATCHERS; at++)
        count += watcher_knows_all (s_watchers[at]);
    return count == WATCHERS;
}

//  Changes all the time, through this edge.
static void
s_change (unsigned edge, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned session = 0; session < SESSIONS; session++) {
            s_post (edge, session);
            s_listen ();
        }
}

static void
s_begin (void)
{
    s_stack = everything_starts (2, 2, 1);
    s_posts = 0;
    for (unsigned at = 0; at < SESSIONS; at++) {
        char name[10];
        snprintf (name, sizeof name, "v%u", at);
        s_people[at] = visitor_opens (s_stack, 1 + at % 2, name, s_sessions[at]);
    }
    for (unsigned at = 0; at < WATCHERS; at++)
        s_watchers[at] = watcher_new (s_stack, 1 + at % 2, s_sessions, SESSIONS);
    EVENTUALLY (10000, s_all_know ());
}

static void
s_end (void)
{
    for (unsigned at = 0; at < WATCHERS; at++)
        watcher_destroy (&s_watchers[at]);
    for (unsigned at = 0; at < SESSIONS; at++)
        leaves (&s_people[at]);
    stack_destroy (&s_stack);
}

//  While all is well, everything comes by the feed, and no watcher asks twice.
static void
s_nothing_happens (void)
{
    unsigned rows = watcher_rows (s_watchers[0]);
    s_change (1, 3);
    person_t *alice = agent_opens (s_stack, 2, "alice", "s-3");
    barges_in (alice, "Alice");
    s_expect_right (10000);
    barges_out (alice);
    leaves (&alice);
    s_change (2, 2);
    s_expect_right (10000);
    cr_expect_geq (watcher_rows (s_watchers[0]), rows + 2 * SESSIONS);
    for (unsigned at = 0; at < WATCHERS; at++)
        cr_expect_eq (watcher_queries (s_watchers[at]), 1, "nothing was missed");
}

Test (feed, no_wrong_row_whatever_is_killed, .timeout = 200)
{
    s_begin ();
    s_nothing_happens ();

    //  What it has stored and not told yet, nobody tells. Nothing else happens in those sessions
    //  until the turns that it left are another postoffice's, which is later than this waits.
    s_change (1, 1);
    stack_kill (s_stack, "postoffice-1");
    s_expect_right (8000);
    s_change (1, 1);
    s_change (2, 1);
    cr_assert (stack_start (s_stack, "postoffice-1"));
    s_change (1, 1);
    s_expect_right (30000);

    s_change (1, 1);
    stack_kill (s_stack, "edge-1");
    s_change (2, 2); //  and the visitors who were there are said to have left
    cr_assert (stack_start (s_stack, "edge-1"));
    s_expect_right (30000);

    //  One that ends in order goes on with what it was asked before.
    process_kill (stack_process (s_stack, "postoffice-2"), SIGTERM);
    s_change (1, 2);
    cr_assert (stack_stop (s_stack, "postoffice-2"));
    cr_assert (stack_start (s_stack, "postoffice-2"));
    s_change (2, 1);
    s_expect_right (30000);
    for (unsigned at = 0; at < WATCHERS; at++)
        cr_expect_geq (watcher_queries (s_watchers[at]), 3, "something may have been missed");
    s_end ();
}
