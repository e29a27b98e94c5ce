//  agent_requests — the operations of the API about agents and those who wait for them.
//  Availability is the person's: what an agent says here stays until it says something else,
//  whatever its connections do.

#ifndef AGENT_REQUESTS_H
#define AGENT_REQUESTS_H

#include "api/api_call.h"

api_operation_fn agent_list;
api_operation_fn agent_get;
api_operation_fn agent_set;
api_operation_fn queue_list;

#endif
