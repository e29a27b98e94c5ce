//  presence — who is there and what they are doing just now: the grace period of those whose last
//  connection went, what their clients are known to have received, who is typing.
//
//  None of it is in the log, but for what follows when a grace period ends.

#ifndef PRESENCE_H
#define PRESENCE_H

#include "session/session.h"

//  Of everybody who takes part and has no endpoint (after a load).
void presence_begin_graces (session_t *session);
//  Another postoffice has the session: it is the one who knows who is there.
void presence_forget_graces (session_t *session);

//  The endpoint is gone: its participant's grace period may begin. Destroys the endpoint.
void presence_lose (session_t *session, endpoint_t *endpoint);
//  The endpoint is at another postoffice now: nobody is away because of that. Destroys it.
void presence_hand_over (session_t *session, endpoint_t *endpoint);

//  The client is known to have received up to seq.
void presence_receipt (endpoint_t *endpoint, uint64_t seq);

//  An ephemeral event of the endpoint's participant.
void presence_signal (endpoint_t *endpoint, const bus_signal_t *signal);

//  What a worker of these topics has to show while it works.
void presence_progress (session_t *session, const bus_progress_t *progress, const char *topics);

//  The bot is not typing any more, if it was.
void presence_end_bot_typing (session_t *session);

#endif
