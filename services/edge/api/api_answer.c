#include "api/api_answer.h"

#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdio.h>

void
api_answer (request_t *request, unsigned status, const char *type, const char *more,
            text_t body)
{
    char fields[API_MORE_MOST + 200];
    int size = snprintf (fields, sizeof fields, "content-type: %s\r\n%s%s", type,
                         status == 503 ? "retry-after: 2\r\n" : "", more);
    assert (size > 0 && (size_t) size < sizeof fields);
    edge_count (status >= 500   ? EDGE_API_FAILED
                : status >= 400 ? EDGE_API_REFUSED
                                : EDGE_API_ANSWERED,
                1);
    request_answer (request, status, (text_t){ fields, (size_t) size }, body);
}

void
api_refuse (request_t *request, problem_t problem, const char *more, text_t detail)
{
    buffer_t body;
    buffer_init (&body, PROBLEM_MAX);
    problem_write (problem, detail, &body);
    api_answer (request, problem_status (problem), PROBLEM_TYPE, more, buffer_text (&body));
    buffer_free (&body);
}

void
api_refuse_for (request_t *request, uint64_t seconds)
{
    char more[60];
    snprintf (more, sizeof more, "retry-after: %llu\r\n", (unsigned long long) seconds);
    api_refuse (request, PROBLEM_TOO_MANY, more, TEXT_EMPTY);
}
