//  office_rig — a postoffice's parts on a fake store and a fake bus, and short words for what peers
//  say to it. Everything that it says to peers is written down as lines, which a story compares:
//
//      e1 ATTACHED 5 ok #1             endpoint 5 is in, the log's last entry is 1
//      e1 POSTED 3 ok #2             the post with request_id 3
//      e1 DELIVER 5,6 #2 hello       an entry; its data, or its event when it has none to show
//      e1 DELIVER 5 #9 hello end_of_window
//      e1 BROADCAST 5 typing
//      e1 BROADCAST 5 presence {…}   and its data; these, and receipts, if rig_shows_company
//      e1 TRUNCATED 5 #2 of 3        the log has lost what 5 had above #2, and ends with #3; "gone"
//      e1 WATCHING demo              the feed of the app's sessions goes to edge 1; "gap"
//      e1 SUMMARY s #3               the row of the session, as of #3; the row itself is rig_row
//      api POSTED 3 ok #2            what comes of a request, or of a bot's later answer
//      w1 WORK t1 2                  an item's name is t and its place among all; second attempt
//
//  Peers 1… are edges, 11… workers. Everything is about one session, s_key.

#ifndef OFFICE_RIG_H
#define OFFICE_RIG_H

#include "fake_store.h"
#include "rules/operation.h"
#include "session/postoffice_context.h"
#include "session/session_run.h"
#include "session/schedule.h"
#include "session/sessions.h"

#include <criterion/criterion.h>

#define KEY TEXT ("demo/s")
#define W1 11u
#define W2 12u
#define GRACE_MS 150
#define SETTLE_MS 60
#define ACCEPTED_WITHIN_MS 200
#define RECOVERY_MS 40
#define IDLE_MS 40
#define QUEUE_LIMIT (64 * 1024)

extern uv_loop_t *const rig_loop;
extern postoffice_context_t rig_office;
//  A second postoffice on the same store, once rig_begin_second was called: edges 3 and 4 are its.
extern postoffice_context_t rig_second;
//  The row of the last SUMMARY.
#define RIG_ROW_MAX 2000
extern char rig_row[RIG_ROW_MAX];
//  Else stories are without presence and receipts.
extern bool rig_shows_company;
//  What waits for each edge.
extern size_t rig_queued;

//  Two edges are there; no workers.
void rig_begin (void);
void rig_end (void);
void rig_begin_second (void);
//  What is said from now on is said to the first postoffice (1), or to the second one (2).
void rig_use (int number);
//  The postoffice dies; nobody hears of it.
void rig_kill_second (void);
//  The control link of one is down, and is up again.
void rig_deafen (int number);
void rig_hear_again (int number);

//  Until nothing is to be done any more; and so for a while, in which timers run, too.
void rig_run (void);
void rig_wait (unsigned ms);
//  The loop only, not the store.
void rig_turn (void);

//  The lines since the last call. The story's lines each end with a newline.
void rig_expect_at (const char *file, unsigned line, const char *story);
#define EXPECT(story) rig_expect_at (__FILE__, __LINE__, story)
void rig_forget (void);
const char *rig_story (void);

session_t *rig_session (void);

void edge_up (peer_t peer);
void edge_down (peer_t peer);
void attach_as (peer_t peer, uint64_t endpoint, uint64_t role, const char *user, uint64_t dialect,
                attach_reason_t reason, uint64_t seq);
//  Of the rich dialect; its edge says that it may do this at most.
void attach_with (peer_t peer, uint64_t endpoint, uint64_t role, const char *user,
                  attach_reason_t reason, uint64_t seq, uint64_t may);
//  The same, with an entry's check: what it has of the log.
void attach_at (peer_t peer, uint64_t endpoint, uint64_t role, const char *user, uint64_t dialect,
                attach_reason_t reason, log_position_t has);
//  What the store has there.
log_position_t rig_position (uint64_t seq);
void visitor_joins (peer_t peer, uint64_t endpoint);   //  "vic", of the rich dialect
void widget_joins (peer_t peer, uint64_t endpoint);    //  "vic", of the widget's
void agent_joins (peer_t peer, uint64_t endpoint, const char *user); //  of the rich dialect
void detach (peer_t peer, uint64_t endpoint, uint64_t received_seq);
//  Its session has another postoffice now.
void hand_over (peer_t peer, uint64_t endpoint);
//  The request_id is a number that rises from 1; the id is the data, too.
void say (peer_t peer, uint64_t endpoint, const char *id);
void say_at (peer_t peer, uint64_t endpoint, const char *id, uint64_t time_ms);
//  Another one, with this request_id, was under way when it was said.
void say_behind (peer_t peer, uint64_t endpoint, const char *id, uint64_t after);
//  The visitor at endpoint 5 of edge 1 says as much as the bot may have open: m0, m1 … And forgets
//  the story of it.
void rig_fill_turns (void);
void post (peer_t peer, uint64_t endpoint, event_t event, const char *id);
//  A participant says it through the API, from no endpoint. The story's line is
//  "api POSTED 3 ok #2", with the request_id.
void say_by_request (uint64_t role, const char *user, const char *id);
//  The same in another way: as a visitor's server (an empty user), from a key (":key:k"), or only
//  while this is the last seq.
void post_by_request (uint64_t role, const char *user, const char *id, uint64_t if_match);
//  A change asked for by anna, an agent, or by the server "key" (by_role); it is about carl where
//  it is about an agent, and about vic where a session is opened. The story's line is
//  "api CLOSE ok #4"; "#0": nothing was stored.
void change_by_request (change_kind_t kind, uint64_t by_role, const char *id, uint64_t if_match);
void open_by_request (const char *visitor, const char *id); //  by a server
void enter_by_request (const char *user, bool takes_control, const char *id);
void leave_by_request (const char *user, const char *id);
//  The timer `close` that was set at this entry. The story's line is "timer ran" or "timer stale".
void timer_due (uint64_t seq);
void more (peer_t peer, uint64_t endpoint);
void received (peer_t peer, uint64_t endpoint, uint64_t seq);
void type (peer_t peer, uint64_t endpoint, event_t event);

void worker_up (peer_t peer, uint64_t credit);
void worker_down (peer_t peer);
void accepted (peer_t peer, const char *turn);
void done (peer_t peer, const char *turn, const char *data);
//  A turn comes to nothing after so many tries, with this status (0: no answer): the bot's fault,
//  but for a 404.
void fails (peer_t peer, const char *turn, unsigned tries, unsigned status);
//  What the app says of that, to be changed.
app_failure_t *rig_policy (void);
void progress (peer_t peer, const char *turn, event_t event);
//  Gives an item that is in the store already the next name.
void rig_name (const char *item);

#endif
