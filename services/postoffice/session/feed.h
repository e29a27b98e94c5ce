//  feed — what edges with watchers are told of the sessions of an app: a row for each session that
//  has changed (SUMMARY), from memory.
//
//  A change only marks its session. Some times a second each marked session's row is sent, once,
//  to every edge that watches the app: ten messages of a session in that time are one row. While
//  nobody watches any app, office->feed is NULL, and a change costs the look at that.
//
//  A row is made while the fold is the log's, so that it is the session as of its version
//  (lastSeq). A marked session that is at the store just then is told as soon as it is known again.
//
//  An edge that does not take its rows fast enough is told none until it has taken what waits, and
//  then that there is a gap. So it is when nobody can say what changed: the database was away, or
//  a log has lost its tail. Whoever is told of a gap asks for everything again.

#ifndef FEED_H
#define FEED_H

#include "session/session.h"

#include <uv.h>

//  How often rows are sent.
#define FEED_EVERY_MS 250
//  So many at a time: the loop has other things to do.
#define FEED_ROWS_AT_A_TIME 1000
//  An edge for which more waits than this is told no rows until it is half of it.
#define FEED_WAITING_MOST (1024 * 1024)
//  Apps that can be watched.
#define FEED_APPS_MOST 10000

feed_t *feed_new (uv_loop_t *loop, postoffice_context_t *office);
//  The sessions may be there still. The loop must turn until its handle is closed.
void feed_destroy (feed_t **self_p);

//  The edge watches the app, or does not any more. Answers.
void feed_watch (feed_t *self, peer_t peer, const bus_watch_t *watch);
void feed_peer_down (feed_t *self, peer_t peer);

//  Nobody knows what has changed: all edges that watch something are told of a gap.
void feed_gap (feed_t *self);

//  Marks the session as changed, if somebody watches its app.
void feed_mark (feed_t *self, session_t *session);

//  Something of the session was stored.
static inline void
feed_note (session_t *session)
{
    if (session->office->feed)
        feed_mark (session->office->feed, session);
}

//  The session was loaded; watchers were told of it up to `told`, or have asked.
void feed_note_load (session_t *session, log_position_t told);
//  The session is dropped from memory: what was to be told of it is told now.
void feed_end_session (session_t *session);

#endif
