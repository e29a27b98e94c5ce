//  api_limits — how fast the API may be asked (client/limits.h): each request counts as one, and
//  what does something that a connection could do, too, counts as that as well, so that the API is
//  no way around the limits of connections.

#ifndef API_LIMITS_H
#define API_LIMITS_H

#include "client/limits.h"
#include "model/api_operation.h"

//  In how many milliseconds it may ask this; 0: now, and it does. `session` is the key of the one
//  that it asks about; empty: none.
uint64_t api_limits_wait_ms (limits_t *limits, const api_row_t *row, const principal_t *principal,
                             const client_address_t *address, text_t session, uint64_t now_ms);
//  The session's postoffice has done it.
void api_limits_done (limits_t *limits, const api_row_t *row, text_t session, uint64_t now_ms);

#endif
