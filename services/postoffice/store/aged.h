//  aged — the place of a request among all that wait, oldest first.

#ifndef AGED_H
#define AGED_H

#include "base/list.h"

#include <stdint.h>

typedef struct {
    list_t link;
    uint64_t since_ms;
} aged_t;

#endif
