//  received — how many bytes of a TCP connection its process has read, as the kernel counts them
//  (Linux: TCP_INFO, tcpi_bytes_received). A file of its own, as the header that has this member
//  cannot be included beside the C library's.

#ifndef RECEIVED_H
#define RECEIVED_H

#include <stdint.h>

//  What waits in the socket is not read yet. 0: not known.
uint64_t received_bytes (int descriptor);

#endif
