//  truncation — a log has lost its tail, and somebody had seen it.
//
//  A standby that lagged was promoted, or the database was restored to a moment in the past: the
//  log ends earlier than what endpoints were told, or has other entries there by now. Whoever goes
//  on by seq alone would skip those: the endpoint and its edge, until the log is as long as it was.
//
//  A position (log_position.h) tells. The scenarios that made it so:
//  - The session is loaded again after its endpoints were told of entries. The fold before and the
//    fold after know many entries each: the highest common one is where the histories part
//    (truncation_look).
//  - What was told last stands so far above what the load brought that nobody can tell: each
//    endpoint's position is compared when it reads on (catch_up.c).
//  - An edge brings back an endpoint, or a client resumes: it says what it has (catch_up.c). When
//    that is not in the log, and this postoffice does not remember it from the log before, nobody
//    knows where the histories part: it begins from the start.
//  - The session was opened in the tail that is lost: it is not there any more, and its endpoints
//    are made to attach again. A session that was dropped as old looks the same but for its age:
//    those pages hear of it with the next thing that they say.
//
//  Receipts of before, that are under way, are of entries that are not there any more. The edge
//  answers TRUNCATED with RECEIPT 0: those behind it count again.

#ifndef TRUNCATION_H
#define TRUNCATION_H

#include "session/session.h"

//  The session was loaded: does the log have what was told of it before? `told` was published;
//  `old` is the fold before, whose recent ids are taken when it has not. True: it surely has. Else
//  endpoints are sent on from where they are right, or have to be compared.
bool truncation_look (session_t *session, fold_t *old, log_position_t told);

//  Up to where is the log right for one who has this, which is not in it? 0: nobody knows.
uint64_t truncation_common_seq (const session_t *session, log_position_t has);

//  The log does not have what the endpoint was sent above this seq: it is sent on from there, when
//  it catches up, and its edge is told.
void truncation_tell (session_t *session, endpoint_t *endpoint, uint64_t seq);

#endif
