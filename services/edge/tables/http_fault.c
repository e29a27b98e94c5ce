#include "tables/http_fault.h"

#include <assert.h>

static const http_fault_row_t s_rows[] = {
    { 0, "", "" },
#define HTTP_FAULT(NAME, status, metric, words) { status, metric, words },
#include "tables/http_faults.def"
#undef HTTP_FAULT
};

const http_fault_row_t *
http_fault_row (http_fault_t fault)
{
    assert (fault > HTTP_NO_FAULT && fault < HTTP_FAULT_COUNT);
    return &s_rows[fault];
}
