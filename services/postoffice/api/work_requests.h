//  work_requests — the operations of the API about work items and dead letters, and about a
//  visitor's data: what is not a session's.

#ifndef WORK_REQUESTS_H
#define WORK_REQUESTS_H

#include "api/api_call.h"

api_operation_fn work_list;
api_operation_fn work_get;
api_operation_fn work_replay;
api_operation_fn work_drop;
api_operation_fn works_replay;
api_operation_fn works_drop;
api_operation_fn destination_list;
api_operation_fn destination_enable;
api_operation_fn visitor_erase;
api_operation_fn erasure_get;
api_operation_fn visitor_export;

#endif
