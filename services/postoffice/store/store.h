//  store — the postoffice's memory in PostgreSQL: appends to session logs, loads sessions, reads
//  logs. Nothing here decides anything about a session.
//
//  Group commit: appends that come while a batch is being committed gather into the next one; a
//  batch is one round trip and one transaction. Several database links; a session is always on the
//  same one.
//
//  At most one append of a session is under way; its session is not loaded before the answer.
//
//  Every answer comes later, from the loop, exactly once, and its contents live until the callback
//  returns. While the database is away requests wait in the order given, up to the store's ceilings
//  (then, and after `patience_ms` of waiting, they are answered with STORE_DOWN). A database that
//  hangs is given up after `answer_ms`: appends that were sent are answered with STORE_UNSURE then.
//
//  Schema and SQL functions: schema/*.sql, numbered migrations, applied under an advisory lock.

#ifndef STORE_H
#define STORE_H

#include "store/store_model.h"

#include <uv.h>

typedef struct store store_t;

typedef struct {
    //  The database can (again) or cannot (any more) be used.
    void (*ready) (void *owner, bool ready);
    //  POSTGRES_URL leads to a database that can never be used: what is wrong was logged, and is
    //  tried again all the same. May be NULL.
    void (*unfit) (void *owner);
    //  Another postoffice appended to a session that this one wrote last: reload it if it is here
    //  (MOVED); it has endpoints of the session: tell it of each entry (SHARED); its work is this
    //  process' now, for it is dead (ORPHAN); this process is the host of the session, since a
    //  moment ago (HOST), or for longer (HOSTED: each one is named every so many minutes).
    void (*noticed) (void *owner, store_notice_t what, text_t session);
    //  The database's clock less this process' monotonic one: measured every two seconds, and as
    //  good as half of the fastest of the last answers was long. NULL: nobody asks.
    void (*clocked) (void *owner, int64_t database_ms);
    //  How many sessions of dead postoffices may become this one's now. NULL: any number.
    uint64_t (*room) (void *owner);
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
//  Every connection is up and answers, whether the database can write or not. One that is down, or
//  silent, is this process' own trouble, perhaps; a disk that is full is everybody's.
bool store_is_connected (const store_t *self);

//  Copies the struct and borrows everything that it points at: that must live until the answer, or
//  until the store is destroyed. The answer gets the request_id. Returns 0; −1 when the queue is
//  full.
__attribute__ ((warn_unused_result)) int store_append (store_t *self,
                                                       const store_append_t *append,
                                                       uint64_t request_id,
                                                       store_appended_fn *appended, void *owner);

//  Loads a session. `ids`: message ids that the caller wants to know about, whoever used them,
//  beside the last `recent` ones. With `hosts` this process keeps who is present from then on.
__attribute__ ((warn_unused_result)) int store_load (store_t *self, text_t session,
                                                     const text_t *ids, size_t id_count,
                                                     uint64_t recent, bool hosts,
                                                     uint64_t request_id, store_loaded_fn *loaded,
                                                     void *owner);

//  The entries after `after` in order, at most `most`, and at most about `bytes` of them (but one
//  at least). Fewer than there are is no sign of the end; none is.
__attribute__ ((warn_unused_result)) int store_read (store_t *self, text_t session, uint64_t day,
                                                     uint64_t after, uint64_t most,
                                                     uint64_t bytes, uint64_t request_id,
                                                     store_read_fn *read, void *owner);

//  The session that the user was last in; empty when there is none.
__attribute__ ((warn_unused_result)) int store_lookup (store_t *self, text_t app, text_t user,
                                                       uint64_t role, uint64_t request_id,
                                                       store_found_fn *found, void *owner);

//  The session and the participant that an outside system calls so.
__attribute__ ((warn_unused_result)) int
store_find_external (store_t *self, text_t app, text_t channel, text_t external_id,
                     uint64_t request_id, store_external_fn *found, void *owner);

//  Remembers what a participant's clients are known to have received and read. Gathered and written
//  with other things; no answer; lost with the process (then too much is delivered again, never too
//  little).
void store_receipt (store_t *self, text_t session, uint64_t role, text_t user,
                    const store_receipt_t *receipt);

//  Notifies the other postoffices. Gathered and sent soon. Returns 0; −1 when it cannot be said
//  now. What was taken is lost when the database goes: it is to be said again when `ready` says
//  that it is back.
int store_notify (store_t *self, store_notice_t what, text_t session);

#endif
