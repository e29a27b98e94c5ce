//  session_changes — operations of the API that change a session: it is opened, closed and opened
//  again, and an agent takes part without a connection and leaves. Each becomes an operation of the
//  session (rules/changes.h).

#ifndef SESSION_CHANGES_H
#define SESSION_CHANGES_H

#include "api/api_call.h"

//  SESSION_CREATE, SESSION_CLOSE, SESSION_REOPEN, SESSION_ENTER, SESSION_EXIT, and CONTROL_….
api_operation_fn session_change;
//  What one of them came to.
void session_changed (calls_t *calls, const operation_t *operation);

#endif
