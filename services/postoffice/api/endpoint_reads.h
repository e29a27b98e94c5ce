//  endpoint_reads — the operation of the API that lists a session's connections. They are nowhere
//  but in the memory of the session's postoffice.

#ifndef ENDPOINT_READS_H
#define ENDPOINT_READS_H

#include "api/api_call.h"

api_operation_fn endpoint_list;

#endif
