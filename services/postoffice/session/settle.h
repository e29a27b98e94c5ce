//  settle — an operation's two ends. It is decided against the session's fold, as that is with the
//  operations before it, and put into the changeset or refused; nothing of it is told before the
//  changeset is stored. Then everyone is told, in order, what is in the log now, endpoints come and
//  go, turns go to workers.

#ifndef SETTLE_H
#define SETTLE_H

#include "session/session.h"

//  A worker speaks of a turn that we do not know, or a client or timer of entries: before a word is
//  refused for good, or the client told that its log is another one, the log is looked at
//  once more, as another postoffice may have written to it. So it is before a request is told that
//  there is nothing to do, or that the log is another one.
bool settle_is_doubtful (const session_t *self, const operation_t *operation);

//  Writes verdict, seq and entries into the operation, and entries and the like into the
//  session's changeset, which there must be; the switchboard is that of the changeset
//  (session_switchboard). May be called again for the same operation, when its changeset was lost.
void settle_decide (session_t *self, switchboard_t *switchboard, operation_t *operation);

//  No more operations go into the changeset.
void settle_end (switchboard_t *switchboard);

//  The changeset is in the log, or had nothing for it. Destroys it.
void settle_changeset (session_t *session, changeset_t **changeset_p);

//  The operation is done or refused, as its verdict says: answers it. Destroys it.
void settle_operation (session_t *session, operation_t *operation);

//  The fold was loaded; whoever waits in it has waited for so long.
void settle_loaded (session_t *self, uint64_t waited_ms);

//  Hands the first open turn of each topic to the workers.
void settle_dispatch (session_t *session);

//  Did another postoffice write the last entry?
bool settle_is_foreign (const session_t *session);

//  Whoever asked this was sent to another postoffice meanwhile, and asks there. Deciding it here as
//  well could store behind its later messages what was refused there. What workers say is said by
//  nobody else, a request of the API is answered where it was asked, and a timer is leased to this
//  postoffice.
bool settle_is_elsewhere (const session_t *self, const operation_t *operation);
//  Drops the operation without an answer.
void settle_drop (session_t *self, operation_t **operation_p);
//  An endpoint has moved, and its edge says at the new postoffice what is not answered here. Its
//  posts that wait are dropped, and those at the store are when they come back undecided.
void settle_moved_posts (session_t *self, const operation_t *detach);

#endif
