//  company — who of a session's participants is connected just now, and what each has received and
//  read, as the others are told of it.
//
//  Who is present stands in the log, and outlives a lost connection by the grace period; who is
//  connected is known to the session's host only, and told at once as an ephemeral event. A
//  postoffice that has just become the host does not know who will attach to it: for a moment it
//  says nothing of those who have no connection.
//
//  What was received and read only rises, but for what the log has lost. It is kept with the
//  participant, and stored now and then: an edge says it again to the next postoffice.
//
//  Only rich clients are told. A visitor is told of the agent in control only, and of no entry that
//  it was not shown: that somebody listens, or whispers, is not for it.

#ifndef COMPANY_H
#define COMPANY_H

#include "base/buffer.h"
#include "session/session.h"

//  So long a new host waits for those who were connected elsewhere.
#define COMPANY_SETTLE_MS 3000

//  The endpoint is in: its participant is connected.
void company_arrived (endpoint_t *endpoint);
//  An endpoint of the participant is destroyed, the last one perhaps. `moved`: it is at another
//  postoffice.
void company_departed (session_t *session, participant_t *participant, bool moved);
//  The session was loaded by its host. `is_new`: it was another one.
void company_loaded (session_t *session, bool is_new);
//  The participant was loaded again: what only memory knows goes over. What was received does when
//  the log is known to have it.
void company_inherit (participant_t *participant, participant_t *earlier, bool is_received);
//  This postoffice is not the host any more.
void company_resign (session_t *session);
//  Nobody has come for the participant in COMPANY_SETTLE_MS.
void company_settled (participant_t *participant);

//  Its client has received, and read, everything up to there (0: nothing, or not known).
void company_received (endpoint_t *endpoint, uint64_t seq, uint64_t read_seq);
//  The participant has read everything up to there, and the log has that. Returns what it has read.
uint64_t company_read (session_t *session, participant_t *participant, uint64_t seq);

//  Tells the endpoint of everybody else; before it is live, it is told nothing.
void company_introduce (endpoint_t *endpoint);

//  Appends what the database does not know, as read_session_sql takes it: a JSON array.
#define COMPANY_ITEM_MOST (6 * USER_ID_MAX + 200)
#define COMPANY_ITEMS_MOST 1000
void company_write (const session_t *session, buffer_t *to);

#endif
