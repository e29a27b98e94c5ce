//  reasons — why a connection was closed, a client's frame refused, an HTTP request refused: the
//  rows of close_reasons.def, frame_faults.def and http_faults.def.

#ifndef REASONS_H
#define REASONS_H

#include "model/problem.h"

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

extern const close_reason_row_t close_reasons[CLOSE_REASON_COUNT];

//  Is the client sent to another edge? What it says before it knows still counts.
static inline bool
close_reason_is_move (close_reason_t reason)
{
    return reason == CLOSE_GOING_AWAY || reason == CLOSE_SHED;
}

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

extern const frame_fault_row_t frame_faults[FAULT_COUNT];

typedef enum {
    HTTP_NO_FAULT,
#define HTTP_FAULT(NAME, status, metric, problem, words) HTTP_##NAME,
#include "tables/http_faults.def"
#undef HTTP_FAULT
    HTTP_FAULT_COUNT
} http_fault_t;

typedef struct {
    unsigned status;
    const char *metric;
    problem_t problem;
    const char *words;
} http_fault_row_t;

//  The row of HTTP_NO_FAULT is empty.
extern const http_fault_row_t http_faults[HTTP_FAULT_COUNT];

#endif
