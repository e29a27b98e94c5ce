//  http_fault — the rows of http_faults.def.

#ifndef HTTP_FAULT_H
#define HTTP_FAULT_H

typedef enum {
    HTTP_NO_FAULT,
#define HTTP_FAULT(NAME, status, metric, words) HTTP_##NAME,
#include "tables/http_faults.def"
#undef HTTP_FAULT
    HTTP_FAULT_COUNT
} http_fault_t;

typedef struct {
    unsigned status;
    const char *metric;
    const char *words;
} http_fault_row_t;

//  Not of HTTP_NO_FAULT.
const http_fault_row_t *http_fault_row (http_fault_t fault);

#endif
