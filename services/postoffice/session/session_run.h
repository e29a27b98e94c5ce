//  session_run — what a session does when something is asked of it or the store answers: loads,
//  decides, commits, tells.
//
//  The machine is the table session_run.def.

#ifndef SESSION_RUN_H
#define SESSION_RUN_H

#include "session/session.h"

typedef enum {
    SESSION_TURN,   //  the loop gives it a turn
    SESSION_LOADED, //  the store's answers: to a load …
    SESSION_LOAD_FAILED,
    SESSION_STORED, //  … and to an append
    SESSION_CONFLICT,
    SESSION_UNSURE,
    SESSION_DOWN,
    SESSION_REJECTED,
    SESSION_MOVED,       //  another postoffice wrote to the log
    SESSION_SHARED,      //  another postoffice has endpoints
    SESSION_STORE_READY, //  the database is back
    SESSION_HANDED_OVER, //  the peers were sent to other postoffices
    SESSION_EVENTS
} session_event_t;

//  A worker says what it has said already, and that waits: it will be answered, too. True then;
//  the operation is not needed.
bool session_has_heard (session_t *self, const operation_t *operation);
//  Puts the operation into the queue; it is the session's then.
void session_ask (session_t *self, operation_t **operation_p);
//  Does what can be done now: loads, or decides on what waits and hands it to the store.
void session_turn (session_t *self);

//  One of the events that no answer of the store is: MOVED, SHARED, STORE_READY, HANDED_OVER. With
//  the last one all its endpoints are at other postoffices: what their edges asked for here and was
//  not done is asked for there.
void session_happens (session_t *self, session_event_t event);

#endif
