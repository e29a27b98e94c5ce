//  hook_send — the request of a webhook goes out: its headers, and by the guarded client.

#ifndef HOOK_SEND_H
#define HOOK_SEND_H

#include "channels/channel.h"
#include "hooks/hook_request.h"

//  HOOK_TAKEN when it is under way, as `call`; the request may be freed then.
hook_outcome_t hook_send (const channel_means_t *means, const hook_request_t *request,
                          http_answer_fn *answered, void *owner, http_call_t *call);

#endif
