//  presence — who is there and what they are doing just now: the grace period of participants
//  whose last connection went, what their clients are known to have received, who is typing.
//
//  None of it is in the log, but for what follows when a grace period ends (OPERATION_ABSENT).
//
//  A participant is present (in the log) and has endpoints here, or is awaited (a grace period
//  runs), or is nobody's concern here. Events: an endpoint is lost, an endpoint is handed over to
//  another postoffice, the session is loaded, the grace period ends.
//
//  Who is there is for the session's host to know (docs/decisions/session-hosts.md): the postoffice
//  that its row names. One that has endpoints is it by its load, or because it opened the session.
//  Only the host awaits anybody, and an append that says who has left is stored only while the row
//  names its writer. A postoffice that becomes the host, for the first time or again, begins all
//  grace periods then: it does not know who was where before.
//
//  The scenarios that made it so:
//  - A page is reloaded: its connection goes and another comes within a second. Nobody has left.
//  - Edges move a session to another postoffice (hand over): the participants are there, and this
//    postoffice must not say that they left. With the last endpoint it also stops following the
//    log, so the session is loaded before it is used again.
//  - A postoffice is killed: the next one loads the session, because somebody comes or because the
//    database says that it is the host now, and awaits everybody who is present and has no endpoint
//    yet. One that loads it for its work only does not know who is there.
//  - A postoffice is killed, another one claims the session and awaits the visitor, who comes back
//    at a third one: no entry says so. But the third one is the host by its load, so that the
//    append of the second one loses.
//  - Two postoffices host one session (split_hosting.h): neither says that somebody left who may be
//    at the other.

#ifndef PRESENCE_H
#define PRESENCE_H

#include "session/session.h"

//  Is somebody here, or coming? Then this postoffice is to be the session's host.
bool presence_needs_host (const session_t *session);
//  Is nobody here, and nobody present who could be awaited? Who has a channel is there without one.
bool presence_is_left (const session_t *session);

//  The session was loaded, and had this host until then (0: none). When this postoffice is the host
//  now, everybody who takes part and has no endpoint has a grace period, from when it became so.
//  Else who is there is for another postoffice to know.
void presence_loaded (session_t *session, uint64_t host);
//  Another postoffice has the session, or will have it soon: it is the host.
void presence_resign (session_t *session);

//  The endpoint is gone: its participant's grace period may begin. Destroys the endpoint.
void presence_lose (session_t *session, endpoint_t *endpoint);
//  The endpoint is at another postoffice now: nobody is away because of that. Destroys it.
void presence_hand_over (session_t *session, endpoint_t *endpoint);

//  This participant, or everybody whom the log has so (a load), is out of the session: its
//  endpoints here are told, and destroyed.
void presence_put_out (session_t *session, const participant_t *participant);
void presence_put_all_out (session_t *session);

//  The client is known to have received up to seq, and says that it has read up to read_seq. A seq
//  of 0: its edge has heard of the truncation.
void presence_receipt (endpoint_t *endpoint, uint64_t seq, uint64_t read_seq);

//  An ephemeral event of the endpoint's participant.
void presence_signal (endpoint_t *endpoint, const bus_signal_t *signal);

//  The same of a participant without an endpoint: it is writing, or not any more.
void presence_type (session_t *session, uint64_t role, text_t user, bool is_on);

//  May an ephemeral event of this turn be shown (NULL: no such turn is open)? Such events are
//  judged by the fold in memory, as they never touch the database. A responder that has lost
//  control must not appear with so much as half an answer: what has content is shown only while
//  the fold is known to be the log's. It is not while it is being loaded, or is to be; while
//  another postoffice may write without a word heard of it (split hosting, the database away).
//  Typing is shown then, too, if the turn is open as far as we know: at worst it is a sign too
//  much, which ends by itself.
bool presence_may_show (const session_t *session, const turn_t *turn, event_t event);

//  What this worker, of these topics, has to show while it works. Half an answer is shown only of
//  the worker that has the turn, to clients that can tell it from a whole one.
void presence_progress (session_t *session, peer_t worker, const bus_progress_t *progress,
                        const char *topics);

//  The bot is not typing any more, if it was.
void presence_end_bot_typing (session_t *session);

#endif
