#include "intake.h"

#include "edge_counters.h"
#include "liveness.h"
#include "membership.h"
#include "parts/identity.h"
#include "server_frame.h"

#include <stdio.h>
#include <stdlib.h>

#define FAULTS_MAX 16
//  A client that can be refused at full speed, closed, and come again costs the others time: so
//  many refused frames are a burst, and the next ones are read as the pace allows.
#define FAULTS_BURST 8
#define POST_BYTES_MAX (512u << 10)

static bool
s_is_join (const client_frame_t *frame)
{
    return frame->says == SAYS_JOINED || frame->says == SAYS_RESUME;
}

static void
s_charge (const relay_t *relay, connection_t *connection, uint64_t frames)
{
    pace_take_many (&connection->frames, relay_now (relay), relay->config->frames_per_second,
                    frames);
}

//  One that could not be read may be anything: of a widget, it is a message.
static bool
s_may_be_message (const client_frame_t *frame, frame_fault_t fault)
{
    return frame->says == SAYS_MESSAGE
           || (frame->says == SAYS_NOTHING && fault != FAULT_UNKNOWN_EVENT);
}

//  Long texts cost a bot much more than they cost a visitor.
static bool
s_is_too_long (const relay_t *relay, const connection_t *connection, const client_frame_t *frame)
{
    const app_t *app = apps_find (relay->apps, connection_app (connection));
    return connection->role == ROLE_VISITOR && app && frame->text_size > app->text_limit;
}

static void
s_refuse (relay_t *relay, connection_t *connection, const client_frame_t *frame,
          frame_fault_t fault)
{
    edge_refused[fault]++;
    s_charge (relay, connection, relay->config->frames_burst / FAULTS_BURST);
    if (fault == FAULT_NOT_UTF8) {
        relay_close (relay, connection, CLOSE_NOT_UTF8);
        return;
    }
    const frame_fault_row_t *row = frame_fault_row (fault);
    frame_t *answer
        = server_frame_error (frame->session_id, frame->message_id, row->code, row->words);
    relay_write (relay, connection, &answer);
    //  A widget knows no errors: its visitor would wait for an answer for ever.
    if (connection->dialect == DIALECT_WIDGET && s_may_be_message (frame, fault)) {
        answer = server_frame_failure (frame->session_id, relay_bot_sender (relay, connection),
                                       row->words);
        relay_write (relay, connection, &answer);
    }
    if (s_is_join (frame)) {
        answer = server_frame_not_joined (frame->session_id, row->code, row->words);
        relay_write (relay, connection, &answer);
    }
    if (++connection->faults >= FAULTS_MAX)
        relay_close (relay, connection, CLOSE_FAULTS);
}

//  What may be said by whom, as far as the edge can know.
static bool
s_is_allowed (const connection_t *connection, client_says_t says)
{
    if (says == SAYS_RESUME)
        return connection->dialect == DIALECT_RICH;
    if (says == SAYS_BARGE_IN || says == SAYS_BARGE_OUT)
        return connection->role == ROLE_AGENT;
    return true;
}

static sync_reason_t
s_reason (client_says_t says)
{
    return says == SAYS_JOINED ? SYNC_JOIN : says == SAYS_RESUME ? SYNC_RESUME : SYNC_FRAME;
}

static void
s_pause (connection_t *connection, edge_counter_t why)
{
    if (connection->paused)
        return;
    connection->paused = true;
    edge_count (why, 1);
    websocket_read (connection->socket, false);
}

typedef struct {
    char bytes[SESSION_KEY_MAX + 1];
} session_key_t;

//  The key of the session that the frame names.
static text_t
s_key (const connection_t *connection, const client_frame_t *frame, session_key_t *key)
{
    int size = snprintf (key->bytes, sizeof key->bytes, "%.*s/%.*s",
                         TEXT_ARGS (connection_app (connection)), TEXT_ARGS (frame->session_id));
    return (text_t){ key->bytes, (size_t) size };
}

//  One SYNC is answered before the next one is asked for, however many a client would like; and the
//  answers to its posts come from the session that they went to.
static bool
s_must_wait (const connection_t *connection, const client_frame_t *frame)
{
    if (!connection_is_placed (connection))
        return false;
    session_key_t key;
    bool moves = !text_is (s_key (connection, frame, &key), connection_session (connection));
    if (connection->place == PLACE_JOINING && connection->asked)
        return moves || s_is_join (frame);
    return moves && connection->post_count > 0;
}

//  As above for a frame that waits already: no less than what it waits for.
static bool
s_is_settled (const connection_t *connection)
{
    return connection->post_count == 0
           && !(connection->place == PLACE_JOINING && connection->asked);
}

static int
s_hold (connection_t *connection, text_t bytes)
{
    //  Nothing is read behind it.
    if (connection->held || !(connection->held = malloc (bytes.size)))
        return -1;
    memcpy (connection->held, bytes.data, bytes.size);
    connection->held_size = bytes.size;
    s_pause (connection, EDGE_PAUSED_MOVE);
    return 0;
}

//  The session that the frame names is where the connection is from now on.
static int
s_place (relay_t *relay, connection_t *connection, const client_frame_t *frame)
{
    session_key_t key;
    text_t session = s_key (connection, frame, &key);
    connection->spoke = true;
    if (!s_is_join (frame) && connection_is_placed (connection)
        && text_is (session, connection_session (connection)))
        return 0;
    pace_take (&connection->sessions, relay_now (relay), relay->config->sessions_per_second);
    uint64_t seq = connection->dialect == DIALECT_RICH ? frame->last_seq : SEQ_UNKNOWN;
    return membership_enter (relay, connection, session, s_reason (frame->says), seq,
                             frame->time_ms);
}

static event_t
s_event (client_says_t says)
{
    return says == SAYS_BARGE_IN ? EVENT_BARGE_IN
           : says == SAYS_BARGE_OUT ? EVENT_BARGE_OUT
                                    : EVENT_NEW_MESSAGE;
}

static int
s_post (relay_t *relay, connection_t *connection, const client_frame_t *frame)
{
    identity_t fresh = { "" };
    text_t message_id = frame->message_id;
    bool named = connection->dialect == DIALECT_RICH && message_id.size > 0;
    if (named && membership_holds_back (relay, connection, message_id))
        return 0;
    if (!named) {
        fresh = identity_new ();
        message_id = text_of (fresh.text);
    }
    bus_post_t record = { .session = connection_session (connection),
                          .event = s_event (frame->says),
                          .message_id = message_id,
                          .time_ms = frame->time_ms,
                          .sender = connection_sender (connection),
                          .data = frame->data,
                          .secret = frame->secret,
                          .quiet = frame->quiet };
    post_t *post = posts_add (&relay->posts, connection, &record, relay_now (relay));
    if (!post)
        return -1;
    post->named = named;
    if (intake_is_full (relay, connection))
        s_pause (connection, EDGE_PAUSED_POSTS);
    return 0;
}

static int
s_take (relay_t *relay, connection_t *connection, const client_frame_t *frame)
{
    if (connection_stamp (connection, &frame->visitor) != 0
        || s_place (relay, connection, frame) != 0)
        return -1;
    switch (frame->says) {
    case SAYS_TYPING:
        membership_signal (relay, connection, EVENT_TYPING);
        return 0;
    case SAYS_STOP_TYPING:
        membership_signal (relay, connection, EVENT_STOP_TYPING);
        return 0;
    case SAYS_MESSAGE:
    case SAYS_BARGE_IN:
    case SAYS_BARGE_OUT:
        if (s_post (relay, connection, frame) != 0)
            return -1;
        break;
    default:
        break;
    }
    if (!membership_speak (relay, connection))
        relay_wait (relay, connection);
    return 0;
}

static void
s_hear (relay_t *relay, connection_t *connection, text_t bytes)
{
    client_frame_t frame;
    frame_fault_t fault = client_frame_read (&frame, bytes, connection_user (connection));
    s_charge (relay, connection, frame.cost);
    if (fault == FAULT_NONE && !s_is_allowed (connection, frame.says))
        fault = FAULT_NOT_ALLOWED;
    if (fault == FAULT_NONE && s_is_too_long (relay, connection, &frame))
        fault = FAULT_TEXT;
    if (fault != FAULT_NONE)
        s_refuse (relay, connection, &frame, fault);
    else {
        connection->faults = 0;
        int rc = s_must_wait (connection, &frame) ? s_hold (connection, bytes)
                                                  : s_take (relay, connection, &frame);
        if (rc != 0)
            relay_close (relay, connection, CLOSE_NO_MEMORY);
    }
    client_frame_free (&frame);
}

static bool
s_is_too_fast (const relay_t *relay, const connection_t *connection)
{
    const edge_config_t *config = relay->config;
    uint64_t now = relay_now (relay);
    return pace_is_spent (&connection->frames, now, config->frames_per_second,
                          config->frames_burst)
           || pace_is_spent (&connection->sessions, now, config->sessions_per_second,
                             config->sessions_burst);
}

static void
s_watch_pace (relay_t *relay, connection_t *connection)
{
    if (connection->place == PLACE_CLOSING || !s_is_too_fast (relay, connection))
        return;
    list_append (&relay->resting, &connection->resting);
    s_pause (connection, EDGE_PAUSED_PACE);
}

void
intake_text (relay_t *relay, connection_t *connection, text_t bytes)
{
    if (connection->place == PLACE_CLOSING)
        return;
    liveness_heard (relay, connection);
    s_hear (relay, connection, bytes);
    s_watch_pace (relay, connection);
}

void
intake_owe (relay_t *relay, connection_t *connection, uint64_t frames)
{
    s_charge (relay, connection, frames);
    s_watch_pace (relay, connection);
}

static void
s_hear_held (relay_t *relay, connection_t *connection)
{
    char *held = connection->held;
    connection->held = NULL;
    s_hear (relay, connection, (text_t){ held, connection->held_size });
    s_watch_pace (relay, connection);
    free (held);
}

bool
intake_is_full (const relay_t *relay, const connection_t *connection)
{
    return connection->post_count >= relay->config->posts
           || connection->post_bytes >= POST_BYTES_MAX
           || (connection->post_count > 0 && relay_is_crowded (relay));
}

void
intake_resume (relay_t *relay, connection_t *connection)
{
    if (!connection->paused || connection->place == PLACE_CLOSING)
        return;
    if (connection->held && s_is_settled (connection))
        s_hear_held (relay, connection);
    if (connection->held || connection->place == PLACE_CLOSING
        || !list_is_empty (&connection->resting) || intake_is_full (relay, connection))
        return;
    connection->paused = false;
    liveness_heard (relay, connection);
    websocket_read (connection->socket, true);
}

void
intake_tick (relay_t *relay)
{
    list_t *next;
    for (list_t *at = relay->resting.next; at != &relay->resting; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, resting);
        if (s_is_too_fast (relay, connection))
            continue;
        list_remove (at);
        intake_resume (relay, connection);
    }
}
