//  healthy — the health check of a container: asks an operations port of this machine whether all
//  is well, and repeats what does not hold. Needs no shell and nothing but the C library. Blocks,
//  for 2 s at most: it is for a process that does nothing else.

#ifndef HEALTHY_H
#define HEALTHY_H

#include <stdint.h>

//  Asks the path of the port, at the address that the process listens on (a number; all addresses:
//  the loopback). Returns 0 when the answer is 200; else 1, after a line on standard output that
//  says why.
int healthy_ask (const char *address, uint16_t port, const char *path);

#endif
