#include "process/healthy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WITHIN_MS 2000
//  Of the answer; more is not repeated.
#define ANSWER_MOST 1023

static int64_t
s_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

//  Returns the address's size; 0 when it is no number.
static socklen_t
s_put_address (struct sockaddr_storage *to, const char *address, uint16_t port)
{
    struct sockaddr_in *four = (struct sockaddr_in *) to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *) to;
    memset (to, 0, sizeof *to);
    if (inet_pton (AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons (port);
        if (four->sin_addr.s_addr == htonl (INADDR_ANY))
            four->sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        return sizeof *four;
    }
    if (inet_pton (AF_INET6, address, &six->sin6_addr) != 1)
        return 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons (port);
    if (IN6_IS_ADDR_UNSPECIFIED (&six->sin6_addr))
        six->sin6_addr = in6addr_loopback;
    return sizeof *six;
}

//  False when the deadline comes first.
static bool
s_wait (int handle, short events, int64_t deadline_ms)
{
    struct pollfd one = { .fd = handle, .events = events };
    int64_t left_ms = deadline_ms - s_now_ms ();
    return left_ms > 0 && poll (&one, 1, (int) left_ms) == 1;
}

static bool
s_connect (int handle, const struct sockaddr_storage *to, socklen_t size, int64_t deadline_ms)
{
    int error = 0;
    socklen_t error_size = sizeof error;
    if (connect (handle, (const struct sockaddr *) to, size) == 0)
        return true;
    return errno == EINPROGRESS && s_wait (handle, POLLOUT, deadline_ms)
           && getsockopt (handle, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 && error == 0;
}

static bool
s_say (int handle, const char *path)
{
    char request[256];
    int size = snprintf (request, sizeof request,
                         "GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    return size > 0 && (size_t) size < sizeof request
           && send (handle, request, (size_t) size, MSG_NOSIGNAL) == size;
}

//  Until the end of the answer, the deadline, or there is no more room.
static void
s_hear (int handle, char *answer, int64_t deadline_ms)
{
    size_t heard = 0;
    while (heard < ANSWER_MOST && s_wait (handle, POLLIN, deadline_ms)) {
        ssize_t size = recv (handle, answer + heard, ANSWER_MOST - heard, 0);
        if (size <= 0)
            break;
        heard += (size_t) size;
    }
    answer[heard] = 0;
}

//  "HTTP/1.1 200 OK": what is behind the version.
static int
s_judge (const char *answer, uint16_t port)
{
    const char *status = strncmp (answer, "HTTP/1.", 7) == 0 ? strchr (answer, ' ') : NULL;
    if (!status)
        return printf ("no answer on port %u\n", port), 1;
    if (strncmp (status, " 200", 4) == 0)
        return 0;
    const char *body = strstr (answer, "\r\n\r\n");
    printf ("%.*s: %s\n", (int) strcspn (answer, "\r\n"), answer, body ? body + 4 : "");
    return 1;
}

int
healthy_ask (const char *address, uint16_t port, const char *path)
{
    char answer[ANSWER_MOST + 1] = "";
    struct sockaddr_storage to;
    int64_t deadline_ms = s_now_ms () + WITHIN_MS;
    socklen_t size = s_put_address (&to, address, port);
    if (!size)
        return printf ("%s is no numeric address\n", address), 1;
    int handle = socket (to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_there = handle >= 0 && s_connect (handle, &to, size, deadline_ms);
    if (is_there && s_say (handle, path))
        s_hear (handle, answer, deadline_ms);
    if (handle >= 0)
        close (handle);
    if (!is_there)
        return printf ("nobody listens on port %u\n", port), 1;
    return s_judge (answer, port);
}
