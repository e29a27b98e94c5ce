//  catch_up — an endpoint comes into its session: what of the log it has already, what it missed
//  and is brought in parts, and when it is up to date and told everything as it happens.

#ifndef CATCH_UP_H
#define CATCH_UP_H

#include "session/session.h"

//  The ATTACH is granted and committed: answers it and brings the endpoint up to date.
void catch_up_attached (session_t *session, const operation_t *operation);

//  The post is done. It is answered when its endpoint has been sent all that stands before it
//  in the log, for the seq of an answer says to the client: up to here you have everything.
void catch_up_answer_post (session_t *session, const operation_t *operation);

//  The edge has room for the next part of what the endpoint missed.
void catch_up_next_window (endpoint_t *endpoint);

//  Those whom somebody else's entries have passed by, and those whose read has failed.
void catch_up_all (session_t *session);

#endif
