//  frame_fault — the rows of frame_faults.def: why a client's frame is refused.

#ifndef FRAME_FAULT_H
#define FRAME_FAULT_H

typedef enum {
#define FAULT(NAME, metric, code, words) FAULT_##NAME,
#include "tables/frame_faults.def"
#undef FAULT
    FAULT_COUNT
} frame_fault_t;

typedef struct {
    const char *metric;
    const char *code;
    const char *words;
} frame_fault_row_t;

const frame_fault_row_t *frame_fault_row (frame_fault_t fault);

#endif
