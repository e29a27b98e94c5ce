//  exchange_record — every request of the HTTP API that a test makes, with its answer, as a line
//  of JSON in a file of the folder that EXCHANGES names; without that setting nothing is kept. What
//  was said is compared with the API's document (tests/contract/exchanges.py). Tokens are left out.

#ifndef EXCHANGE_RECORD_H
#define EXCHANGE_RECORD_H

#include "http_get.h"

//  `headers` are lines, each with its "\r\n"; they and the body may be NULL.
void exchange_record (const char *method, const char *target, const char *headers,
                      const char *body, size_t body_size, const http_answer_t *answer);

#endif
