#include "received.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

uint64_t
received_bytes (int descriptor)
{
    struct tcp_info info = { 0 };
    socklen_t size = sizeof info;
    int waiting = 0;
    //  An old kernel knows less of it.
    size_t least = offsetof (struct tcp_info, tcpi_bytes_received)
                   + sizeof info.tcpi_bytes_received;
    if (getsockopt (descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < least
        || ioctl (descriptor, FIONREAD, &waiting) != 0
        || info.tcpi_bytes_received < (uint64_t) waiting)
        return 0;
    return info.tcpi_bytes_received - (uint64_t) waiting;
}
