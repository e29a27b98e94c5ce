//  store_model — what the store is asked and what it answers, as types. The calls are in store.h.

#ifndef STORE_MODEL_H
#define STORE_MODEL_H

#include "base/text.h"
#include "model/model.h"
#include "tables/kept_times.h"
#include "tables/work_model.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *url;        //  libpq connection string or URI
    uint64_t links;         //  database links for sessions; others have links of their own
    uint64_t batch_appends; //  most appends in one batch
    uint64_t queue_limit;   //  bytes of requests that may wait, over all links
    uint64_t patience_ms;   //  how long a request may wait for a database that is away
    uint64_t answer_ms;     //  how long the database may be silent when an answer is due
    uint64_t writer;        //  this process' incarnation, in each row that it writes; < 2^63
    const char *node;       //  its name
    kept_times_t kept;
    uint64_t search_share, search_every_ms; //  search_fill.h; no share: there is no search
    bool migrate;           //  an older schema is migrated; false: waits until somebody has
} store_config_t;

//  Requests that are not answered, over all links.
typedef struct {
    uint64_t count, bytes;
} store_queue_t;

typedef enum {
    STORED,         //  done and committed
    STORE_CONFLICT, //  append only: the log is not as supposed, nothing of it was stored
    STORE_UNSURE,   //  append only: the link broke before the answer; it may be stored or not
    STORE_DOWN,     //  not done, and nothing was stored
    STORE_REJECTED, //  append only: PostgreSQL can never take it; nothing of it was stored
} store_outcome_t;

// ---------------------------------------------------------------------------------------------
//  Appending

//  One entry of the log. seq is implied: the append's first, and so on.
typedef struct {
    text_t message_id; //  unique in the session, of this participant, for ever; never empty
    uint64_t event;    //  event_t, a durable one
    uint64_t time_ms;
    uint64_t role; //  of who caused it
    text_t user;
    text_t sender, data; //  JSON objects; no data: empty
    uint64_t hidden, check; //  1: not shown to people; of the rest (log_position.h), not stored
} store_entry_t;

//  A participant as it is from now on. Also makes this the session that the user was last in.
typedef struct {
    uint64_t role;
    text_t user;
    text_t sender;
    text_t info; //  what its client told of itself: JSON object; empty: what was there stays
    text_t channel; //  topic of the items that reach it; empty: what was there stays
    bool present, is_out; //  is_out: not present, and to come in again on purpose only
} store_participant_t;

//  What an outside system calls a participant's place in a session. One that is there is moved.
typedef struct {
    text_t channel;
    text_t external_id; //  in the app's channel: a phone number, a conversation, a thread
    uint64_t role;
    text_t user;
} store_external_ref_t;

//  Who waits for a person, and to whom the session is offered: the other half of control.
typedef struct {
    bool waits;        //  there is an offer
    text_t sought;     //  of whom somebody is to be found: `group:x`, `agent:y`; empty: of nobody
    text_t offered_to; //  whom it is made just now; empty: nobody
    uint64_t for_ms;   //  for so long, from the commit on
    text_t text;       //  all of the offer (model/offer.h); empty: there is none
} store_offer_t;

//  What became of an offer to an agent: it has answered, or let it pass. `away_after`: with so many
//  that it has let pass in a row it is away; 0: it never is.
typedef struct {
    text_t agent;
    bool is_missed;
    uint64_t away_after;
} store_asked_t;

typedef enum {
    SESSION_STAYS = 0,
    SESSION_CLOSES = 1,
    SESSION_REOPENS = 2,
} store_closing_t;

//  What happens to one session in one step: all of it or nothing. Stored only when the log's last
//  seq is first_seq − 1, no message id is in it yet, and, with opens, the session does not exist.
//  Whoever opens a session is its host (docs/decisions/session-hosts.md).
typedef struct {
    text_t session;
    bool opens; //  creates the session: app, visitor and day_ms are set
    text_t app, visitor; //  the visitor's user id: whose session it is
    uint64_t day_ms; //  wall clock that chooses the day of its partition
    uint64_t day;    //  without opens: the session's day as loaded (days since 1970)
    uint64_t first_seq;
    const store_entry_t *entries;
    size_t entry_count; //  at least 1
    const store_participant_t *participants;
    const store_external_ref_t *external_refs;
    size_t participant_count, external_ref_count;
    bool control_changes, offer_begins; //  control or the offer; anew: whoever was asked may be
    uint64_t control_role; //  ROLE_BOT, ROLE_AGENT, ROLE_PLATFORM, or ROLE_ROUTER: nobody
    text_t control_user;   //  of a platform its topic
    uint64_t control_seq;  //  the version
    uint64_t away_seq;     //  of the entry with which the bot lost control; 0: it has it
    store_offer_t offer;
    store_closing_t closing;
    bool is_left; //  nobody is present any more: the session needs no host
    bool only_host; //  it says who has left: a CONFLICT unless this process is the host
    bool touches; //  it is active, and its row does not say so yet
    const store_work_t *works;
    const store_finish_t *finishes;
    size_t work_count, finish_count;
    const store_asked_t *asked;
    size_t asked_count;
    bool notify_others; //  others wrote last, or may have its endpoints: they get `moved`
} store_append_t;

//  `waits`: deliveries of a STORED append that were to be leased and are not.
typedef void store_appended_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                                const text_t *waits, size_t wait_count);

//  What a participant's clients have: all of them, surely (SEQ_UNKNOWN: not said); one of them; and
//  what it has read (0: not said).
typedef struct { uint64_t received_seq, delivered_seq, read_seq; } store_receipt_t;

// ---------------------------------------------------------------------------------------------
//  Loading a session, reading a log

typedef struct {
    uint64_t role;
    text_t user;
    text_t sender;
    text_t info;    //  JSON object
    text_t channel; //  topic of the items that reach it; empty: sockets
    text_t external_id; //  what its channel calls it; may be empty
    bool present, is_out;
    uint64_t received_seq; //  SEQ_UNKNOWN when nothing was said of it
    uint64_t delivered_seq, read_seq; //  0: nothing was
} stored_participant_t;

typedef struct {
    text_t message_id;
    uint64_t role;
    text_t user;
    uint64_t seq, time_ms, event;
} stored_id_t;

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

typedef struct {
    bool exists;
    text_t app, visitor;
    uint64_t day; //  days since 1970
    uint64_t last_seq, last_time_ms, last_writer, created_ms, last_stored_ms, closed_ms;
    uint64_t host; //  the postoffice that was its host until this load; 0: none
    bool is_closed;
    uint64_t active_ago_ms; //  how long ago its row was told that it is active
    uint64_t control_role;
    text_t control_user;
    uint64_t control_seq, control_ms; //  version; since when (0: not known)
    uint64_t waiting_ms, waited_ms, offer_until_ms; //  0: nobody waits, it is offered to nobody
    text_t offered_to, offer; //  offer: as it was stored
    const stored_participant_t *participants;
    const stored_work_t *works; //  unfinished, by seq
    stored_work_t unanswered; //  the visitor said last: seq, user, body; seq 0: nobody waits
    uint64_t unanswered_ms; //  time of the first that nobody answered
    const stored_id_t *known; //  those of the asked ids that are in the log, and its last ones
    size_t participant_count, work_count, known_count;
    uint64_t away_seq; //  as in an append
    const stored_entry_t *said; //  messages since then, the last ones (rules/meanwhile.h), by seq
    size_t said_count;
} stored_session_t;

//  `session` is NULL when the outcome is STORE_DOWN.
typedef void store_loaded_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                              const stored_session_t *session);

typedef void store_read_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                            const stored_entry_t *entries, size_t count);

typedef void store_found_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                             text_t session);

//  An empty session: there is no such reference.
typedef void store_external_fn (void *owner, uint64_t request_id, store_outcome_t outcome,
                                text_t session, uint64_t role, text_t user);

//  What postoffices tell each other of a session.
typedef enum {
    NOTIFY_MOVED,  //  something was written to it: load it again
    NOTIFY_SHARED, //  the sender has endpoints of it, though another one wrote last
    NOTIFY_ORPHAN, //  by the database: it has unfinished turns, which are the hearer's now
    NOTIFY_HOST,   //  by the database: its host is dead, and the hearer is the new one
    NOTIFY_HOSTED, //  by the database: the hearer is its host, if it does not know
    NOTIFY_CANCELLED, //  by the database: of an item, which the hearer has leased
    STORE_NOTICES
} store_notice_t;

#endif
