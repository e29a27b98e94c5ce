//  replies — what a postoffice says back to who asked: one record for each finished operation, and
//  one line in the log where an operator would look for it.

#ifndef REPLIES_H
#define REPLIES_H

#include "session/postoffice_context.h"
#include "rules/operation.h"

//  ATTACHED, with the last seq that is committed.
void reply_attach (postoffice_context_t *office, const operation_t *operation, uint64_t last_seq);
//  POSTED.
void reply_post (postoffice_context_t *office, const operation_t *operation);
//  SETTLED: committed, or too late.
void reply_done (postoffice_context_t *office, const operation_t *operation);
//  CANCEL: nobody waits for what the worker says it has in flight.
void reply_accepted_in_vain (postoffice_context_t *office, const operation_t *operation);

//  The operation cannot even be queued: whatever answer its kind has, with this verdict. What has
//  none (a worker's) is said again by the worker.
void reply_refused (postoffice_context_t *office, operation_t *operation, verdict_t verdict);

#endif
