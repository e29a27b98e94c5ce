//  http_metrics — what outgoing HTTP counts, of all clients of the process together.

#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "http/http_outcome.h"

enum {
    HTTP_IN_FLIGHT,
    HTTP_QUEUED,
    HTTP_ENDED_FIRST,      //  in the order of http_outcome_t
    HTTP_RENEWED = HTTP_ENDED_FIRST + HTTP_OUTCOMES,
    HTTP_RENEWAL_FAILED,
    HTTP_COUNTS
};

typedef enum { HTTP_METRICS_CLIENT, HTTP_METRICS_BEARER, HTTP_METRICS_PARTS } http_metrics_part_t;

//  Registers the rows of that part, the first time.
void http_metrics_start (http_metrics_part_t part);
void http_metrics_count (unsigned which, int64_t more);

#endif
