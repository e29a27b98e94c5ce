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
        { "ipc:///run/bus", true },
        { "inproc://bus", true },
        { "tcp://*:7001", false },
        { "tcp://0.0.0.0:7001", false },
        { "tcp://[::]:7001", false },
        { "tcp://[::ffff:10.0.0.1]:7001", false },
        { "tcp://10.0.0.1:7001", false },
        { "tcp://128.0.0.1:7001", false },
        { "tcp://eth0:7001", false },
        { "tcp://localhost.example:7001", false },
        { "tcp://127.0.0.1.example:7001", false },
        { "tcp://1270000000000000000000000000000000000000000000000000000000000000000001:1", false },
        { "tcp://", false },
        { "tcp://:7001", false },
        { "ws://127.0.0.1:7001", false },
        { "127.0.0.1:7001", false },
        { "", false },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (bus_address_is_local (rows[row].address), rows[row].is_local, "%s",
                      rows[row].address);
}
