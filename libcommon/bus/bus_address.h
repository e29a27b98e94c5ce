//  bus_address — what can be told from the address that a bus listens on.

#ifndef BUS_ADDRESS_H
#define BUS_ADDRESS_H

#include <stdbool.h>

//  Whether only this machine can reach it: a ZeroMQ address such as "tcp://127.0.0.1:7001". What
//  cannot be told, such as another interface's name, is not local.
bool bus_address_is_local (const char *address);

#endif
