//  bus_address — what can be told from the address that a bus listens on.

#ifndef BUS_ADDRESS_H
#define BUS_ADDRESS_H

#include <stdbool.h>

//  Whether it is tcp://address:port as ZeroMQ can listen on it: the address is a number (one of
//  IPv6 in brackets), the name of an interface of this machine, or * for all; the port may be *.
bool bus_address_is_good (const char *address);

//  Whether only this machine can reach it: an address such as "tcp://127.0.0.1:7001". What cannot
//  be told, such as another interface's name, is not local.
bool bus_address_is_local (const char *address);

#endif
