//  bus_processes — what the bus does when a process at one of its ends is stopped or killed.

#include "bus_rig.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static rig_t s_rig;
static rig_server_t s_server;
static rig_client_t s_client;

//  A process of its own, which can be stopped; parent and child can tell each other an address.
static pid_t
s_fork (int *talk)
{
    int pair[2];
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t child = fork ();
    cr_assert_neq (child, -1);
    if (child == 0)
        prctl (PR_SET_PDEATHSIG, SIGKILL);
    *talk = pair[child == 0];
    close (pair[child != 0]);
    return child;
}

#define STOPPED_MS (10 * RIG_HEARTBEAT_MS)

//  kill comes back before the other process stands; what is sent meanwhile would be taken.
static void
s_stop (pid_t child)
{
    int status = 0;
    kill (child, SIGSTOP);
    cr_assert_eq (waitpid (child, &status, WUNTRACED), child);
    cr_assert (WIFSTOPPED (status));
}

//  The child is a postoffice: it exits with 0 when two streams came, one after the other, and the
//  first gave it nothing from the time when it had been given up.
static void
s_stopped_postoffice (int talk)
{
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    size_t size = strlen (s_server.address) + 1;
    if (write (talk, s_server.address, size) != (ssize_t) size)
        _exit (9);
    s_server.answer_every = 1;
    RIG_UNTIL (&s_rig, 20000, s_server.ups == 1 && s_server.records == 1);
    RIG_UNTIL (&s_rig, 20000, s_server.ups == 2 && s_server.records >= 2);
    _exit (s_server.is_broken || s_server.downs != 1 || s_server.records != 2);
}

Test (bus_zombie, a_postoffice_that_was_stopped_believes_no_old_stream, .timeout = 60)
{
    int talk;
    pid_t child = s_fork (&talk);
    if (child == 0)
        s_stopped_postoffice (talk);
    char address[128];
    cr_assert_gt (read (talk, address, sizeof address), 0);
    rig_start (&s_rig);
    rig_client_start (&s_client, &s_rig, "edge-1", address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    RIG_UNTIL (&s_rig, 10000, s_client.records == 1);

    s_stop (child);
    for (int said = 0; said < 5; said++) {
        cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
        rig_turn (&s_rig);
    }
    RIG_UNTIL (&s_rig, 6 * RIG_HEARTBEAT_MS, s_client.downs == 1);
    rig_turn_for (&s_rig, STOPPED_MS);
    kill (child, SIGCONT);

    RIG_UNTIL (&s_rig, 10000, s_client.ups == 2);
    cr_assert_eq (rig_client_say (&s_client, 0, TEXT ("{}")), 0);
    int status = -1;
    RIG_UNTIL (&s_rig, 20000, waitpid (child, &status, WNOHANG) == child);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %d", status);
    bus_client_destroy (&s_client.bus);
    rig_stop (&s_rig);
    close (talk);
}

//  The child is an edge: it exits with 0 when its postoffice went down and came up again.
static void
s_stopped_edge (const char *address)
{
    rig_start (&s_rig);
    rig_client_start (&s_client, &s_rig, "edge-1", address);
    RIG_UNTIL (&s_rig, 20000, s_client.ups == 1);
    RIG_UNTIL (&s_rig, 20000, s_client.ups == 2 && s_client.records > 0);
    _exit (s_client.downs != 1 || s_client.is_broken || s_client.records != 1);
}

Test (bus_zombie, an_edge_that_was_stopped_begins_anew, .timeout = 60)
{
    int talk;
    pid_t child = s_fork (&talk);
    char address[128];
    if (child == 0) {
        if (read (talk, address, sizeof address) <= 0)
            _exit (9);
        s_stopped_edge (address);
    }
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    cr_assert_gt (write (talk, s_server.address, sizeof s_server.address), 0);
    RIG_UNTIL (&s_rig, 10000, s_server.ups == 1);
    rig_turn_for (&s_rig, 2 * RIG_HEARTBEAT_MS);

    s_stop (child);
    peer_t ghost = s_server.peer;
    //  What the edge finds when it wakes up belongs to a stream that is over.
    for (uint64_t said = 0; said < 5; said++) {
        cr_assert_eq (rig_server_say (&s_server, ghost, said, TEXT_EMPTY), 0);
        rig_turn (&s_rig);
    }
    RIG_UNTIL (&s_rig, 6 * RIG_HEARTBEAT_MS, s_server.downs == 1);
    cr_assert_neq (rig_server_say (&s_server, ghost, 5, TEXT_EMPTY), 0);
    rig_turn_for (&s_rig, STOPPED_MS);
    kill (child, SIGCONT);

    RIG_UNTIL (&s_rig, 10000, s_server.ups == 2);
    cr_assert_eq (rig_server_say (&s_server, s_server.peer, 0, TEXT_EMPTY), 0);
    int status = -1;
    RIG_UNTIL (&s_rig, 20000, waitpid (child, &status, WNOHANG) == child);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %d", status);
    bus_server_destroy (&s_server.bus);
    rig_stop (&s_rig);
    close (talk);
}

//  A postoffice in a process of its own. All are forked before ZeroMQ has threads, as those do not
//  come along; each begins when it is told an address.
typedef struct {
    pid_t process;
    int talk;
} child_t;

static child_t
s_fork_postoffice (void)
{
    child_t child;
    child.process = s_fork (&child.talk);
    if (child.process != 0)
        return child;
    if (read (child.talk, s_server.address, sizeof s_server.address) <= 0)
        _exit (9);
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    if (write (child.talk, s_server.address, sizeof s_server.address) <= 0)
        _exit (9);
    for (;;)
        rig_turn (&s_rig);
}

//  Begins at the address, or at any when it is empty; then it has the one.
static void
s_begin (const child_t *child, char address[128])
{
    cr_assert_eq (write (child->talk, address, 128), 128);
    cr_assert_gt (read (child->talk, address, 128), 0);
}

static void
s_kill (pid_t child)
{
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
}

Test (bus_killed, a_killed_postoffice_is_missed_and_found_again, .timeout = 60)
{
    char address[128] = "";
    child_t first = s_fork_postoffice ();
    child_t second = s_fork_postoffice ();
    child_t third = s_fork_postoffice ();
    s_begin (&first, address);
    rig_start (&s_rig);
    rig_client_start (&s_client, &s_rig, "edge-1", address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 1);

    //  Missed for good.
    s_kill (first.process);
    RIG_UNTIL (&s_rig, 5 * RIG_HEARTBEAT_MS, s_client.downs == 1);
    s_begin (&second, address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 2);

    //  Back before anyone was silent for long enough.
    s_kill (second.process);
    s_begin (&third, address);
    RIG_UNTIL (&s_rig, 10000, s_client.ups == 3);
    cr_assert_eq (s_client.downs, 2);
    s_kill (third.process);
    bus_client_destroy (&s_client.bus);
    rig_stop (&s_rig);
}

Test (bus_killed, a_killed_edge_is_missed, .timeout = 60)
{
    int talk;
    pid_t child = s_fork (&talk);
    char address[128];
    if (child == 0) {
        if (read (talk, address, sizeof address) <= 0)
            _exit (9);
        rig_start (&s_rig);
        rig_client_start (&s_client, &s_rig, "edge-1", address);
        for (;;)
            rig_turn (&s_rig);
    }
    rig_start (&s_rig);
    rig_server_start (&s_server, &s_rig, "postoffice-1");
    cr_assert_gt (write (talk, s_server.address, sizeof s_server.address), 0);
    RIG_UNTIL (&s_rig, 10000, s_server.ups == 1);
    s_kill (child);
    RIG_UNTIL (&s_rig, 5 * RIG_HEARTBEAT_MS, s_server.downs == 1);
    cr_assert_neq (rig_server_say (&s_server, s_server.peer, 0, TEXT_EMPTY), 0);
    bus_server_destroy (&s_server.bus);
    rig_stop (&s_rig);
    close (talk);
}
