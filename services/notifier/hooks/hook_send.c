#include "hooks/hook_send.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define ANSWER_LIMIT 16384 //  nothing is read in it
#define HEADER_SIZE 300

hook_outcome_t
hook_send (const channel_means_t *means, const hook_request_t *request, http_answer_fn *answered,
           void *owner, http_call_t *call)
{
    char id[HEADER_SIZE], timestamp[HEADER_SIZE], signature[HEADER_SIZE];
    snprintf (id, HEADER_SIZE, "webhook-id: %s", request->id);
    snprintf (timestamp, HEADER_SIZE, "webhook-timestamp: %" PRIu64, request->timestamp_s);
    snprintf (signature, HEADER_SIZE, "webhook-signature: %.*s",
              TEXT_ARGS (buffer_text (&request->signature)));
    const char *const headers[] = { id, timestamp, signature, "User-Agent: stentor-chat-router",
                                    NULL };
    *call = http_client_send (means->guarded,
                              &(http_request_t){ .method = "POST",
                                                 .url = request->url,
                                                 .headers = headers,
                                                 .content_type = "application/json",
                                                 .body = buffer_text (&request->body),
                                                 .timeout_ms = means->try_ms,
                                                 .answer_limit = ANSWER_LIMIT },
                              answered, owner);
    if (*call)
        return HOOK_TAKEN;
    return errno == EINVAL ? HOOK_URL : HOOK_LIBRARY;
}
