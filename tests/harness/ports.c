//  ports — see ports.h.

#include "ports.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORTS_FIRST 12000u
#define PORTS_COUNT 20000u //  up to 31999: below ip_local_port_range

static struct sockaddr_in
s_loopback (uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

static bool
s_can_be_bound (uint16_t port)
{
    struct sockaddr_in address = s_loopback (port);
    int handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert (handle >= 0);
    bool bound = bind (handle, (struct sockaddr *) &address, sizeof address) == 0
                 && listen (handle, 1) == 0;
    close (handle);
    return bound;
}

//  Tests that run at the same time must not be given the same one before it is bound. The name is
//  in no directory, and goes when this process ends.
static bool
s_claim (uint16_t port)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int size = snprintf (name.sun_path + 1, sizeof name.sun_path - 1, "stentor-port-%u", port);
    int handle = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert (handle >= 0);
    socklen_t whole = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 + (size_t) size);
    if (bind (handle, (struct sockaddr *) &name, whole) == 0)
        return true;
    close (handle);
    return false;
}

uint16_t
ports_free (void)
{
    static unsigned s_place;
    if (s_place == 0)
        s_place = (unsigned) (clock_mono_us () * 7919u + (unsigned) getpid () * 104729u);
    for (unsigned tries = 0; tries < PORTS_COUNT; tries++) {
        uint16_t port = (uint16_t) (PORTS_FIRST + s_place++ % PORTS_COUNT);
        if (s_claim (port) && s_can_be_bound (port))
            return port;
    }
    assert (!"no free port on 127.0.0.1");
    return 0;
}

bool
ports_answers (uint16_t port)
{
    struct sockaddr_in address = s_loopback (port);
    int handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert (handle >= 0);
    bool answers = connect (handle, (struct sockaddr *) &address, sizeof address) == 0;
    close (handle);
    return answers;
}
