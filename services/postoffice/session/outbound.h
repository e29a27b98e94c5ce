//  outbound — all that a postoffice says: one record back to who asked, for each finished
//  operation, with a line in the log where an operator would look for it; and entries of the log
//  and ephemeral events to endpoints, to live ones as they happen, to lagging ones in parts.

#ifndef OUTBOUND_H
#define OUTBOUND_H

#include "rules/changeset.h"
#include "session/endpoint.h"
#include "session/postoffice_context.h"
#include "rules/operation.h"

//  How much of a log is read and sent before the client must have taken it.
#define CATCH_UP_ENTRIES 100
#define CATCH_UP_BYTES (96 * 1024)

//  Sends a committed entry to all live endpoints of the list but the one that it came from.
void outbound_tell (postoffice_context_t *office, list_t *endpoints, text_t session,
                    log_position_t position, const store_entry_t *entry, origin_t origin);

//  An ephemeral event, to one kind of audience.
typedef struct {
    event_t event;
    text_t sender;
    text_t data;
    bool to_visitors;
    bool only_rich; //  a widget would not know it
    uint64_t except_role;    //  not to this participant
    text_t except_user;
} ephemeral_t;

//  Shows it to all endpoints that have caught up; the others are told the typing state when they
//  have.
void outbound_broadcast (postoffice_context_t *office, list_t *endpoints, text_t session,
                         const ephemeral_t *showing);
//  Shows it to one endpoint.
void outbound_broadcast_one (postoffice_context_t *office, const endpoint_t *endpoint,
                             text_t session, const ephemeral_t *showing);

//  Sends what of a part of the log is for the endpoint, and moves its cursor behind the part.
//  `last`: no more of the log follows. Returns true when the endpoint must say NEXT_WINDOW.
bool outbound_catch_up (postoffice_context_t *office, endpoint_t *endpoint, text_t session,
                        const stored_entry_t *entries, size_t count, bool last);

//  The check of what stands in the log.
uint64_t outbound_check (const stored_entry_t *entry);

//  TRUNCATED: the log has nothing of what the endpoint was sent above its cursor. `is_gone`: nor
//  has it the session.
void outbound_truncated (postoffice_context_t *office, const endpoint_t *endpoint, text_t session,
                         uint64_t last_seq, bool is_gone);

// ---------------------------------------------------------------------------------------------
//  Replies

//  ATTACHED, with the last entry that is committed, and whether a person has control.
void reply_attach (postoffice_context_t *office, const operation_t *operation,
                   log_position_t last, bool attended);
//  An ATTACHED that nobody asked for: the endpoint's participant has passed the visitor on.
void outbound_put_out (postoffice_context_t *office, const endpoint_t *endpoint,
                       log_position_t last);
//  POSTED; of a request, also of an OPERATION_CHANGE, the context's `posted`.
void reply_post (postoffice_context_t *office, const operation_t *operation);
//  To a worker's DONE: SETTLED, committed or too late. To its ACCEPTED: CANCEL when nobody waits
//  for what it says it has in flight, and nothing else.
void reply_work (postoffice_context_t *office, const operation_t *operation);

//  The operation cannot even be queued: whatever answer its kind has, with this verdict. What has
//  none (a worker's) is said again by the worker.
void reply_refused (postoffice_context_t *office, operation_t *operation, verdict_t verdict);

#endif
