//  operation — one thing that a session is asked to do, with a copy of everything said in asking.
//
//  Operations of a session are done one after the other, in the order in which they came. One
//  that was decided on stays with its changeset until the changeset is committed; when the commit
//  loses, it goes back to the head of the queue and is decided on again.

#ifndef OPERATION_H
#define OPERATION_H

#include "bus/bus_server.h"
#include "base/buffer.h"
#include "base/keyed_hash.h"
#include "base/list.h"
#include "model/model.h"
#include "tables/timers.h"

typedef enum {
    OPERATION_ATTACH,   //  an endpoint is in the session
    OPERATION_DETACH,   //  an endpoint is gone
    OPERATION_POST,     //  a participant says something, takes or gives back control
    OPERATION_ACCEPTED, //  a worker has a turn in flight
    OPERATION_DONE,     //  a worker tells what came of a turn
    OPERATION_ABSENT,   //  a participant has been without an endpoint for the grace period
    OPERATION_TIMER,    //  a timer is due
    OPERATION_CHANGE,   //  a request of the API: changes.h
    OPERATION_MATCH,    //  the matcher has found somebody, or nobody, or tells a place
    OPERATION_ANSWERED, //  a platform has answered an offer: a DONE of its item
} operation_kind_t;

typedef enum {
#define CHANGE(NAME, action, events, words) CHANGE_##NAME,
#include "rules/changes.def"
#undef CHANGE
    CHANGES
} change_kind_t;

//  Who has control behind an operation: for the answer. role 0: nothing was noted.
typedef struct {
    uint64_t role, seq, since_ms;
    char user[USER_ID_MAX + 1];
} control_seen_t;

//  What a request of the API asks of a session. Texts may be empty where that is said.
typedef struct {
    change_kind_t kind;
    uint64_t number;    //  the request's
    text_t session;     //  its key
    text_t message_id;  //  of its entry, however often it is decided on
    uint64_t version;   //  of control, that the asker saw; SEQ_UNKNOWN: any
    text_t targets;     //  OFFER: with a line end behind each
    text_t why;         //  OFFER: for people; RELEASE: happening_t's; may be empty
    uint64_t by_role;   //  who asks
    text_t by_user;
    text_t by_sender;   //  JSON object
    uint64_t role;      //  who enters, leaves or has read, or whose session it will be
    text_t user;        //  of CLOSE and REOPEN: empty; of READ: empty for the session's visitor
    text_t sender;      //  JSON object
    bool is_named;      //  ENTER: the sender has a name of its own; else that of before is kept
    text_t info;        //  OPEN: JSON object, or empty
    text_t first_id;    //  OPEN: what the visitor says first: its id; empty: nothing
    text_t data, secret;
    bool hidden;
    bool takes_control; //  ENTER
    uint64_t read_seq;  //  READ
} change_t;

//  What the matcher says of a session that waits.
typedef enum {
    MATCH_FOUND,  //  this agent can take it
    MATCH_NOBODY, //  of the target that is sought
    MATCH_NOTICE, //  the visitor is to be told these words
} match_what_t;
typedef struct {
    match_what_t what;
    uint64_t version; //  of control, as the matcher saw it: stale when it is another one by now
    text_t agent;     //  FOUND
    text_t words;     //  NOTICE
} match_t;

//  A timer that is leased to this postoffice.
typedef struct {
    timer_kind_t kind;
    text_t item;
    uint64_t seq;
    uint64_t attempt;
    text_t body;
    uint64_t again_ms; //  of a verdict BUSY: it is to be run again after so long
} timer_due_t;

typedef struct {
    list_t place; //  in the session's queue or its changeset
    operation_kind_t kind;
    peer_t peer;             //  who asked; 0: this postoffice itself
    bus_record_t record;     //  what was asked; its texts point into the operation's own memory
    uint64_t role; //  OPERATION_ABSENT, and OPERATION_POST of a request: the participant
    text_t user;   //  likewise
    union { //  of OPERATION_TIMER and OPERATION_MATCH; its texts are the operation's
        timer_due_t timer;
        match_t match;
    };
    change_t *change;  //  OPERATION_CHANGE; in the operation's own memory; else NULL
    uint64_t if_match; //  of a request: it counts only while this is the last seq; SEQ_UNKNOWN: any
    char *topics;            //  of a worker: what it subscribed to when it said this; or NULL
    size_t weight;           //  bytes, for the ceilings
    uint64_t arrived_us;     //  monotonic clock
    unsigned tries;          //  how often its changeset was lost
    bool unsure;             //  it may be in the log already
    bool behind_refused;     //  OPERATION_POST: its endpoint refuses it (endpoint_takes)
    uint64_t request; //  OPERATION_DONE of a request: its number
    text_t channel;  //  POST of a webhook: its visitor comes in with it, and is reached so; a
                     //  literal. Empty: it is of none
    bool is_quiet;   //  likewise: nobody is to answer it
    bool of_request; //  through the API, from no endpoint. POST: by this role and user (empty: the
                     //  session's visitor); request_id is its number
    text_t sender;   //  POST of a request: who is shown, if the session does not know it; or empty
    bool has_sender; //  likewise: it counts in any case
    bool moved_away; //  OPERATION_POST: its endpoint is at another postoffice, and asks there
    bool alone;              //  its changeset could not be stored: it goes into one of its own
    bool spoilt;             //  OPERATION_DONE: see operation_spoil
    uint64_t began_ms; //  OPERATION_DONE: monotonic clock, when a worker took the turn
    bool is_refused; //  OPERATION_DONE of this postoffice itself: the bot was not asked
    bool gives_up;   //  likewise: and will not be asked again
    buffer_t said;   //  what it says once it is spoilt; or see operation_say_for

    //  What the decision came to; set anew by each deciding.
    verdict_t verdict;
    keyed_digest_t digest;   //  OPERATION_POST: of its message id (recent_ids.h)
    uint64_t seq;            //  of its entry, or of the earlier one that it repeats
    uint64_t time_ms;
    uint64_t check;          //  of that entry
    size_t first_entry; //  its entries in the changeset
    size_t entry_count;
    bool opened; //  OPERATION_ATTACH: the session began with it
    bool is_put_off; //  OPERATION_DONE: its turn failed, and waits to be put to the bot again
    uint64_t last_seq; //  of a request: the log's last seq behind it
    bool is_closed;    //  likewise: is the session?
    control_seen_t seen; //  of a change, and of a post that is refused for its version
} operation_t;

//  Copies the record, which must be an ATTACH, DETACH, POST, ACCEPTED or DONE.
operation_t *operation_of_record (peer_t peer, const bus_record_t *record);
//  A POST of a participant without an endpoint.
operation_t *operation_of_request (uint64_t role, text_t user, const bus_record_t *record);
//  A DONE that a bot says itself, over the API: it is of no worker.
operation_t *operation_of_answer (uint64_t request, const bus_record_t *record);
//  Copies the texts.
operation_t *operation_change (const change_t *change);
operation_t *operation_absent (uint64_t role, text_t user);
//  All three copy the texts. ANSWERED: of a DONE of an offer's item.
operation_t *operation_answered (peer_t peer, const bus_record_t *record);
operation_t *operation_match (const match_t *match);
operation_t *operation_timer (const timer_due_t *timer);
void operation_destroy (operation_t **self_p);

//  OPERATION_DONE: what the worker says can never be stored. From here on it says that its turn has
//  failed, which can be.
void operation_spoil (operation_t *self);
//  OPERATION_POST of a request: this user says it, who was not known when it was asked for.
void operation_say_for (operation_t *self, text_t user);
//  Can PostgreSQL take its texts? They are to be UTF-8 without NUL. What JSON has of other
//  characters is written with escapes, so no good peer sends anything else. False: it is to be
//  refused before others share a changeset with it. A worker's answer is not refused, as the worker
//  would say it again for ever: it is spoilt.
bool operation_make_storable (operation_t *self);

//  The session it is about; empty for OPERATION_ABSENT, OPERATION_TIMER and OPERATION_MATCH.
text_t operation_session (const operation_t *self);
//  The endpoint that it is about; 0 for none.
uint64_t operation_endpoint (const operation_t *self);
//  The item that a worker speaks of; empty for operations that are no worker's.
text_t operation_item (const operation_t *self);

#endif
