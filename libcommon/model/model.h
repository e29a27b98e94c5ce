//  model — the enumerations that all services share, made from the tables events.def and
//  verdicts.def, and the small vocabularies that are too short for a table of their own.

#ifndef MODEL_H
#define MODEL_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
#define EVENT(number, NAME, wire, log, words) EVENT_##NAME = number,
#include "model/events.def"
#undef EVENT
} event_t;

//  The event's name on the wire; NULL for a number that is no event.
const char *event_wire_name (uint64_t event);

//  True when the event has a row in the log.
bool event_is_durable (uint64_t event);

typedef enum {
#define VERDICT(number, NAME, code, again, words) VERDICT_##NAME = number,
#include "model/verdicts.def"
#undef VERDICT
    VERDICT_COUNT
} verdict_t;

//  The verdict's code, as clients and metrics have it; "unknown" for a number that is none.
const char *verdict_code (uint64_t verdict);
//  A sentence for a person.
const char *verdict_words (uint64_t verdict);
//  True when the same request may succeed later.
bool verdict_again (uint64_t verdict);

//  What a process is on the bus.
typedef enum {
    NODE_POSTOFFICE = 1,
    NODE_EDGE = 2,
    NODE_WORKER = 3, //  a connector or the notifier: takes work items of its topics
} node_role_t;

//  What a participant is in a session.
typedef enum {
    ROLE_VISITOR = 1,
    ROLE_AGENT = 2,
    ROLE_BOT = 3,
    ROLE_PLATFORM = 4,
    ROLE_ROUTER = 5,
    ROLE_API = 6, //  a server of the app's owner
} role_t;

//  "visitor", "agent" …; "unknown" for a number that is none.
const char *role_name (uint64_t role);

//  What an endpoint's client understands.
typedef enum {
    DIALECT_WIDGET = 1, //  @xapp/chat-widget: no acks, no resume, a browser that answers pings
    DIALECT_RICH = 2,   //  client.js: messageId and ack, seq, resume
} dialect_t;

//  Why an edge puts an endpoint into a session.
typedef enum {
    ATTACH_JOIN = 1,   //  the client said `user joined`
    ATTACH_FRAME = 2,  //  the client said something else that names this session
    ATTACH_SILENT = 3, //  the client says nothing; this is the session it was last in
    ATTACH_RESUME = 4, //  the client says which seq it saw last
    ATTACH_REATTACH =
        5, //  the client notices nothing: a new link, or a new postoffice of the session
} attach_reason_t;

//  What came of a turn.
typedef enum {
    OUTCOME_ANSWERED = 1,  //  data is what the bot said; may be empty: the bot had nothing to say
    OUTCOME_BOT_ERROR = 2, //  the bot says itself that it failed; data is its apology
    OUTCOME_FAILED = 3,    //  no answer after all tries; data is the last `failure` frame's data
    OUTCOME_RETRY = 4,     //  of a delivery: again, after so long; detail says why
    OUTCOME_DEAD = 5,      //  of a delivery: never again; detail says why
} outcome_t;

//  Whose fault it is that a turn failed.
typedef enum {
    FAULT_UNKNOWN = 0, //  the worker does not say
    FAULT_BOT = 1,     //  others would fail, too: no answer in time, a refused connection, a 5xx,
                       //  words that are no answer
    FAULT_OTHER = 2,   //  of this question, or of what is set: a 404, no bot, a blocked address
} fault_t;

//  What a report of a delivery says of its destination: a server, an endpoint, an account.
typedef enum {
    DESTINATION_UNSAID = 0, //  nothing, or, of one that is done, that it is well
    DESTINATION_WELL = 1,   //  it answered as it should, whatever it said of this item
    DESTINATION_FAILED = 2, //  it did not: after some of these in a row it is left alone
    DESTINATION_DISABLED = 3, //  it takes nothing until it is enabled: a 410, a wrong password
} destination_word_t;

//  Asks whether a bot is well: the item's app says whose. No item of the database, and no turn.
#define TOPIC_BOT_HEALTH TEXT ("health.stentor")

//  Topics of turns: what a worker of these says of an item is an operation of the item's session,
//  and its answer becomes an entry. Items of all other topics are deliveries.
static inline bool
topic_is_of_turns (text_t topic)
{
    return topic.size > 4 && memcmp (topic.data, "bot.", 4) == 0;
}

//  What the bot asks the switchboard for, beside its words.
typedef enum {
    ASK_NOTHING = 0,
    ASK_HANDOFF = 1,       //  a person; target is the bot's handoffTargetId
    ASK_TRANSFER_CALL = 2, //  a phone call; target is the number
} ask_t;

//  Limits of identifiers, in bytes, as the edge enforces them and the postoffice relies on.
#define APP_ID_MAX 64
#define SESSION_ID_MAX 200
#define USER_ID_MAX 200
#define MESSAGE_ID_MAX 100
#define DISPLAY_NAME_MAX 100
//  "<appId>/<sessionId>": how a session is called everywhere behind the edge.
#define SESSION_KEY_MAX (APP_ID_MAX + 1 + SESSION_ID_MAX)

//  Ids that begin with a colon are the router's own: it derives them from those of participants.
static inline bool
message_id_is_reserved (text_t message_id)
{
    return message_id.size > 0 && message_id.data[0] == ':';
}

//  Entries that a request of the API caused: the same key of the same asker is the same entry.
#define REQUEST_KEY_PREFIX ":key:"
static inline bool
message_id_is_of_key (text_t message_id)
{
    size_t size = sizeof REQUEST_KEY_PREFIX - 1;
    return message_id.size > size && memcmp (message_id.data, REQUEST_KEY_PREFIX, size) == 0;
}

//  Entries that say that an alert is seen to: one for an event, whoever says it first.
#define ALERT_SEEN_PREFIX ":seen:"
static inline bool
message_id_is_of_alert (text_t message_id)
{
    size_t size = sizeof ALERT_SEEN_PREFIX - 1;
    return message_id.size > size && memcmp (message_id.data, ALERT_SEEN_PREFIX, size) == 0;
}

//  "The seq is not known": the postoffice remembers better.
#define SEQ_UNKNOWN UINT64_MAX

#endif
