//  production — what a process must have before it serves where PRODUCTION is on.
//
//  Each kind of service has a table of rows, which ends with PRODUCTION_END. A row that does not
//  hold is one line at the start, which names the setting that mends it, and the process ends as
//  for any other wrong setting. Nothing else looks at PRODUCTION but what warns.

#ifndef PRODUCTION_H
#define PRODUCTION_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    PRODUCTION_SET,   //  a text that must not be empty
    PRODUCTION_OFF,   //  a switch that must be off
    PRODUCTION_HTTPS, //  a URL that begins with https://, or is empty
    PRODUCTION_ASK,   //  by `holds`
} production_kind_t;

typedef struct {
    const char *setting; //  NULL ends a table
    production_kind_t kind;
    size_t offset; //  of the setting in the service's config
    bool (*holds) (const void *config);
    const char *words; //  what must be, and why
} production_need_t;

#define PRODUCTION_NEED(setting, kind, config, member, words)                                    \
    { setting, kind, offsetof (config, member), NULL, words }
#define PRODUCTION_END { NULL, PRODUCTION_SET, 0, NULL, NULL }

//  Every process on the bus.
#define PRODUCTION_BUS_KEYS(config)                                                              \
    PRODUCTION_NEED ("BUS_KEYS", PRODUCTION_SET, config, bus.keys,                               \
                     "must be set: the bus is encrypted only with keys, and closed to others")

//  The first row from this one on that does not hold, and says so in one line, such as "PRODUCTION
//  is on, so BUS_KEYS must be set: …"; NULL when all hold. `row` may be NULL.
const production_need_t *production_unmet (const production_need_t *row, const void *config,
                                           buffer_t *complaint);

#endif
