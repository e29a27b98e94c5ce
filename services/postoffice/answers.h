//  answers — what a postoffice says back to who asked: one record for each finished operation, and
//  one line in the log where an operator would look for it.

#ifndef ANSWERS_H
#define ANSWERS_H

#include "office.h"
#include "operation.h"

//  SYNCED, with the last seq that is committed.
void answer_sync (office_t *office, const operation_t *operation, uint64_t last_seq);
//  POSTED.
void answer_post (office_t *office, const operation_t *operation);
//  SETTLED: committed, or too late.
void answer_done (office_t *office, const operation_t *operation);
//  CANCEL: nobody waits for what the worker says it has in hand.
void answer_taken_in_vain (office_t *office, const operation_t *operation);

//  The operation cannot even be queued: whatever answer its kind has, with this verdict. What has
//  none (a worker's) is said again by the worker.
void answer_refused (office_t *office, operation_t *operation, verdict_t verdict);

#endif
