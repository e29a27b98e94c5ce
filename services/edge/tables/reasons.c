#include "tables/reasons.h"

const close_reason_row_t close_reasons[CLOSE_REASON_COUNT] = {
#define REASON(NAME, metric, ws_code, our_fault, words) { metric, ws_code, our_fault, words },
#include "tables/close_reasons.def"
#undef REASON
};

const frame_fault_row_t frame_faults[FAULT_COUNT] = {
#define FAULT(NAME, metric, code, words) { metric, code, words },
#include "tables/frame_faults.def"
#undef FAULT
};

const http_fault_row_t http_faults[HTTP_FAULT_COUNT] = {
    { 0, "", PROBLEMS, "" },
#define HTTP_FAULT(NAME, status, metric, problem, words)                                         \
    { status, metric, PROBLEM_##problem, words },
#include "tables/http_faults.def"
#undef HTTP_FAULT
};
