//  config_requests — the operation of the API that says what is in force for an app.

#ifndef CONFIG_REQUESTS_H
#define CONFIG_REQUESTS_H

#include "api/api_call.h"

api_operation_fn config_get;

#endif
