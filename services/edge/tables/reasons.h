//  reasons — why a connection was closed, a client's frame refused, an HTTP request refused: the
//  rows of close_reasons.def, frame_faults.def and http_faults.def.

#ifndef REASONS_H
#define REASONS_H

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

//  There is no row of HTTP_NO_FAULT.
const http_fault_row_t *http_fault_row (http_fault_t fault);

#endif
