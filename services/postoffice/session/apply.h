//  apply — what an operation comes to: decided against the session's fold, as it is with the
//  operations before it, and drafted or refused. Nothing of it is told before the changeset is
//  stored.

#ifndef APPLY_H
#define APPLY_H

#include "session/session.h"

//  Writes verdict, seq and entries into the operation, and entries and the like into the
//  session's changeset, which there must be. May be called again for the same operation, when its
//  changeset was lost.
void apply_operation (session_t *self, operation_t *operation);

#endif
