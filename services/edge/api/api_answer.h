//  api_answer — the answers of the HTTP API that the edge itself writes: whole ones, and problems.

#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "model/problem.h"
#include "net/http_request.h"

#define API_LOCATION_MOST 1000 //  bytes of a Location
#define API_MORE_MOST (API_LOCATION_MOST + 300)

//  `more` are further lines of the head, of at most API_MORE_MOST bytes.
void api_answer (request_t *request, unsigned status, const char *type, const char *more,
                 text_t body);
void api_refuse (request_t *request, problem_t problem, const char *more, text_t detail);
//  It comes too fast, and may come again after so many seconds.
void api_refuse_for (request_t *request, uint64_t seconds);

#endif
