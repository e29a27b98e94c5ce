//  presence — who is there and what they are doing just now: the grace period of participants
//  whose last connection went, what their clients are known to have received, who is typing.
//
//  None of it is in the log, but for what follows when a grace period ends (OPERATION_ABSENT).
//
//  A participant is present (in the log) and has endpoints here, or is awaited (a grace period
//  runs), or is nobody's concern here. Events: an endpoint is lost, an endpoint is handed over to
//  another postoffice, the session is loaded, the grace period ends.
//
//  The scenarios that made it so:
//  - A page is reloaded: its connection goes and another comes within a second. Nobody has left.
//  - Edges move a session to another postoffice (hand over): the participants are there, and this
//    postoffice must not say that they left. With the last endpoint it also stops following the
//    log, so the session is loaded before it is used again.
//  - A postoffice is killed: the next one loads the session and awaits everybody who is present and
//    has no endpoint yet, but only if somebody comes. One that loads it for its work only does not
//    know who is there.
//  - Two postoffices host one session (split_hosting.h): neither says that somebody left who may be
//    at the other.

#ifndef PRESENCE_H
#define PRESENCE_H

#include "session/session.h"

//  The session was loaded: everybody who takes part and has no endpoint has a grace period, if
//  somebody is here, or coming. Else the session is loaded for its work only, and who is there is
//  for another postoffice to know.
void presence_loaded (session_t *session);
//  Another postoffice has the session: it is the one who knows who is there.
void presence_forget_graces (session_t *session);

//  The endpoint is gone: its participant's grace period may begin. Destroys the endpoint.
void presence_lose (session_t *session, endpoint_t *endpoint);
//  The endpoint is at another postoffice now: nobody is away because of that. Destroys it.
void presence_hand_over (session_t *session, endpoint_t *endpoint);

//  The client is known to have received up to seq. 0: its edge has heard of the truncation.
void presence_receipt (endpoint_t *endpoint, uint64_t seq);

//  An ephemeral event of the endpoint's participant.
void presence_signal (endpoint_t *endpoint, const bus_signal_t *signal);

//  What a worker of these topics has to show while it works.
void presence_progress (session_t *session, const bus_progress_t *progress, const char *topics);

//  The bot is not typing any more, if it was.
void presence_end_bot_typing (session_t *session);

#endif
