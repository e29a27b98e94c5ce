//  close_reason — the rows of close_reasons.def.

#ifndef CLOSE_REASON_H
#define CLOSE_REASON_H

#include <stdbool.h>

typedef enum {
#define REASON(NAME, metric, ws_code, our_fault, words) CLOSE_##NAME,
#include "tables/close_reasons.def"
#undef REASON
    CLOSE_REASON_COUNT
} close_reason_t;

typedef struct {
    const char *metric;
    unsigned ws_code;
    bool our_fault;
    const char *words;
} close_reason_row_t;

const close_reason_row_t *close_reason_row (close_reason_t reason);

#endif
