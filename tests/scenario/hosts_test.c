//  hosts — somebody vanishes, and the postoffice that would have said so vanishes, too.
//
//  A dead host is known as one after 10 s, and claimed within 3 s more.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  The database says so, some time.
static bool
s_is (router_stack_t *stack, const char *sql, const char *value)
{
    char *found = postgres_query (stack_postgres (stack), sql);
    bool is = found && strcmp (found, value) == 0;
    free (found);
    return is;
}

#define PRESENT "SELECT count (*) FROM participant WHERE present"
#define HOSTED "SELECT count (host) FROM session"
#define CONTROL "SELECT control_role FROM session"

//  "postoffice-2": the host of the one session.
static const char *
s_host (router_stack_t *stack)
{
    static char name[40];
    for (unsigned number = 1; number <= 3; number++) {
        snprintf (name, sizeof name, "postoffice-%u", number);
        if (stack_process (stack, name)
            && stack_metric (stack, name, "stentor_postoffice_sessions_hosted") == 1)
            return name;
    }
    cr_assert (false, "nobody is the host");
    return NULL;
}

static void
s_take_over (person_t *visitor, person_t *agent)
{
    says (visitor, "one");
    hears (visitor, "bot", "You said: one");
    barges_in (agent, "Alice");
    sees (visitor, "user joined", "alice");
}

//  The visitor comes back to a bot that has it again, and is answered at once.
static void
s_is_answered (person_t *visitor, unsigned edge)
{
    reloads (visitor, edge);
    uint64_t before = clock_mono_ms ();
    says (visitor, "anybody there?");
    hears_at_last (visitor, "bot", "You said: anybody there?");
    cr_assert_lt (clock_mono_ms () - before, 5000);
}

Test (hosts, the_postoffice_dies_in_the_grace_period, .timeout = 120)
{
    router_stack_t *stack = everything_starts (1, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    s_take_over (ann, alice);
    char host[40];
    strcpy (host, s_host (stack));
    is_cut_off (ann);
    leaves (&alice);
    EVENTUALLY (1500, stack_metric (stack, host, "stentor_postoffice_endpoints") == 0);
    stack_kill (stack, host);
    cr_assert (s_is (stack, PRESENT, "2"), "nobody has said yet that they left");

    EVENTUALLY (30000, s_is (stack, PRESENT, "0"));
    EVENTUALLY (5000, s_is (stack, HOSTED, "0"));
    cr_assert (s_is (stack, CONTROL, "3"), "the bot's");
    s_is_answered (ann, 1);
    leaves (&ann);
    stack_destroy (&stack);
}

Test (hosts, edge_and_postoffice_die_together, .timeout = 120)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    s_take_over (ann, alice);
    char host[40];
    strcpy (host, s_host (stack));
    stack_kill (stack, host);
    stack_kill (stack, "edge-1");

    EVENTUALLY (30000, s_is (stack, PRESENT, "0"));
    cr_assert (s_is (stack, CONTROL, "3"), "the bot's");
    s_is_answered (ann, 2);
    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  The visitor stays connected, and its edge brings it to another postoffice, without a word in the
//  log. It must not be said to have left, as the agent who vanished is.
Test (hosts, who_is_brought_elsewhere_has_not_left, .timeout = 120)
{
    router_stack_t *stack = everything_starts (2, 3, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 2, "alice", "s-1");
    s_take_over (ann, alice);
    char host[40];
    strcpy (host, s_host (stack));
    stack_kill (stack, host);
    stack_kill (stack, "edge-2");
    sees (ann, "user left", "alice");
    says (ann, "anybody there?");
    hears (ann, "bot", "You said: anybody there?");
    //  Until the dead one would have been claimed, and a grace period more.
    hears_nothing (ann, 17000);
    cr_assert (s_is (stack, PRESENT, "1"), "the visitor is there");
    cr_assert (s_is (stack, HOSTED, "1"));
    leaves (&ann);
    EVENTUALLY (10000, s_is (stack, PRESENT, "0"));
    EVENTUALLY (5000, s_is (stack, HOSTED, "0"));
    leaves (&alice);
    stack_destroy (&stack);
}
