#include "tables/close_reason.h"

#include <assert.h>

static const close_reason_row_t s_rows[] = {
#define REASON(NAME, metric, ws_code, our_fault, words) { metric, ws_code, our_fault, words },
#include "tables/close_reasons.def"
#undef REASON
};

const close_reason_row_t *
close_reason_row (close_reason_t reason)
{
    assert (reason < CLOSE_REASON_COUNT);
    return &s_rows[reason];
}
