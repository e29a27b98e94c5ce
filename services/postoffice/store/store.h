//  store — the postoffice's memory in PostgreSQL: appends chunks to session logs, loads sessions,
//  reads logs. Nothing here decides anything about a session.
//
//  Group commit: chunks that come while a batch is being committed gather into the next one; a
//  batch is one round trip and one transaction. Several database links; a session is always on the
//  same one, so what is asked for one session is done in the order in which it was asked.
//
//  Every answer comes later, from the loop, exactly once, and its contents live until the callback
//  returns. While the database is away requests wait in the order given, up to the store's ceilings
//  (then, and after `patience_ms` of waiting, they are answered with STORE_DOWN). A database that
//  hangs is given up after `answer_ms`: appends that were sent are answered with STORE_UNSURE then.
//
//  Schema and SQL functions: schema/*.sql, numbered migrations, applied under an advisory lock.

#ifndef STORE_H
#define STORE_H

#include "model/model.h"

#include <uv.h>

typedef struct store store_t;

typedef struct {
    const char *url;          //  libpq connection string or URI
    uint64_t links;           //  database connections for sessions (one more one listens)
    uint64_t batch_chunks;    //  most chunks in one batch
    uint64_t queue_limit;     //  bytes of requests that may wait, over all links
    uint64_t patience_ms;     //  how long a request may wait for a database that is away
    uint64_t answer_ms;       //  how long the database may be silent when an answer is due
    uint64_t writer;          //  this process' incarnation, in each row that it writes; < 2^63
    const char *node;         //  its name
} store_config_t;

typedef struct {
    //  The database can (again) or cannot (any more) be used.
    void (*ready) (void *owner, bool ready);
    //  POSTGRES_URL leads to a database that can never be used: what is wrong was logged, and is
    //  tried again all the same. May be NULL.
    void (*unfit) (void *owner);
    //  Another postoffice appended to a session that this one wrote last: reload it if it is here.
    void (*moved) (void *owner, text_t session);
    //  Another postoffice has endpoints of a session: tell it of each entry, if it is here.
    void (*shared) (void *owner, text_t session);
    //  Sessions with unfinished work whose postoffice is dead; this process holds the work now.
    void (*orphan) (void *owner, text_t session);
} store_events_t;

//  Begins to connect and migrate. Never blocks; `ready` is called when it is usable. A schema newer
//  than this program, or a database that refuses the password, is logged in one line that says what
//  to do, and tried again with back-off.
store_t *store_new (uv_loop_t *loop, const store_config_t *config, const store_events_t *events,
                    void *owner);
//  Sends what is queued no more; callbacks of requests under way are not called.
void store_destroy (store_t **self_p);
//  Requests that are not answered yet.
uint64_t store_pending (const store_t *self);

typedef enum {
    STORED,         //  done and committed
    STORE_CONFLICT, //  append only: the log is not as the chunk supposed, nothing of it was stored
    STORE_UNSURE,   //  append only: the link broke before the answer; it may be stored or not
    STORE_DOWN,     //  not done, and nothing was stored
    STORE_NEVER,    //  append only: PostgreSQL can never take it; nothing of it was stored
} store_outcome_t;

// ---------------------------------------------------------------------------------------------
//  Appending

//  One entry of the log. seq is implied: the chunk's first, and so on.
typedef struct {
    text_t message_id;  //  unique in the session for ever; never empty
    uint64_t event;     //  event_t, a durable one
    uint64_t time_ms;
    uint64_t role;      //  of who caused it
    text_t user;
    text_t sender;      //  JSON object
    text_t data;        //  JSON object, or empty
    uint64_t hidden;    //  1: not for people's eyes
} store_entry_t;

//  A participant as it is from now on. Also makes this the session that the user was last in.
typedef struct {
    uint64_t role;
    text_t user;
    text_t sender;
    bool present;
} store_participant_t;

typedef struct {
    text_t item;        //  unique for ever
    text_t topic;
    uint64_t seq;       //  of the entry that caused it
    text_t user;
    text_t body;        //  JSON object
    text_t secret;      //  deleted when the item is finished
} store_work_t;

typedef enum {
    WORK_WAITING = 0,
    WORK_ANSWERED = 1,
    WORK_FAILED = 2,
    WORK_CANCELLED = 3
} work_state_t;

typedef struct {
    text_t item;
    work_state_t state; //  not WORK_WAITING
    text_t detail;      //  for the operator; may be empty
} store_finish_t;

//  What happens to one session in one step: all of it or nothing. Stored only when the log's last
//  seq is first_seq − 1, no message id is in it yet, and, with opens, the session does not exist.
typedef struct {
    text_t session;
    bool opens;                 //  creates the session: app, visitor and day_ms are set
    text_t app;
    text_t visitor;             //  user id of the visitor who owns it
    uint64_t day_ms;            //  wall clock that chooses the day of its partition
    uint64_t day;               //  without opens: the session's day as loaded (days since 1970)
    uint64_t first_seq;
    const store_entry_t *entries;
    size_t entry_count;         //  at least 1
    const store_participant_t *participants;
    size_t participant_count;
    bool control_changes;
    uint64_t control_role;      //  ROLE_BOT or ROLE_AGENT
    text_t control_user;
    const store_work_t *works;
    size_t work_count;
    const store_finish_t *finishes;
    size_t finish_count;
    bool tell_others;           //  others wrote last, or may have its endpoints: they get `moved`
} store_chunk_t;

typedef void store_appended_fn (void *owner, uint64_t request_id, store_outcome_t outcome);

//  Copies the chunk. The answer gets the request_id. Returns 0; −1 when the queue is full.
__attribute__ ((warn_unused_result)) int store_append (store_t *self, const store_chunk_t *chunk,
                                                       uint64_t request_id,
                                                       store_appended_fn *appended, void *owner);

// ---------------------------------------------------------------------------------------------
//  Loading a session

typedef struct {
    uint64_t role;
    text_t user;
    text_t sender;
    bool present;
    uint64_t received_seq; //  SEQ_UNKNOWN when nothing was said of it
} stored_participant_t;

typedef struct {
    text_t item;
    text_t topic;
    uint64_t seq;
    text_t user;
    text_t body;
    text_t secret;
} stored_work_t;

typedef struct {
    text_t message_id;
    uint64_t seq;
    uint64_t time_ms;
} stored_id_t;

typedef struct {
    bool exists;
    text_t app;
    text_t visitor;
    uint64_t day;                //  days since 1970
    uint64_t last_seq;
    uint64_t last_time_ms;
    uint64_t last_writer;
    uint64_t control_role;
    text_t control_user;
    const stored_participant_t *participants;
    size_t participant_count;
    const stored_work_t *works;  //  unfinished, by seq
    size_t work_count;
    const stored_id_t *known;    //  those of the asked ids that are in the log, and its last ones
    size_t known_count;
} stored_session_t;

//  `session` is NULL when the outcome is STORE_DOWN.
typedef void store_loaded_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                              const stored_session_t *session);

//  Loads a session as it is after everything that was asked before. `ids`: message ids that the
//  caller wants to know about beside the last `recent` ones.
__attribute__ ((warn_unused_result)) int store_load (store_t *self, text_t session,
                                                     const text_t *ids, size_t id_count,
                                                     uint64_t recent, uint64_t request_id,
                                                     store_loaded_fn *loaded, void *owner);

// ---------------------------------------------------------------------------------------------
//  Reading a log

typedef struct {
    uint64_t seq;
    text_t message_id;
    uint64_t event;
    uint64_t time_ms;
    uint64_t role;
    text_t user;
    text_t sender;
    text_t data;
    uint64_t hidden;
} stored_entry_t;

typedef void store_read_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                            const stored_entry_t *entries, size_t count);

//  The entries after `after` in order, at most `most`, and at most about `bytes` of them (but one
//  at least). Fewer than there are is no sign of the end; none is.
__attribute__ ((warn_unused_result)) int store_read (store_t *self, text_t session, uint64_t day,
                                                     uint64_t after, uint64_t most,
                                                     uint64_t bytes, uint64_t request_id,
                                                     store_read_fn *read, void *owner);

// ---------------------------------------------------------------------------------------------
//  Small things

typedef void store_found_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                             text_t session);

//  The session that the user was last in; empty when there is none.
__attribute__ ((warn_unused_result)) int store_lookup (store_t *self, text_t app, text_t user,
                                                       uint64_t role, uint64_t request_id,
                                                       store_found_fn *found, void *owner);

//  Remembers what a participant's clients are known to have received. Gathered and written with
//  other things; no answer; lost with the process (then too much is delivered again, never too
//  little).
void store_receipt (store_t *self, text_t session, uint64_t role, text_t user, uint64_t seq);

typedef enum {
    TELL_MOVED,  //  something was written to the session: load it again
    TELL_SHARED, //  there are endpoints of it here, though another postoffice wrote last
} store_tell_t;

//  Tells the other postoffices. Gathered and sent soon. Returns 0; −1 when it cannot be said now.
//  What was taken is lost when the database goes: it is to be said again when `ready` says it is
//  back.
int store_tell (store_t *self, store_tell_t what, text_t session);

#endif
