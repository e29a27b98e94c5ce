//  shedding_config — the settings by which an edge sends clients to others (session/shedding.h).

#ifndef SHEDDING_CONFIG_H
#define SHEDDING_CONFIG_H

#include <stdint.h>

typedef struct {
    uint64_t share;    //  percent of what is above the mean, each second; 0: none
    uint64_t above;    //  percent above the mean at which it begins
    uint64_t after_ms; //  so long edges have neither come nor gone
} shedding_config_t;

#endif
