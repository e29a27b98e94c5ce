#include "tables/frame_fault.h"

static const frame_fault_row_t s_faults[] = {
#define FAULT(NAME, metric, code, words) { metric, code, words },
#include "tables/frame_faults.def"
#undef FAULT
};

const frame_fault_row_t *
frame_fault_row (frame_fault_t fault)
{
    return &s_faults[fault];
}
