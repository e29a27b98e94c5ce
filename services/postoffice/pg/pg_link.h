//  pg_link — one connection to PostgreSQL in pipeline mode, on the loop, kept up for ever.
//
//  A life: dialling (see pg_dial.h) → preparing the statements → up; when it is lost, or does not
//  get there in time: a wait with back-off and jitter, then again. Nothing here blocks.
//
//  A server that says nothing for answer_ms while an answer is due is lost, too. One that answers
//  slowly is not: dialling anew and asking again would not make it faster.
//
//  Requests are answered in the order in which they were sent, each exactly once; when the link is
//  lost all of them are answered with `lost` before `down` is called. Nothing waits here: who may
//  not send (pg_link_room is 0) keeps what it has.

#ifndef PG_LINK_H
#define PG_LINK_H

#include "pg/pg_dial.h"
#include "pg/pg_values.h"

#include <uv.h>

typedef struct pg_link pg_link_t;

//  Most requests under way on one link, and most statements in one request; a link's statements are
//  prepared with one.
#define PG_LINK_REQUESTS 64
#define PG_LINK_STATEMENTS 24

typedef struct {
    const char *name;
    const char *sql;
} pg_statement_t;

typedef struct {
    const char *url;
    const char *node;                  //  application_name
    const char *name;                  //  what the link is for, in the log
    const char *settings;              //  see pg_dial.h; may be NULL
    const pg_statement_t *statements;  //  prepared on every new connection
    size_t statement_count;
    uint64_t answer_ms;                //  how long the server may be silent when an answer is due
    pg_greeting_t greeting;            //  before the statements are prepared
} pg_link_config_t;

//  What an SQLSTATE means for the request that it answers.
typedef enum {
    PG_ERROR_NONE,
    PG_ERROR_RETRY,        //  by chance (deadlock): send it again
    PG_ERROR_NO_PARTITION, //  send it again when the partition was made
    PG_ERROR_DUPLICATE,    //  the row is there already
    PG_ERROR_LOCKED,       //  somebody holds a lock on a row of it
    PG_ERROR_REJECTED,     //  it is about what was sent, and will be so again
    PG_ERROR_RECONNECT,    //  not the primary any more, or another schema: connect anew
    PG_ERROR_UNAVAILABLE,  //  the server cannot write at all
} pg_error_t;

pg_error_t pg_error_of (const char *sqlstate);

typedef struct {
    size_t count;
    const PGresult *results[PG_LINK_STATEMENTS]; //  one for each statement, when it succeeded
    bool lost;       //  the link broke: it may have been done or not
    bool failed;     //  the server refused; nothing of it was done
    pg_error_t error; //  of `failed`
    char sqlstate[6];
} pg_answer_t;

typedef void pg_answered_fn (void *owner, void *request, const pg_answer_t *answer);

typedef struct {
    void (*up) (void *owner, bool is_direct); //  see pg_dial.h
    void (*down) (void *owner);
    void (*notified) (void *owner, text_t payload); //  of a NOTIFY; may be NULL
} pg_link_events_t;

//  Does nothing before pg_link_open; events come from the loop.
pg_link_t *pg_link_new (uv_loop_t *loop, const pg_link_config_t *config,
                        const pg_link_events_t *events, void *owner);
//  Begins to dial; safe to call again.
void pg_link_open (pg_link_t *self);
//  Not from within a callback of this link's. Requests under way are not answered.
void pg_link_destroy (pg_link_t **self_p);

typedef struct {
    bool is_up;
    bool is_alive; //  up, and not silent for half a second while an answer is due
} pg_link_state_t;

pg_link_state_t pg_link_state (const pg_link_t *self);
//  How many more requests may be sent now; 0 when the link is not up.
size_t pg_link_room (const pg_link_t *self);

//  Adds a statement to the request that is being made; a request is one transaction. `statement`
//  counts in the config's table. The values may be used again at once.
void pg_link_add (pg_link_t *self, size_t statement, pg_values_t *values);
//  Sends the request. Never answers before it returns. `answered` may be NULL.
void pg_link_send (pg_link_t *self, pg_answered_fn *answered, void *owner, void *request);

//  Gives up this connection and makes another one, after this turn.
void pg_link_renew (pg_link_t *self);

#endif
