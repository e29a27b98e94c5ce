//  bus_settings — the settings that every process on the bus has, and those of its nodes.
//
//  BUS_SETTINGS stands in the service's table, and its config has a member `bus` of this type.

#ifndef BUS_SETTINGS_H
#define BUS_SETTINGS_H

#include "bus/bus_limits.h"
#include "config/settings.h"

typedef struct {
    uint64_t heartbeat_ms;
    uint64_t queue_limit;
    char *keys;
    char *postoffices; //  of a node
} bus_settings_t;

#define BUS_SETTINGS(config)                                                                     \
    SETTING (                                                                                    \
        "BUS_HEARTBEAT", SETTING_DURATION, config, bus.heartbeat_ms, "500ms", 10, 60000,         \
        "how often to send a heartbeat; two sides use the larger one, and three missed mean "    \
        "lost"),                                                                                 \
        SETTING ("BUS_QUEUE_LIMIT", SETTING_SIZE, config, bus.queue_limit, "16m",                \
                 BUS_QUEUE_LEAST, 0, "bytes that may wait for one peer"),                        \
        SETTING (                                                                                \
            "BUS_KEYS", SETTING_TEXT, config, bus.keys, "", 0, 0,                                \
            "directory with the keys of the bus; empty: no encryption and no access control")

#define BUS_NODE_SETTINGS(config)                                                                \
    BUS_SETTINGS (config),                                                                       \
        SETTING (                                                                                \
            "POSTOFFICE_ADDRESSES", SETTING_TEXT, config, bus.postoffices, "127.0.0.1:7001", 0,  \
            0, "host:port of the postoffices, with commas; a name stands for all its addresses")

#endif
