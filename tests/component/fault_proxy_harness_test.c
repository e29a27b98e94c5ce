//  The harness's cables: what goes in comes out, whole and in order, however slowly it is taken.

#include "fault_proxy.h"

#include "eventually.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUCH (4 * 1024 * 1024)
#define SMALL_BUFFER 4096
#define WITHIN 20000 //  ms

static struct sockaddr_in
s_address (uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

//  A server that takes little at a time.
static int
s_listen (uint16_t port)
{
    int on = 1, small = SMALL_BUFFER, handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = s_address (port);
    setsockopt (handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt (handle, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    cr_assert_eq (bind (handle, (struct sockaddr *) &here, sizeof here), 0);
    cr_assert_eq (listen (handle, 8), 0);
    return handle;
}

static int
s_connect (uint16_t port)
{
    int handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in there = s_address (port);
    cr_assert_eq (connect (handle, (struct sockaddr *) &there, sizeof there), 0);
    return handle;
}

//  No piece of it is like another one.
static unsigned char
s_byte (size_t at)
{
    return (unsigned char) (at * 2654435761u >> 13);
}

//  Writes as much as there is room for.
static size_t
s_write_some (int handle, size_t at, size_t size)
{
    unsigned char bytes[16 * 1024];
    size_t count = size - at < sizeof bytes ? size - at : sizeof bytes;
    for (size_t index = 0; index < count; index++)
        bytes[index] = s_byte (at + index);
    ssize_t written = send (handle, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    cr_assert (written > 0 || errno == EAGAIN);
    return written > 0 ? (size_t) written : 0;
}

static size_t
s_read_some (int handle, size_t at)
{
    unsigned char bytes[3000];
    ssize_t count = recv (handle, bytes, sizeof bytes, MSG_DONTWAIT);
    cr_assert (count > 0 || errno == EAGAIN, "it has ended after %zu bytes", at);
    for (ssize_t index = 0; index < count; index++)
        cr_assert_eq (bytes[index], s_byte (at + (size_t) index), "byte %zu is another one",
                      at + (size_t) index);
    return count > 0 ? (size_t) count : 0;
}

static void
s_passes (int from, int to, size_t size)
{
    uint64_t deadline = eventually_deadline (WITHIN);
    for (size_t written = 0, heard = 0; heard < size;) {
        struct pollfd both[] = { { .fd = to, .events = POLLIN },
                                 { .fd = from, .events = written < size ? POLLOUT : 0 } };
        poll (both, 2, 100);
        if (both[1].revents)
            written += s_write_some (from, written, size);
        if (both[0].revents)
            heard += s_read_some (to, heard);
        cr_assert (clock_mono_ms () <= deadline, "%zu of %zu bytes came", heard, size);
    }
}

//  The socket behind the cable takes only a part of what is written to it, most of the time.
Test (fault_proxy_harness, everything_comes_whole_and_in_order)
{
    fault_proxy_t *cables = fault_proxy_new ();
    uint16_t behind = ports_free (), before = ports_free ();
    int server = s_listen (behind);
    int cable = fault_proxy_lay (cables, "127.0.0.1", before, behind);
    cr_assert_eq (cable, 0);
    int client = s_connect (before);
    int taken = accept (server, NULL, NULL);

    s_passes (client, taken, MUCH);
    s_passes (taken, client, MUCH);
    fault_proxy_set (cables, cable,
                     &(cable_state_t){ .manner = CABLE_SLOW, .bytes_per_second = MUCH });
    s_passes (client, taken, MUCH / 4);

    close (client);
    close (taken);
    close (server);
    fault_proxy_destroy (&cables);
    cr_assert_null (cables);
}

//  Cables are laid while others are in use; what was refused is as if it had never been asked for.
Test (fault_proxy_harness, a_taken_address_is_refused)
{
    fault_proxy_t *cables = fault_proxy_new ();
    uint16_t behind = ports_free (), taken = ports_free (), before = ports_free ();
    int server = s_listen (behind), other = s_listen (taken);

    cr_assert_eq (fault_proxy_lay (cables, "127.0.0.1", taken, behind), -1);
    cr_assert_eq (fault_proxy_lay (cables, "127.0.0.1", before, behind), 0);
    int client = s_connect (before);
    cr_assert_eq (fault_proxy_lay (cables, "127.0.0.1", before, behind), -1);
    int accepted = accept (server, NULL, NULL);
    s_passes (client, accepted, SMALL_BUFFER);

    fault_proxy_reset (cables, 0);
    char byte;
    cr_assert_eq (recv (client, &byte, 1, 0), -1);
    cr_assert_eq (errno, ECONNRESET);
    close (client);
    close (accepted);
    close (server);
    close (other);
    fault_proxy_destroy (&cables);
}
