//  bot_request — what a bot is sent: the client's request, with what the client may not choose put
//  over it (userId, sessionId, platform, the token), and what it left out filled in.

#ifndef BOT_REQUEST_H
#define BOT_REQUEST_H

#include "bus/bus_limits.h"
#include "bus/bus_record.h"

//  The largest question that a door lets in, and what is put over it.
#define BOT_REQUEST_MAX (BUS_WRITTEN_MAX + BUS_BESIDE_MAX)

//  Appends the JSON object for the bot. Returns 0; −1 when the item's body is no JSON object or
//  the buffer is at its ceiling.
__attribute__ ((warn_unused_result)) int bot_request_write (buffer_t *to, const bus_work_t *work);

#endif
