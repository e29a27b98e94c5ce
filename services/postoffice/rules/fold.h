//  fold — what a session's log says when it is read from the beginning to the end: who takes part,
//  who is in control, which turns are open, which message ids were there last.
//
//  The store keeps the result of the folding beside the log and loads it; from then on every entry
//  that this postoffice appends is folded in when it goes into the changeset. When an append loses,
//  the fold is thrown away and loaded anew. Owns its participants and turns.
//
//  The struct is open: the rules read it, and change it as entries go into the changeset.
//
//  A turn is one unfinished work item of the session: a question that waits for a worker or is in
//  the hands of one. The row in `work_item` is the durable half; this is the half in memory.
//  While it wants a worker or a worker has it, `place` is in one of the lists of workers.h;
//  turn_destroy takes it out.

#ifndef FOLD_H
#define FOLD_H

#include "base/list.h"
#include "bus/bus_server.h"
#include "rules/meanwhile.h"
#include "rules/recent_ids.h"

typedef enum {
    TURN_QUEUED, //  an earlier turn of the same topic goes first, or its entry is not committed
    TURN_RECOVERED, //  loaded from the store: a worker may say that it has it; else it starts anew
    TURN_WAITING,   //  for a worker with credit
    TURN_DISPATCHED, //  handed to a worker that has not said ACCEPTED yet
    TURN_ACCEPTED,   //  a worker is at it
    TURN_HELD,       //  its bot is not asked at the moment (work/bot_health.h)
} turn_state_t;

typedef struct {
    list_t place;   //  in the list of its state
    list_t in_fold; //  in the session's turns, by seq
    turn_state_t state;
    peer_t worker; //  of TURN_DISPATCHED and TURN_ACCEPTED
    peer_t avoid;  //  a worker that was offered it and did not take it in time
    uint64_t since_ms, attempts;
    bool is_told_elsewhere; //  it ended by an answer that its worker does not know of
    uint64_t lease; //  of a delivery: its attempt, as the database counts; 0: it is a turn
    uint64_t lost, replays; //  likewise: handed out before without a report; replayed by hand
    bool is_suppressed;     //  likewise: its address wants nothing any more
    uint64_t tries_most;    //  of a turn: for its worker; 0: as it likes
    uint64_t held_until_ms; //  monotonic clock: not asked again before
    uint64_t asked_ms;      //  wall clock: when its question was put first
    bool hidden;            //  for the bot only, such as a greeting: nobody else answers it
    bool is_probe;          //  its outcome says whether the bot is back
    bool is_refused;        //  its session is told that it failed
    uint64_t seq;
    text_t item; //  these point into the turn's own memory
    text_t session;
    text_t app;
    text_t topic;
    text_t user;
    text_t body;
    text_t secret;
    text_t memory, lane_memory; //  of a delivery: what reports have remembered
} turn_t;

//  Copies the texts of the prototype; the new turn is in no list. Aborts when memory is exhausted.
turn_t *turn_new (const turn_t *prototype);
void turn_destroy (turn_t **self_p);

//  A question that is put again: its bot failed in this session, and the visitor was told. Its item
//  says so, and so it is known to whichever postoffice has the session.
#define TURN_AGAIN_PREFIX "again-"
bool turn_is_again (const turn_t *self);

//  Why persons are asked for then: the offer says so, and so it is known likewise.
#define WHY_BOT_FAILED "the bot gives no answer"

//  Is the turn of one of these topics, such as "bot.stentor platform.genesys"?
bool turn_is_of (const turn_t *self, const char *topics);

//  The channel of participants who take part through the API: nothing is delivered over it, they
//  read by themselves. It ends when they leave.
#define CHANNEL_API TEXT ("api")

//  Has a participant an endpoint? Unknown: another postoffice knew, or it has a channel.
typedef enum { CONTACT_UNKNOWN, CONTACT_CONNECTED, CONTACT_AWAY } contact_t;

//  A participant, present or not.
typedef struct {
    list_t in_fold;
    list_t absent;         //  in the sessions' grace list while present without an endpoint
    void *owner;           //  of the fold
    uint64_t absent_since_ms;
    uint64_t role;
    text_t user;
    text_t sender;         //  JSON object
    text_t info;           //  of a visitor: JSON object (visitor_info.h), or empty
    text_t channel; //  topic of the items that reach it; empty: sockets. It has no grace period
    text_t external_id;    //  what its channel calls it; may be empty
    bool present, typing;
    bool is_out; //  not present: it passed the visitor on, and comes in again on purpose only
    uint64_t received_seq; //  what its clients surely had when they went; or SEQ_UNKNOWN
    contact_t contact;
    list_t unsettled;      //  in the sessions' list while a new host waits for its connection
    uint64_t unsettled_since_ms;
    uint64_t delivered_seq, read_seq; //  the most that one of its clients has, and has read; or 0
    uint64_t stored_ms;    //  when they were stored last
    bool is_unstored;
} participant_t;

//  Something that the visitor said, as it is put before a bot.
typedef struct {
    uint64_t seq;
    text_t user;
    text_t body;
    text_t secret; //  not in the log: empty when another postoffice heard it
    uint64_t since_ms; //  time of the first that was said since the last answer
    bool hidden;       //  for the bot only
} question_t;

typedef struct {
    text_t session; //  its key, borrowed from the owner
    void *owner;    //  whoever keeps the fold; the rules do not look at it
    bool exists;
    text_t app, visitor;   //  owned
    uint64_t day;
    uint64_t day_ms;       //  of a session that this postoffice opens
    uint64_t last_seq, last_time_ms, last_writer;
    //  By the wall clock, for people: when it was opened, when its last entry was stored, the last
    //  one that is an activity (0: not known), and when it was closed, if it is.
    uint64_t created_ms, stored_ms, activity_ms, closed_ms;
    bool is_closed;
    bool will_close;    //  nobody is present, and the timer `close` is set
    uint64_t active_ms; //  monotonic clock: when its row was told last that it is active
    //  Who answers: ROLE_BOT, ROLE_AGENT, ROLE_PLATFORM; ROLE_ROUTER: nobody, the visitor waits.
    uint64_t control_role;
    text_t control_user;   //  owned; of a platform its topic
    //  The version: the seq of the last entry that changed control or the offer; 0: none has since
    //  schema 7. And its time, for people.
    uint64_t control_seq, control_ms;
    //  The offer, if there is one: its texts are owned, and its text is that of offer.h.
    store_offer_t offer;
    uint64_t waiting_ms;     //  wall clock, for people: since when somebody is sought
    uint64_t offer_until_ms; //  likewise: until when it is offered to offer.offered_to
    list_t participants;
    list_t turns;
    size_t turn_count;
    //  What the visitor said last; NULL: somebody has said something since. It follows from the log
    //  (load_session), so that it costs no row of its own and any postoffice knows it.
    question_t *unanswered;
    uint64_t failures; //  of the bot, since it answered last: it is asked once at a time then
    uint64_t told_ms;  //  wall clock: when the visitor was told so last; 0: not yet
    uint64_t person_seq; //  the question for which a person was asked, as the bot failed; or 0
    recent_ids_t recent;
    meanwhile_t meanwhile;
} fold_t;

void fold_init (fold_t *self, text_t session, void *owner);
void fold_free (fold_t *self);
//  Moves everything; `from` is freshly initialised then.
void fold_move (fold_t *self, fold_t *from);

//  Takes over what was loaded; the fold must be freshly initialised. The first turn of each topic
//  becomes TURN_RECOVERED, those behind it TURN_QUEUED.
void fold_load (fold_t *self, const stored_session_t *stored);

//  A session that nobody had opened before.
void fold_open (fold_t *self, text_t app, text_t visitor, uint64_t day_ms);

participant_t *fold_participant (const fold_t *self, uint64_t role, text_t user);
//  Adds the participant or gives it another sender; says that it is present.
participant_t *fold_admit (fold_t *self, uint64_t role, text_t user, text_t sender);
void fold_inform (participant_t *participant, text_t info); //  empty, or "{}": stays as it is
typedef enum { COMPANY_NONE, COMPANY_OF_CHANNEL, COMPANY_SEEN } company_t; //  who is present
company_t fold_company (const fold_t *self); //  OF_CHANNEL: visitors whom nobody sees leave
void fold_reach (participant_t *participant, text_t channel, text_t external_id);
//  Who takes part through the API does not any more; nor has the channel of it.
void fold_leave (participant_t *participant);
static inline bool
participant_is_of_api (const participant_t *participant)
{
    return text_is (participant->channel, CHANNEL_API);
}
//  Has a person control, or does the visitor wait for one?
bool fold_is_attended (const fold_t *self);
bool fold_controls (const fold_t *self, uint64_t role, text_t user);
void fold_control (fold_t *self, uint64_t role, text_t user);
//  Copies the texts. One that does not wait: there is no offer any more.
void fold_offer (fold_t *self, const store_offer_t *offer);

turn_t *fold_turn (const fold_t *self, text_t item);
void fold_add_turn (fold_t *self, turn_t *turn);
//  Takes the turn out; it is the caller's then.
void fold_end_turn (fold_t *self, turn_t *turn);

//  The visitor has said that, and waits for an answer. Who waits already waits since then.
void fold_wait (fold_t *self, const question_t *question);
//  The visitor has an answer, or was told that there will be none.
void fold_answered (fold_t *self);
//  What only memory knows, from before the load: the secret of the same question, and whether the
//  bot failed at it.
void fold_inherit (fold_t *self, const fold_t *before);

//  Its last entry.
log_position_t fold_last (const fold_t *self);

//  How far ahead of ours a client's clock may be and still be believed. The session's times are
//  everybody's: a client further ahead would take them along for good, so ours is taken then.
#define CLIENT_AHEAD_MS (10 * 60 * 1000)

//  The time of the next entry: unique and rising in the session, never behind the wall clock or,
//  within CLIENT_AHEAD_MS, what the client's own copy of its question can have (the clock it told
//  + 1). A session that is ahead already goes on from where it is.
uint64_t fold_next_time (const fold_t *self, uint64_t wall_ms, uint64_t client_ms);

#endif
