//  session — one conversation in memory: its fold, its endpoints, and the operations that wait.
//
//  The struct is open to the modules of this room, each of which looks after a part of it:
//  presence and catch_up after endpoints, settle after the fold, session_run after the queue, the
//  changeset and the state. They stand above this one.
//
//  A session is a cache over its log: it is loaded when something is asked of it and may be
//  dropped when nobody needs it. At most one changeset of it is at the store; what is asked
//  meanwhile waits and goes into the next. When a changeset is lost to another postoffice, or
//  nobody knows what became of it, the session is loaded again and the changeset's operations are
//  decided on again.

#ifndef SESSION_H
#define SESSION_H

#include "session/endpoint.h"
#include "rules/fold.h"
#include "session/postoffice_context.h"
#include "rules/operation.h"
#include "session/split_hosting.h"

#include "base/hash_table.h"

typedef enum {
    SESSION_UNKNOWN,    //  its fold says nothing: to be loaded
    SESSION_LOADING,    //  asked of the store
    SESSION_READY,      //  the fold is the log's
    SESSION_COMMITTING, //  the fold is ahead of the log by the changeset at the store
    SESSION_STATES
} session_state_t;

struct session {
    UT_hash_handle hh;      //  in the sessions, by key
    list_t pending;         //  in the sessions' list of those to be given a turn
    list_t idle;            //  in the sessions' list of those that nobody needs
    uint64_t idle_since_ms;
    list_t changed;         //  in one of the feed's lists while watchers are to be told (feed.h)
    bool is_awaited;        //  to be told as soon as the fold is the log's
    postoffice_context_t *office;
    session_state_t state;
    bool stale; //  somebody else wrote to the log: load it again when the changeset is done
    bool wanted;            //  to be loaded although nothing is asked of it: it has work to see to
    bool is_passing;        //  in memory for a timer only: dropped as soon as nobody needs it
    bool load_hosts;        //  the load under way makes this postoffice its host
    uint64_t host_since_us; //  this postoffice keeps who is present since then; 0: it does not
    bool bot_typing;
    uint64_t noticed_ms; //  a platform was told last that the visitor writes; 0: never
    uint64_t silent_since_us; //  nobody has control since then (monotonic clock); 0: somebody has
    split_hosting_t split_hosting;
    fold_t fold;
    log_position_t published; //  live endpoints have been told the log up to this
    recent_ids_t former; //  of the log before it lost its tail, if it did (truncation.h)
    uint64_t former_seq; //  up to this that log was the same
    list_t queue;           //  operations that wait
    size_t queue_count;
    changeset_t *changeset; //  at the store, or lost and waiting for the load that follows
    list_t endpoints;
    size_t endpoint_count;
    size_t reads;           //  parts of the log that endpoints wait for
    text_t key;             //  in the session's own memory
};

session_t *session_new (postoffice_context_t *office, text_t key);
//  Must not be at the store, or in use by it.
void session_destroy (session_t **self_p);

//  This postoffice is the session's host, or is not. One that was not is since now.
void session_set_host (session_t *self, bool is_host);

//  NULL when the app is not there any more. Borrowed until the next turn of the loop.
const app_t *session_app (const session_t *self);
//  What the rules are given for the session's changeset, with what the app says. To be made once
//  for a changeset, as it looks the app up; its texts live for a turn of the loop.
switchboard_t session_switchboard (session_t *self);
//  The app's bot, as the sender of a frame. Borrowed until the next turn of the loop.
text_t session_bot_sender (const session_t *self);
//  What is done when it fails; borrowed likewise.
const app_failure_t *session_bot_failure (const session_t *self);

//  Nobody would notice if it were dropped.
bool session_is_idle (const session_t *self);

endpoint_t *session_endpoint (const session_t *self, peer_t peer, uint64_t id);
//  Has the participant an endpoint here, other than this one (which may be NULL)?
bool session_has_other_endpoint (const session_t *self, uint64_t role, text_t user,
                                 const endpoint_t *but);

#endif
