#include "tables/reasons.h"

#include <assert.h>

static const close_reason_row_t s_close_reasons[] = {
#define REASON(NAME, metric, ws_code, our_fault, words) { metric, ws_code, our_fault, words },
#include "tables/close_reasons.def"
#undef REASON
};

static const frame_fault_row_t s_frame_faults[] = {
#define FAULT(NAME, metric, code, words) { metric, code, words },
#include "tables/frame_faults.def"
#undef FAULT
};

static const http_fault_row_t s_http_faults[] = {
    { 0, "", "" },
#define HTTP_FAULT(NAME, status, metric, words) { status, metric, words },
#include "tables/http_faults.def"
#undef HTTP_FAULT
};

const close_reason_row_t *
close_reason_row (close_reason_t reason)
{
    assert (reason < CLOSE_REASON_COUNT);
    return &s_close_reasons[reason];
}

const frame_fault_row_t *
frame_fault_row (frame_fault_t fault)
{
    assert (fault < FAULT_COUNT);
    return &s_frame_faults[fault];
}

const http_fault_row_t *
http_fault_row (http_fault_t fault)
{
    assert (fault > HTTP_NO_FAULT && fault < HTTP_FAULT_COUNT);
    return &s_http_faults[fault];
}
