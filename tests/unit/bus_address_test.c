//  bus_address — which addresses only this machine can reach.

#include "bus/bus_address.h"

#include <criterion/criterion.h>

Test (bus_address, local)
{
    static const struct {
        const char *address;
        bool is_local;
    } rows[] = {
        { "tcp://127.0.0.1:7001", true },
        { "tcp://127.0.0.1:*", true },
        { "tcp://127.8.9.10:1", true },
        { "tcp://[::1]:7001", true },
        { "tcp://[::ffff:127.0.0.1]:7001", true },
        { "tcp://lo:7001", true },
        { "tcp://*:7001", false },
        { "tcp://0.0.0.0:7001", false },
        { "tcp://[::]:7001", false },
        { "tcp://[::ffff:10.0.0.1]:7001", false },
        { "tcp://10.0.0.1:7001", false },
        { "tcp://128.0.0.1:7001", false },
        { "tcp://eth0:7001", false },
        { "tcp://localhost.example:7001", false },
        { "tcp://127.0.0.1.example:7001", false },
        { "tcp://1270000000000000000000000000000000000000000000000000000000000000000001:1",
          false },
        { "tcp://", false },
        { "tcp://:7001", false },
        { "ws://127.0.0.1:7001", false },
        { "ipc:///run/bus", false },
        { "127.0.0.1:7001", false },
        { "", false },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (bus_address_is_local (rows[row].address), rows[row].is_local, "%s",
                      rows[row].address);
}

//  What ZeroMQ can listen on, and what it would refuse with other words or take for something else.
Test (bus_address, good)
{
    static const char *const good[] = {
        "tcp://127.0.0.1:7001", "tcp://127.0.0.1:*",       "tcp://*:7001",
        "tcp://0.0.0.0:65535",  "tcp://[::1]:7001",        "tcp://[::]:*",
        "tcp://lo:7001",        "tcp://[fe80::1%lo]:7001", "tcp://10.0.0.1:0",
    };
    static const char *const bad[] = {
        "127.0.0.1:7001",
        "ipc:///run/bus",
        "inproc://bus",
        "ws://127.0.0.1:1",
        "tcp://localhost:7001",
        "tcp://host.example:1",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:65536",
        "tcp://256.0.0.1:1",
        "tcp://::1:7001",
        "tcp://[127.0.0.1]:1x",
        "tcp://[lo]:7001",
        "tcp://:7001",
        "tcp://",
        "tcp:/127.0.0.1:7001",
        "tcp://127.0.0.1:-1",
        "TCP://127.0.0.1:1",
        "",
        "tcp://127.0.0.1:000001",
        "tcp://1270000000000000000000000000000000000000000000000000000000000000000001:1",
    };
    for (size_t row = 0; row < sizeof good / sizeof *good; row++)
        cr_assert (bus_address_is_good (good[row]), "%s", good[row]);
    for (size_t row = 0; row < sizeof bad / sizeof *bad; row++)
        cr_assert_not (bus_address_is_good (bad[row]), "%s", bad[row]);
}
