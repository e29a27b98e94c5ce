//  config_requests — the operations of the API that say how an app is served: what is in force for
//  it, and whether its bot is asked.

#ifndef CONFIG_REQUESTS_H
#define CONFIG_REQUESTS_H

#include "api/api_call.h"

api_operation_fn config_get, bot_health;

#endif
