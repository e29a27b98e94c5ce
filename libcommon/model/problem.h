//  problem — why a request of the API was refused, as RFC 9457 has it: a row of problems.def, and
//  what is particular about this one.

#ifndef PROBLEM_H
#define PROBLEM_H

#include "base/buffer.h"

typedef enum {
#define PROBLEM(NAME, status, type, title) PROBLEM_##NAME,
#include "model/problems.def"
#undef PROBLEM
    PROBLEMS
} problem_t;

#define PROBLEM_MAX 4096 //  bytes of one, with any detail and control
#define PROBLEM_TYPE "application/problem+json"

unsigned problem_status (problem_t problem);
const char *problem_type (problem_t problem); //  behind urn:stentor:problem:
const char *problem_title (problem_t problem);
//  Writes the whole object. The detail is a sentence for a person, cut when it is too long; empty:
//  none. The buffer's ceiling is PROBLEM_MAX at least.
void problem_write (problem_t problem, text_t detail, buffer_t *to);
//  With a member `control`, who has control of the session: a JSON object of PROBLEM_CONTROL_MAX
//  bytes at most; empty: without it.
#define PROBLEM_CONTROL_MAX 1600
void problem_write_control (problem_t problem, text_t detail, text_t control, buffer_t *to);
//  The table for the documents, as Markdown.
__attribute__ ((warn_unused_result)) int problems_markdown (buffer_t *to);

#endif
